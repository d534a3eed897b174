package localnet

import (
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
)

// ltStep separates the logical times of blocks.
const ltStep = 1_000_000

// round makes the next blocks: one or more of the basechain, then one of the
// masterchain. Where it fails nothing is published, and the messages that took
// part are dropped.
func (c *Chain) round() (err error) {
	c.making.Lock()
	defer c.making.Unlock()
	undoShard, undoMaster := c.shard.mark(), c.master.mark()
	var gifts []*gift
	defer func() {
		if r := recover(); r != nil {
			c.log.Error("making a block panicked", "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("make a block: %v", r)
		}
		if err != nil {
			undoShard()
			undoMaster()
			settle(gifts, err)
		}
	}()
	utime := max(c.master.last().utime, uint32(c.clock.now().Unix()))
	messages := c.pool.take()
	gifts, transfer := c.faucet.take(c.shard.last().accounts, utime)
	if transfer != nil {
		messages = append([]*external{transfer}, messages...)
	}
	for _, part := range split(messages, c.cfg.ShardBlocks) {
		if err = c.shardBlock(utime, part); err != nil {
			return fmt.Errorf("make a basechain block: %w", err)
		}
	}
	if _, err = c.masterBlock(utime); err != nil {
		return fmt.Errorf("make a masterchain block: %w", err)
	}
	c.publish()
	c.report(messages)
	if transfer != nil {
		settle(gifts, outcome(gifts, transfer))
	}
	if len(c.shard.queue) > 0 || c.faucet.pending() {
		c.pool.signal()
	}
	return nil
}

// report tells of the messages that did not make it, though they were admitted.
func (c *Chain) report(messages []*external) {
	for _, m := range messages {
		if m.err != nil {
			c.log.Warn("external message left out", "hash", hex.EncodeToString(m.cell.Hash()), "error", m.err)
		}
	}
}

// split spreads messages evenly over at most n blocks, at least one.
func split(messages []*external, n int) (parts [][]*external) {
	n = max(1, min(n, len(messages)))
	for i := range n {
		parts = append(parts, messages[i*len(messages)/n:(i+1)*len(messages)/n])
	}
	return parts
}

// shardBlock makes one basechain block. A message that turns out to lead where
// the chain does not go is left out, as if it had not been sent.
func (c *Chain) shardBlock(utime uint32, messages []*external) error {
	for {
		d, err := c.newDraft(c.shard.last(), c.shard.lanes, c.nextLT(), utime)
		if err != nil {
			return err
		}
		err = d.fill(c.shard.queue, messages)
		var r *refusal
		if errors.As(err, &r) && r.root != fromQueue {
			messages[r.root].err = r
			messages = slices.Delete(slices.Clone(messages), r.root, r.root+1)
			continue
		}
		if err != nil {
			return err
		}
		return c.sealShard(d)
	}
}

func (c *Chain) sealShard(d *draft) error {
	s, err := c.newSeal(c.shard, d, c.master.last())
	if err != nil {
		return err
	}
	b, err := s.block()
	if err != nil {
		return err
	}
	c.shard.append(b, d)
	return nil
}

func (c *Chain) nextLT() uint64 { return nextLT(c.shard.last(), c.master.last()) }

func nextLT(shard, master *block) uint64 {
	return (max(shard.endLT, master.endLT)/ltStep + 1) * ltStep
}
