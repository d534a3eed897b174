package localnet

import (
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"slices"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// goal is the shards that a chain is to have; blocks split and merge until it does.
type goal []shardID

// evenly is the basechain in n shards of the same depth.
func evenly(n int) (goal, error) {
	if n < 1 || n > 1<<maxShardDepth || n&(n-1) != 0 {
		return nil, fmt.Errorf("%d shards: a power of two up to %d is possible", n, 1<<maxShardDepth)
	}
	g := goal{wholeBasechain}
	for len(g) < n {
		var next goal
		for _, s := range g {
			next = append(next, s.child(false), s.child(true))
		}
		g = next
	}
	return g, nil
}

// check wants every address in exactly one shard.
func (g goal) check() error {
	total := uint64(0)
	for i, s := range g {
		if s.workchain != basechainID || s.prefix == 0 || s.depth() > maxShardDepth {
			return fmt.Errorf("shard %s: the basechain splits %d times at most", s, maxShardDepth)
		}
		if slices.ContainsFunc(g[i+1:], func(o shardID) bool { return s.covers(o) || o.covers(s) }) {
			return fmt.Errorf("shard %s overlaps another", s)
		}
		total += 1 << (maxShardDepth - s.depth())
	}
	if total != 1<<maxShardDepth {
		return errors.New("the shards leave a gap")
	}
	return nil
}

// finer tells whether a shard is to split, coarser whether it is to merge.
func (g goal) finer(s shardID) bool {
	return slices.ContainsFunc(g, func(o shardID) bool { return o != s && s.covers(o) })
}

func (g goal) coarser(s shardID) bool {
	return slices.ContainsFunc(g, func(o shardID) bool { return o != s && o.covers(s) })
}

// reached tells whether a masterchain block's shards are those of the goal.
func (g goal) reached(head *block) bool {
	if len(head.tops) != len(g) {
		return false
	}
	for _, t := range head.tops {
		if !slices.Contains(g, t.block.shard) || t.block.flags.beforeSplit {
			return false
		}
	}
	return true
}

// goalOf is where a chain is bound for by its rules alone.
func goalOf(head *block) (g goal) {
	var deepen func(shardID)
	deepen = func(s shardID) {
		if s.depth() >= head.rules.minSplit {
			g = append(g, s)
			return
		}
		deepen(s.child(false))
		deepen(s.child(true))
	}
	for _, t := range head.tops {
		s := t.block.shard
		for s.depth() > head.rules.maxSplit {
			s = s.parent()
		}
		switch {
		case len(g) > 0 && g[len(g)-1].covers(s):
		case t.block.flags.beforeSplit:
			deepen(s.child(false))
			deepen(s.child(true))
		default:
			deepen(s)
		}
	}
	return g
}

// load is how full the last blocks of a shard were, a bit each, the newest last.
// It is what a network decides splits and merges by; here it is written such
// that it decides for the goal.
type load struct{ over, under uint64 }

func (l load) next(over, under bool) load {
	l.over, l.under = l.over<<1, l.under<<1
	switch {
	case over:
		l.over |= 1
	case under:
		l.under |= 1
	}
	return l
}

// decides tells whether a history is reason enough: recent blocks weigh 3, those
// before 2 and 1, 16 of each, and two thirds of it all is enough.
func decides(history uint64) bool {
	weight := 3*bits.OnesCount16(uint16(history)) + 2*bits.OnesCount16(uint16(history>>16)) + bits.OnesCount16(uint16(history>>32))
	return weight >= (3+2+1)*16*2/3
}

// wish is what a shard's block says of splits and merges. The last block before
// a split says so, once the masterchain has set a date.
func (c *Chain) wish(s *seal, head *block, last bool) {
	if !s.flags.afterSplit && !s.flags.afterMerge {
		s.load = s.previous[0].load
	}
	s.load = s.load.next(c.goal.finer(s.shard), c.goal.coarser(s.shard))
	s.want.wantSplit = decides(s.load.over)
	s.want.wantMerge = !s.want.wantSplit && decides(s.load.under)
	t := head.topOf(place{s.shard.workchain, s.shard.prefix})
	s.want.beforeSplit = last && t.block.shard == s.shard && t.splitAt > 0 && s.utime >= t.splitAt && s.utime < t.splitAt+splitMergeInterval
}

// Reshard splits and merges the shards of the basechain until there are exactly
// those named, as in a block's id: 1<<63 is all of it. It makes the blocks this
// takes, and returns when clients can see the new shards. Where all shards are
// of one depth it sets the depth in the config (parameter 12), and a split takes
// two masterchain blocks; otherwise they look overloaded or idle for 24 blocks
// before each step, as on any network.
func (c *Chain) Reshard(shards ...int64) error {
	var g goal
	for _, s := range shards {
		g = append(g, shardID{basechainID, uint64(s)})
	}
	if err := g.check(); err != nil {
		return fmt.Errorf("reshard: %w", err)
	}
	if err := c.aim(g); err != nil {
		return fmt.Errorf("reshard: %w", err)
	}
	return c.untilReached()
}

// SetShards is Reshard to n shards of the same size, a power of two up to 16.
func (c *Chain) SetShards(n int) error {
	g, err := evenly(n)
	if err == nil {
		err = c.aim(g)
	}
	if err != nil {
		return fmt.Errorf("reshard: %w", err)
	}
	return c.untilReached()
}

// aim sets the goal and makes a config of it.
func (c *Chain) aim(g goal) error {
	shallow, deep := maxShardDepth, 0
	for _, s := range g {
		shallow, deep = min(shallow, s.depth()), max(deep, s.depth())
	}
	head := c.view().head
	var workchains tlb.WorkchainsConfig
	if err := head.rules.param(12, &workchains); err != nil {
		return err
	}
	value, err := workchains.Workchains.LoadValueByIntKey(big.NewInt(int64(basechainID)))
	if err != nil {
		return err
	}
	var base tlb.WorkchainDescrV1
	if err = tlb.LoadFromCell(&base, value); err != nil {
		return err
	}
	base.MinSplit, base.MaxSplit = uint8(shallow), uint8(deep)
	c.making.Lock()
	c.goal = g
	c.making.Unlock()
	p := newParams()
	param, err := tlb.ToCell(tlb.WorkchainsConfig{Workchains: p.dict(32, base)})
	if err = errors.Join(err, p.err); err != nil {
		return err
	}
	return c.SetConfig(map[uint32]*cell.Cell{12: param})
}

// reshardRounds is more than any way from some shards to others takes.
const reshardRounds = 64 * maxShardDepth

// untilReached makes blocks until the shards are those of the goal.
func (c *Chain) untilReached() error {
	for range reshardRounds {
		c.making.Lock()
		reached := c.goal.reached(c.view().head)
		c.making.Unlock()
		if reached {
			return nil
		}
		if err := c.Mine(); err != nil {
			return fmt.Errorf("reshard: %w", err)
		}
	}
	return errors.New("reshard: another call changed the goal")
}
