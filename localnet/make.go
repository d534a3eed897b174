package localnet

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"golang.org/x/sync/errgroup"
)

// make makes the shards' blocks, all shards at once, then the masterchain's.
func (r *round) make() (*block, error) {
	var group errgroup.Group
	group.SetLimit(r.chain.cfg.Workers)
	for _, b := range r.bases {
		group.Go(func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
				}
			}()
			if err := r.makeShard(b); err != nil {
				return fmt.Errorf("make a block of shard %s: %w", b.shard, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	head, err := r.chain.masterBlock(r)
	if err != nil {
		return nil, fmt.Errorf("make a masterchain block: %w", err)
	}
	return head, nil
}

// makeShard makes one shard's blocks of the round.
func (r *round) makeShard(b *base) error {
	parts := split(r.messages[b.shard], r.chain.cfg.ShardBlocks)
	hands := r.hands[b.shard]
	var made []*block
	for i, messages := range parts {
		block, err := r.shardBlock(b, messages, hands, i == len(parts)-1)
		if err != nil {
			return err
		}
		made, b, hands = append(made, block), after(block, b.stats), nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made[b.shard] = made
	return nil
}

// shardBlock makes one block. A message that turns out to lead where the chain
// does not go is left out, as if it had not been sent.
func (r *round) shardBlock(b *base, messages []*external, hands []*hand, last bool) (*block, error) {
	for {
		d, err := r.draft(b, messages, hands)
		var refused *refusal
		if errors.As(err, &refused) && refused.root != noRoot {
			messages[refused.root].err = refused
			messages = slices.Delete(slices.Clone(messages), refused.root, refused.root+1)
			continue
		}
		if err != nil {
			return nil, err
		}
		s, err := d.newSeal(r.before.head)
		if err != nil {
			return nil, err
		}
		r.chain.wish(s, r.before.head, last)
		made, err := s.block()
		if err != nil {
			return nil, err
		}
		b.stats.move(d.touched)
		return made, nil
	}
}

func (r *round) draft(b *base, messages []*external, hands []*hand) (*draft, error) {
	head := r.before.head
	d, err := r.chain.newDraft(b, r.setting, r.startLT(b.shard, b.previous...))
	if err != nil {
		return nil, err
	}
	d.ref = head.id.SeqNo
	d.read(b.neighbours(head, head.tops))
	return d, d.fill(messages, hands)
}

// startLT is a logical time after all that a block can have seen.
func (r *round) startLT(shard shardID, previous ...*block) uint64 {
	end := r.before.head.endLT
	for _, t := range r.before.head.tops {
		end = max(end, t.block.endLT)
	}
	for _, b := range previous {
		end = max(end, b.endLT)
	}
	if shard == wholeMasterchain {
		for _, list := range r.made {
			end = max(end, list[len(list)-1].endLT)
		}
	}
	return (end/ltStep + 1) * ltStep
}

// tops are the newest blocks of all shards, as the masterchain block names them.
func (r *round) tops() (tops []*top) {
	for _, b := range r.bases {
		tops = append(tops, newTop(r.made[b.shard]))
	}
	sortTops(tops)
	return tops
}

// blocks are all blocks of the round, the masterchain's last.
func (r *round) blocks(head *block) (all []*block) {
	for _, b := range r.bases {
		all = append(all, r.made[b.shard]...)
	}
	return append(all, head)
}

// split spreads messages evenly over at most n blocks, at least one.
func split(messages []*external, n int) (parts [][]*external) {
	n = max(1, min(n, len(messages)))
	for i := range n {
		parts = append(parts, messages[i*len(messages)/n:(i+1)*len(messages)/n])
	}
	return parts
}
