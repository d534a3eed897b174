package audit

import (
	"errors"
	"fmt"
	"math"
)

// longestChain of blocks of one shard between two masterchain blocks.
const longestChain = 8

// checkLayout: what the masterchain block referred to has in place of this shard
// allows a block here (check_this_shard_mc_info). Blocks before the masterchain
// first registers a workchain are let pass; the network registers zerostates
// first.
func (t *step) checkLayout() error {
	var over, under []*descr
	for s, d := range t.reference.tops {
		switch {
		case s.covers(t.block.shard):
			over = append(over, d)
		case t.block.shard.covers(s):
			under = append(under, d)
		}
	}
	if len(over) == 1 {
		return t.checkOver(over[0])
	}
	if len(under) == 2 && under[0].shard.sibling() == under[1].shard {
		return t.checkUnder(under[0], under[1])
	}
	if len(under) == 0 && t.reference.seqno == 0 {
		return nil
	}
	return fmt.Errorf("masterchain block %d knows no such shard", t.reference.seqno)
}

// checkOver: the masterchain has this shard, or the parent it was split from.
func (t *step) checkOver(d *descr) error {
	i, prev := t.block.info, t.prev[0].ref
	if d.shard == t.block.shard {
		sibling := t.reference.tops[d.shard.sibling()]
		switch {
		case i.AfterSplit || i.AfterMerge:
			return errors.New("the masterchain knows this shard before its split or merge")
		case d.beforeSplit:
			return fmt.Errorf("%s was to be split", d.ref)
		case d.beforeMerge && sibling != nil && sibling.beforeMerge:
			return fmt.Errorf("%s was to be merged", d.ref)
		case i.BeforeSplit && (!d.plan.split || !d.plan.allows(i.GenUtime)):
			return fmt.Errorf("before_split is set at %d, planned is %+v", i.GenUtime, d.plan)
		}
		return inChain(prev.seqno, d.seqno)
	}
	switch {
	case !d.shard.isParentOf(t.block.shard):
		return fmt.Errorf("the masterchain has %s in place of the shard", d.ref)
	case !d.beforeSplit || i.AfterMerge || i.BeforeSplit:
		return fmt.Errorf("%s was not to be split, or the block is to be split again", d.ref)
	case i.AfterSplit && !prev.sameBlock(d.ref):
		return fmt.Errorf("it is split from %s, the masterchain has %s", prev, d.ref)
	}
	return inChain(prev.seqno, d.seqno)
}

// checkUnder: the masterchain has the two halves this shard was merged of.
func (t *step) checkUnder(one, other *descr) error {
	i := t.block.info
	if !one.beforeMerge || !other.beforeMerge || i.AfterSplit || i.BeforeSplit {
		return fmt.Errorf("%s and %s were not to be merged", one.ref, other.ref)
	}
	if i.AfterMerge {
		for _, p := range t.prev {
			if !p.sameBlock(one.ref) && !p.sameBlock(other.ref) {
				return fmt.Errorf("it is merged of %s, which the masterchain does not have", p.ref)
			}
		}
		return nil
	}
	return inChain(t.prev[0].seqno, max(one.seqno, other.seqno))
}

func inChain(prev, listed uint32) error {
	if prev < listed || uint64(prev) >= min(uint64(listed)+longestChain, math.MaxUint32) {
		return fmt.Errorf("it follows block %d, the masterchain has %d: not a chain of at most %d", prev, listed, longestChain)
	}
	return nil
}
