package feed

import (
	"context"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
)

// slot is the place of one masterchain block in the window.
type slot struct {
	seqno  uint32
	last   uint32        // of its segment
	before *slot         // until done
	master chan struct{} // closed when the masterchain block is read
	done   chan struct{} // closed when all is read
	err    error         // set before master or done is closed
	item   Item
	bytes  int // of the gate
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func newSlot(seqno, last uint32, before *slot) *slot {
	return &slot{seqno: seqno, last: last, before: before, master: make(chan struct{}), done: make(chan struct{})}
}

// failed is a slot at which following ends.
func failed(seqno uint32, err error) *slot {
	return &slot{seqno: seqno, last: seqno, done: closed, err: err}
}

// readMaster reads the masterchain block of a slot and returns the one before it.
func (r *run) readMaster(s *slot, id *ton.BlockIDExt) (parent *ton.BlockIDExt, err error) {
	if s.item.Master, err = r.block(r.ctx, s, id); err != nil {
		return nil, err
	}
	if s.item.Tops, err = shardTops(s.item.Master.Data); err != nil {
		return nil, err
	}
	return parentOf(s.item.Master)
}

// parentOf is the masterchain block before another.
func parentOf(b Block) (*ton.BlockIDExt, error) {
	parents, err := ton.GetParentBlocks(&b.Data.BlockInfo)
	if err != nil {
		return nil, cocoon.Invalid.Errorf("parent of masterchain block %d: %w", b.ID.SeqNo, err)
	}
	if len(parents) != 1 || parents[0].SeqNo+1 != b.ID.SeqNo {
		return nil, cocoon.Invalid.Errorf("masterchain block %d does not follow the one before it", b.ID.SeqNo)
	}
	return parents[0], nil
}

// finish reads the shard blocks of a slot, as soon as it is known where those of
// the slot before end.
func (r *run) finish(s *slot) {
	defer close(s.done)
	before := s.before
	s.before = nil
	if s.err != nil {
		return
	}
	select {
	case <-before.master:
	case <-r.ctx.Done():
		s.err = r.ctx.Err()
		return
	}
	known := before.item.Tops
	if known == nil {
		known, s.err = r.topsBefore(s)
	}
	if s.err == nil {
		s.item.Shards, s.err = newBlocks(r.ctx, s.item.Tops, known, func(ctx context.Context, id *ton.BlockIDExt) (Block, error) { return r.block(ctx, s, id) })
	}
}

// topsBefore reads the masterchain block before a slot's, where the position to
// go on from does not tell its shards.
func (r *run) topsBefore(s *slot) ([]*ton.BlockIDExt, error) {
	id, err := parentOf(s.item.Master)
	if err != nil {
		return nil, err
	}
	parent, err := r.block(r.ctx, s, id)
	if err != nil {
		return nil, err
	}
	return shardTops(parent.Data)
}

// block reads one block of a slot, once there is room for it.
func (r *run) block(ctx context.Context, s *slot, id *ton.BlockIDExt) (Block, error) {
	guess, err := r.gate.enter(ctx, s, id.Workchain == -1)
	if err != nil {
		return Block{}, err
	}
	type sized struct {
		data *tlb.Block
		size int
	}
	got, err := again(r, s.seqno, func() (b sized, err error) {
		select {
		case r.asking <- struct{}{}:
			defer func() { <-r.asking }()
		case <-ctx.Done():
			return b, ctx.Err()
		}
		b.data, b.size, err = r.chain.BlockOf(ctx, s.seqno, id)
		return b, err
	})
	r.gate.settle(s, id.Workchain == -1, guess, got.size)
	return Block{id, got.data}, err
}
