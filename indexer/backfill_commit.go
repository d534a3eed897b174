package indexer

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/indexer/feed"
	"github.com/cocoon-network/cocoon/wrappers"
)

// batchSteps is how many steps are placed before what they tell is committed.
const batchSteps = 512

// fill places steps, commits each masterchain block of theirs once none that is
// left can be in it or before it, and then the head.
func (b *backfill) fill(ctx context.Context, steps []step) error {
	p := &places{backfill: b, found: map[uint32]*placed{}}
	first := b.at.seqno + 1
	if b.at.root == [32]byte{} { // the log remembers how it began
		m, err := b.masterOf(ctx, first)
		if err != nil {
			return err
		}
		p.at(m)
	}
	p.at(b.head)
	for done := 0; ; {
		n := min(batchSteps, len(steps)-done)
		if err := p.locate(ctx, steps[done:done+n]); err != nil {
			return err
		}
		if err := b.fault("placed"); err != nil {
			return err
		}
		done += n
		left := uint64(math.MaxUint64)
		if done < len(steps) {
			left = steps[done].lt
		}
		if err := p.commitBefore(ctx, left); err != nil {
			return err
		}
		b.progress("transactions", "placed", done, "of", len(steps), "seqno", b.position().seqno)
		if done == len(steps) {
			return nil
		}
	}
}

// commitBefore commits the places that end before a logical time, in order, and
// forgets them.
func (p *places) commitBefore(ctx context.Context, lt uint64) error {
	maps.DeleteFunc(p.masters, func(_ uint32, m *feed.Master) bool { return m.EndLT < lt })
	for _, seqno := range slices.Sorted(maps.Keys(p.found)) {
		at := p.found[seqno]
		if at.EndLT >= lt {
			return nil
		}
		delete(p.found, seqno)
		if seqno <= p.backfill.at.seqno { // in the log, as far as it is ours
			continue
		}
		if err := p.persist(ctx, func(ctx context.Context) error { return p.commitPlace(ctx, at) }); err != nil {
			return err
		}
	}
	return nil
}

// commitPlace commits one masterchain block as if every block before it had been read.
func (p *places) commitPlace(ctx context.Context, at *placed) error {
	b := &batch{master: at.ID, time: at.Time, tops: at.Tops, seq: p.position().events, born: map[cocoon.Account]wrappers.Kind{}}
	var blocks []feed.Block
	for _, kept := range at.blocks {
		blocks = append(blocks, kept.block)
	}
	feed.SortBlocks(blocks)
	for _, block := range blocks {
		if err := p.readTransactions(ctx, b, at.blocks[[32]byte(block.ID.RootHash)].txs); err != nil {
			return err
		}
	}
	if err := p.fault("read"); err != nil {
		return err
	}
	return p.commit(ctx, b)
}
