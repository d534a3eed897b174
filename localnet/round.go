package localnet

import (
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"sync"
)

// ltStep separates the logical times of blocks.
const ltStep = 1_000_000

// round makes the next blocks: one or more of every shard, then one of the
// masterchain that names them.
type round struct {
	chain    *Chain
	before   view
	setting  setting
	bases    []*base
	messages map[shardID][]*external
	hands    map[shardID][]*hand
	stats    map[shardID]stats

	mu   sync.Mutex
	made map[shardID][]*block
}

// round makes the next blocks. Where it fails nothing is published, and the
// messages that took part are dropped.
func (c *Chain) round() (err error) {
	c.making.Lock()
	defer c.making.Unlock()
	var gifts []*gift
	var hands []*hand
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("making a block panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("make a block: %v", p)
		}
		if err != nil {
			c.stats = nil // they may be ahead of the blocks
			settle(gifts, err)
		}
		for _, h := range hands {
			h.done <- err
		}
	}()
	r, err := c.newRound()
	if err != nil {
		return err
	}
	hands = c.takeHands(r)
	messages := c.pool.take()
	gifts, transfer := c.faucet.take(r.before, r.setting.utime)
	if transfer != nil {
		messages = append([]*external{transfer}, messages...)
	}
	r.sort(messages)
	head, err := r.make()
	if err != nil {
		return err
	}
	if err = c.commit(r, head); err != nil {
		return err
	}
	c.report(messages)
	c.faucet.follow(gifts, transfer)
	c.faucet.arrived(r.blocks(head))
	if c.busy() || c.faucet.pending() {
		c.pool.signal()
	}
	return nil
}

// commit makes the blocks of a round part of the chain, for good.
func (c *Chain) commit(r *round, head *block) error {
	blocks := r.blocks(head)
	for _, b := range blocks {
		b.master = head.id.SeqNo
	}
	if err := c.store.append(blocks); err != nil {
		return err
	}
	c.stats = r.stats
	grown := view{r.before.with(blocks...), head}
	c.publish(c.prune(grown))
	return nil
}

// newRound decides which blocks are made, and out of which.
func (c *Chain) newRound() (*round, error) {
	v := c.view()
	head := v.head
	r := &round{chain: c, before: v, stats: map[shardID]stats{}, made: map[shardID][]*block{}}
	r.setting = setting{rules: head.rules, utime: max(head.utime, uint32(c.clock.now().Unix())), past: v.past(head), ended: v.ended}
	for i, t := range head.tops {
		own := c.stats[t.block.shard]
		switch {
		case t.block.flags.beforeSplit:
			for _, right := range []bool{false, true} {
				b, err := half(t.block, right, own)
				if err != nil {
					return nil, err
				}
				r.bases = append(r.bases, b)
			}
		case t.beforeMerge && t.block.shard.isRight(): // with its left half
		case t.beforeMerge:
			b, err := join(t.block, head.tops[i+1].block, stats{})
			if err != nil {
				return nil, err
			}
			r.bases = append(r.bases, b)
		default:
			r.bases = append(r.bases, after(t.block, own))
		}
	}
	for _, b := range r.bases {
		if b.stats == nil {
			b.stats = stats{}
		}
		r.stats[b.shard] = b.stats
	}
	if r.stats[wholeMasterchain] = c.stats[wholeMasterchain]; r.stats[wholeMasterchain] == nil {
		r.stats[wholeMasterchain] = stats{}
	}
	return r, nil
}

// ended tells when the shard of a place had ended by a masterchain block.
func (v view) ended(seqno uint32, p place) uint64 {
	if b := v.history.find(wholeMasterchain, seqno); b != nil {
		return b.endLTOf(p)
	}
	return 0
}

// sort gives every shard its messages.
func (r *round) sort(messages []*external) {
	r.messages = map[shardID][]*external{}
	for _, m := range messages {
		shard := r.shardOf(m.to)
		r.messages[shard] = append(r.messages[shard], m)
	}
}

// shardOf is the shard, as it is in this round, of an account.
func (r *round) shardOf(id fullID) shardID {
	for _, b := range r.bases {
		if b.shard.contains(id.place()) {
			return b.shard
		}
	}
	return wholeMasterchain
}

// busy tells whether the next round has something to do beside external messages.
func (c *Chain) busy() bool {
	head := c.view().head
	busy := len(head.queue) > 0 || !c.goal.reached(head)
	for _, t := range head.tops {
		busy = busy || len(t.block.queue) > 0
	}
	return busy
}

// report tells of the messages that did not make it, though they were admitted.
func (c *Chain) report(messages []*external) {
	for _, m := range messages {
		if m.err != nil {
			c.log.Warn("external message left out", "hash", hex.EncodeToString(m.cell.Hash()), "error", m.err)
		}
	}
}
