package localnet

import (
	"errors"
	"fmt"
	"slices"
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

// wish is what a shard's block says of splits and merges. The last block before
// a split says so, once the masterchain has set a date.
func (c *Chain) wish(shard shardID, head *block, utime uint32, last bool) (f flags) {
	f.wantSplit, f.wantMerge = c.goal.finer(shard), c.goal.coarser(shard)
	t := head.topOf(place{shard.workchain, shard.prefix})
	agreed := t.block.shard == shard && t.splitAt > 0 && utime >= t.splitAt && utime < t.splitAt+splitMergeInterval
	f.beforeSplit = last && f.wantSplit && agreed
	return f
}

// Reshard splits and merges the shards of the basechain until there are exactly
// those named, as in a block's id: 1<<63 is all of it. It makes the blocks this
// takes, about two masterchain blocks for each step of depth, and returns when
// clients can see the new shards.
func (c *Chain) Reshard(shards ...int64) error {
	var g goal
	for _, s := range shards {
		g = append(g, shardID{basechainID, uint64(s)})
	}
	if err := g.check(); err != nil {
		return fmt.Errorf("reshard: %w", err)
	}
	return c.reach(g)
}

// SetShards is Reshard to n shards of the same size, a power of two up to 16.
func (c *Chain) SetShards(n int) error {
	g, err := evenly(n)
	if err != nil {
		return fmt.Errorf("reshard: %w", err)
	}
	return c.reach(g)
}

// reshardRounds is more than any way from some shards to others takes.
const reshardRounds = 8 * maxShardDepth

func (c *Chain) reach(g goal) error {
	c.making.Lock()
	c.goal = g
	c.making.Unlock()
	for range reshardRounds {
		if g.reached(c.view().head) {
			return nil
		}
		if err := c.Mine(); err != nil {
			return fmt.Errorf("reshard: %w", err)
		}
	}
	return errors.New("reshard: another call changed the goal, or no block was made")
}
