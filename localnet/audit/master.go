package audit

import (
	"errors"
	"fmt"
)

// checkShards: shard_hashes name just the newest block of every shard, as its
// header tells it (check_one_shard of the reference node).
func (t *step) checkShards() error {
	m := t.block.master
	if !sameCell(m.shardHashes, t.after.extra.shardHashes) {
		return errors.New("shard_hashes of the block are not those of the state")
	}
	for s, head := range t.heads {
		if d := m.shards[s]; d == nil || !d.sameBlock(head.ref) {
			return fmt.Errorf("the newest block of shard %s is %s, it is not in shard_hashes", s, head.ref)
		}
	}
	for s, d := range m.shards {
		head := t.heads[s]
		if head == nil {
			return fmt.Errorf("shard_hashes name %s, which is not the newest block of a shard", d.ref)
		}
		if err := t.checkDescr(d, head); err != nil {
			return fmt.Errorf("shard %s: %w", s, err)
		}
	}
	return nil
}

func (t *step) checkDescr(d *descr, head *made) error {
	want := t.describe(head)
	if old := t.reference.tops[d.shard]; old != nil && old.sameBlock(d.ref) {
		want = old
	}
	i := t.block.info
	switch {
	case !d.same(want):
		return fmt.Errorf("it is described as %+v, its header makes %+v", *d, *want)
	case d.nextValidatorShard != d.shard.prefix:
		return fmt.Errorf("next_validator_shard is %016x", d.nextValidatorShard)
	case d.endLT >= i.StartLt || d.utime > i.GenUtime:
		return fmt.Errorf("it ends at %d and was made at %d, after this block at %d and %d", d.endLT, d.utime, i.StartLt, i.GenUtime)
	case head.block != nil && d.nextCatchain-head.block.info.GenCatchainSeqno > 1:
		return fmt.Errorf("next_catchain_seqno is %d after %d", d.nextCatchain, head.block.info.GenCatchainSeqno)
	}
	return nil
}

// describe is what a newly registered block's description must be; fees are
// those of all blocks since the ones registered before.
func (t *step) describe(head *made) *descr {
	d := &descr{ref: head.ref, registered: t.block.seqno, minRef: ^uint32(0), utime: head.state.utime}
	if head.block == nil {
		return d
	}
	i := head.block.info
	d.startLT, d.minRef, d.beforeSplit, d.wantSplit, d.wantMerge = i.StartLt, i.MinRefMcSeqno, i.BeforeSplit, i.WantSplit, i.WantMerge
	for m := head; m.block != nil && !t.isTop(m); {
		d.fees, d.created = d.fees.plus(m.block.flow.feesCollected), d.created.plus(m.block.flow.created)
		if len(m.prev) != 1 {
			break // a merge begins a chain
		}
		m = m.prev[0]
	}
	return d
}

func (t *step) isTop(m *made) bool {
	d := t.reference.tops[m.shard]
	return d != nil && d.sameBlock(m.ref)
}

// checkAnnounced: splits and merges are planned in one masterchain block and done
// under a later one, while the plan lasts and the workchain allows (the rest of
// check_one_shard, and may_update_shard_block_info).
func (t *step) checkAnnounced() error {
	for s, d := range t.block.master.shards {
		if err := t.checkPlan(d, t.reference.tops[s], t.block.master.shards[s.sibling()]); err != nil {
			return fmt.Errorf("shard %s: %w", s, err)
		}
		head := t.heads[s]
		if head == nil || head.block == nil {
			continue
		}
		if d.beforeSplit {
			old := t.reference.tops[s]
			if old == nil || !old.plan.split || !old.plan.allows(d.utime) {
				return fmt.Errorf("shard %s is to be split, that was not planned", s)
			}
		}
	}
	return nil
}

func (t *step) checkPlan(d, old, sibling *descr) error {
	now := t.block.info.GenUtime
	w, err := t.after.extra.config.workchain(d.shard.workchain)
	if err != nil {
		return err
	}
	depth := d.shard.length()
	maySplit := (d.wantSplit || depth < int(w.MinSplit)) && depth < int(w.MaxSplit) && depth < 60
	mayMerge := depth > int(w.MinSplit) && sibling != nil && !d.beforeSplit && !sibling.beforeSplit &&
		(d.wantMerge || depth > int(w.MaxSplit)) && (sibling.wantMerge || depth > int(w.MaxSplit))
	planned := d.plan != plan{}
	inherited := planned && old != nil && old.plan == d.plan
	switch {
	case depth > 0 && sibling == nil && d.plan.merge:
		return errors.New("a merge is planned without a sibling")
	case planned && !inherited && (d.plan.since < now || d.plan.interval == 0):
		return fmt.Errorf("plan %+v is of the past, now is %d", d.plan, now)
	case planned && !inherited && d.plan.split && !maySplit:
		return errors.New("a split is planned, which neither the shard nor the config wants")
	case planned && !inherited && d.plan.merge && !mayMerge:
		return errors.New("a merge is planned, which neither the shards nor the config want")
	case inherited && (now > d.plan.since+d.plan.interval || d.beforeSplit):
		return fmt.Errorf("plan %+v is over", d.plan)
	case old != nil && old.plan != plan{} && !inherited && now < old.plan.since+old.plan.interval && !d.beforeSplit:
		return fmt.Errorf("plan %+v was changed to %+v", old.plan, d.plan)
	case d.beforeMerge && (sibling == nil || !sibling.beforeMerge || !d.plan.merge || !mayMerge):
		return errors.New("before_merge is set without a sibling that agrees, a plan and a wish")
	}
	return nil
}

// checkShardFees: shard_fees has an entry for each shard that brings any, equal to
// its description (check_one_shard_fee).
func (t *step) checkShardFees() error {
	m := t.block.master
	for s, f := range m.shardFees {
		d := m.shards[s]
		if d == nil || d.registered != t.block.seqno || !f.equal(shardFees{d.fees, d.created}) {
			return fmt.Errorf("shard %s has an entry of %s", s, f)
		}
	}
	for s, d := range m.shards {
		if _, there := m.shardFees[s]; !there && d.registered == t.block.seqno && (!d.fees.isZero() || !d.created.isZero()) {
			return fmt.Errorf("shard %s brings %s and has no entry", s, d.fees)
		}
	}
	return nil
}

// checkMasterState: the log of blocks grew by the one before, and totals follow
// (check_mc_state_extra, check_mc_validator_info).
func (t *step) checkMasterState() error {
	x, f := t.after.extra, t.block.flow
	old := t.reference.state.extra
	if x.log.blocks != int(t.block.seqno) {
		return fmt.Errorf("prev_blocks has %d blocks", x.log.blocks)
	}
	for _, entry := range x.logged {
		if entry.ref != t.masters[entry.seqno].ref {
			return fmt.Errorf("prev_blocks has %s in place of block %d", entry.ref, entry.seqno)
		}
	}
	if err := mustEqual("global_balance", x.balance, old.balance.plus(f.minted, f.created, t.block.master.fees.created)); err != nil {
		return err
	}
	list, known, err := x.config.validatorsHash(shard{masterchain, whole})
	if err != nil {
		return err
	}
	if known && x.validators != list {
		return fmt.Errorf("validator_list_hash_short is %08x, not %08x", x.validators, list)
	}
	if x.catchain-old.catchain > 1 {
		return fmt.Errorf("catchain_seqno is %d after %d", x.catchain, old.catchain)
	}
	return nil
}

// checkKeyLog: which of the blocks before were key blocks. A zerostate counts as
// one where it says after_key_block.
func (t *step) checkKeyLog() error {
	x := t.after.extra
	if x.afterKey != t.block.master.key {
		return fmt.Errorf("after_key_block is %t", x.afterKey)
	}
	for _, entry := range x.logged {
		if entry.key != t.masters[entry.seqno].key {
			return fmt.Errorf("prev_blocks says of block %d that its being a key block is %t", entry.seqno, entry.key)
		}
	}
	want := t.reference.state.extra.lastKey
	if t.reference.key {
		want = &t.reference.ref
	}
	if (want == nil) != (x.lastKey == nil) || want != nil && *want != *x.lastKey {
		return fmt.Errorf("last_key_block is %v, not %v", x.lastKey, want)
	}
	return nil
}
