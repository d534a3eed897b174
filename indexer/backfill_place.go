package indexer

import (
	"context"
	"sync"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/indexer/feed"
)

// placed is a masterchain block that commits transactions of ours, and those.
type placed struct {
	*feed.Master

	mu     sync.Mutex
	read   map[int64]bool         // shards whose blocks were read
	blocks map[[32]byte]placement // by root hash: after a split two shards share some
	txs    map[step]bool
}

// placement is a shard block without what is not ours.
type placement struct {
	block feed.Block // its header only
	txs   []*tlb.Transaction
}

func newPlaced(m *feed.Master) *placed {
	return &placed{Master: m, read: map[int64]bool{}, blocks: map[[32]byte]placement{}, txs: map[step]bool{}}
}

// places are the masterchain blocks of some steps, found a few at a time.
type places struct {
	*backfill
	steps int // in all

	mu    sync.Mutex
	found map[uint32]*placed
	done  int // steps that are placed
}

// stride is how many steps one goroutine places, one after the other: neighbours
// often share a block.
const stride = 32

// locate finds the masterchain block that commits each step.
func (p *places) locate(ctx context.Context, steps []step) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(asked)
	for len(steps) > 0 {
		n := min(stride, len(steps))
		part := steps[:n]
		g.Go(func() error {
			for _, s := range part {
				if err := p.locateOne(ctx, s); err != nil {
					return err
				}
			}
			return nil
		})
		steps = steps[n:]
	}
	return g.Wait()
}

// locateOne goes from the first masterchain block that can commit a step on to the one
// that does. What a block commits ended before it: none earlier can.
func (p *places) locateOne(ctx context.Context, s step) error {
	m, err := p.earliest(ctx, s.lt)
	if err != nil {
		return err
	}
	for seqno := m.ID.SeqNo; seqno <= p.head.ID.SeqNo; seqno++ {
		if m, err = p.masterOf(ctx, seqno); err != nil {
			return err
		}
		at := p.at(m)
		if err = p.readShard(ctx, at, s.account); err != nil {
			return err
		}
		if at.has(s) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.done++
			p.progress("transactions", float64(p.done)/float64(p.steps))
			return nil
		}
	}
	return incomplete("transaction %x of %s (lt %d) is in no block up to %d", s.tx, s.account, s.lt, p.head.ID.SeqNo)
}

// earliest is the first masterchain block that ends at or after lt.
func (p *places) earliest(ctx context.Context, lt uint64) (*feed.Master, error) {
	p.backfill.mu.Lock()
	for _, m := range p.masters {
		if m.ParentEndLT < lt && lt <= m.EndLT {
			p.backfill.mu.Unlock()
			return m, nil
		}
	}
	p.backfill.mu.Unlock()
	id, err := asking(ctx, p.Indexer, func() (*ton.BlockIDExt, error) { return p.archive.MasterAfter(ctx, lt) })
	if err != nil {
		return nil, err
	}
	return p.master(ctx, id)
}

// at is the place of a masterchain block.
func (p *places) at(m *feed.Master) *placed {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found[m.ID.SeqNo] == nil {
		p.found[m.ID.SeqNo] = newPlaced(m)
	}
	return p.found[m.ID.SeqNo]
}

// readShard reads what a masterchain block commits of the shard of an account.
func (p *places) readShard(ctx context.Context, at *placed, a cocoon.Account) error {
	at.mu.Lock()
	defer at.mu.Unlock()
	top := topOf(at.Tops, a)
	if top == nil || at.read[top.Shard] {
		return nil
	}
	before, err := p.topsBefore(ctx, at.Master)
	if err != nil {
		return err
	}
	blocks, err := asking(ctx, p.Indexer, func() ([]feed.Block, error) {
		return feed.ReadShards(ctx, p.archive, at.Master, []*ton.BlockIDExt{top}, before)
	})
	if err != nil {
		return err
	}
	at.read[top.Shard] = true
	for _, b := range blocks {
		if err = p.keep(at, b); err != nil {
			return err
		}
	}
	return nil
}

// topOf is the newest block of an account's shard.
func topOf(tops []*ton.BlockIDExt, a cocoon.Account) *ton.BlockIDExt {
	for _, top := range tops {
		if top.Workchain == 0 && chain.PrefixOf(top).Contains(a) {
			return top
		}
	}
	return nil
}

// topsBefore are the shard blocks that the masterchain block before one commits.
func (p *places) topsBefore(ctx context.Context, m *feed.Master) ([]*ton.BlockIDExt, error) {
	if m.Parent.SeqNo == 0 {
		return nil, nil
	}
	parent, err := p.master(ctx, m.Parent)
	if err != nil {
		return nil, err
	}
	return parent.Tops, nil
}

// keep keeps the transactions of our contracts in a block, and nothing else of it.
func (p *places) keep(at *placed, b feed.Block) error {
	all, err := orderedTransactions(b.Data)
	if err != nil {
		return err
	}
	kept := placement{block: feed.Block{ID: b.ID, Data: &tlb.Block{BlockInfo: b.Data.BlockInfo}}}
	for _, tx := range all {
		if account := cocoon.Account(tx.AccountAddr); p.ours[account] {
			kept.txs = append(kept.txs, tx)
			at.txs[step{account, link{tx.LT, [32]byte(tx.Hash)}}] = true
		}
	}
	at.blocks[[32]byte(b.ID.RootHash)] = kept
	return nil
}

func (at *placed) has(s step) bool {
	at.mu.Lock()
	defer at.mu.Unlock()
	return at.txs[s]
}
