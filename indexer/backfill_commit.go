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
	p := &places{backfill: b, found: map[uint32]*placed{}, steps: len(steps)}
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
		if done == len(steps) {
			return nil
		}
	}
}

// commitBefore commits the places that end before a logical time, in order, and
// forgets them.
func (p *places) commitBefore(ctx context.Context, lt uint64) error {
	maps.DeleteFunc(p.masters, func(_ uint32, m *feed.Master) bool { return m.EndLT < lt })
	var due []*placed
	events := 0
	for _, seqno := range slices.Sorted(maps.Keys(p.found)) {
		at := p.found[seqno]
		if at.EndLT >= lt {
			break
		}
		delete(p.found, seqno)
		if seqno <= p.backfill.at.seqno { // in the log, as far as it is ours
			continue
		}
		due, events = append(due, at), events+len(at.txs)
		if len(due) < p.cfg.batch && events < batchEvents {
			continue
		}
		if err := p.commitPlaces(ctx, due); err != nil {
			return err
		}
		due, events = nil, 0
	}
	return p.commitPlaces(ctx, due)
}

// commitPlaces commits masterchain blocks as if those between them had been read.
func (p *places) commitPlaces(ctx context.Context, list []*placed) error {
	if len(list) == 0 {
		return nil
	}
	return p.persist(ctx, func(ctx context.Context) error {
		at := p.position()
		b := &batch{from: at, to: at, first: [32]byte(list[0].ID.RootHash), born: map[cocoon.Account]wrappers.Kind{}}
		for _, place := range list {
			if err := p.readPlaced(ctx, b, place); err != nil {
				return err
			}
		}
		if err := p.fault("read"); err != nil {
			return err
		}
		return p.commit(ctx, b)
	})
}

// readPlaced adds one masterchain block and what it commits of ours.
func (p *places) readPlaced(ctx context.Context, b *batch, at *placed) error {
	b.to = cursor{seqno: at.ID.SeqNo, root: [32]byte(at.ID.RootHash), time: at.Time, events: b.to.events, tops: at.Tops}
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
	return nil
}
