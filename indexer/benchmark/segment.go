package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
)

// shards of every chain here.
const shards = 4

// segment is a chain that stands still, and all of its blocks in memory.
type segment struct {
	local        *localnet.Chain
	head         uint32
	masters      int
	byHeight     map[uint32]*ton.BlockIDExt // masterchain blocks
	blocks       map[string]*block          // by root hash
	transactions int
}

type block struct {
	id     *ton.BlockIDExt
	boc    []byte
	parsed *tlb.Block
}

// market is a chain with four shards, made block by block, and who sends on it.
type market struct {
	local  *localnet.Chain
	purses []*purse
	load   load
}

// load is who sends how much in each masterchain block.
type load struct{ wallets, jobs, transfers int }

// newMarket starts a chain that keeps so many masterchain blocks; 0 keeps all.
func newMarket(ctx context.Context, l load, keep int) (*market, error) {
	m := &market{load: l}
	cfg := localnet.Config{Manual: true, Shards: shards, Keep: keep}
	for n := range l.wallets {
		p, err := newPurse(n)
		if err != nil {
			return nil, err
		}
		m.purses, cfg.Accounts = append(m.purses, p), append(cfg.Accounts, p.genesis())
	}
	var err error
	m.local, err = localnet.Start(ctx, cfg)
	return m, err
}

// push sends what the next block is made of.
func (m *market) push() error {
	for _, p := range m.purses {
		boc, err := p.next(m.load, m.local.Now())
		if err == nil {
			err = m.local.Push(boc)
		}
		if err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	return nil
}

func dial(ctx context.Context, network []byte) (*chain.Client, error) {
	n, err := chain.ParseNetwork(network)
	if err != nil {
		return nil, err
	}
	return chain.Dial(ctx, n, chain.Options{})
}

func makeSegment(ctx context.Context, o options) (*segment, error) {
	m, err := newMarket(ctx, o.load, 0)
	if err != nil {
		return nil, err
	}
	s := &segment{local: m.local, byHeight: map[uint32]*ton.BlockIDExt{}, blocks: map[string]*block{}}
	for range o.blocks {
		if err = errors.Join(m.push(), m.local.Mine()); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	if err = errors.Join(m.local.MineAll(), s.load(ctx)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *segment) close() error { return s.local.Close() }

// load reads every block into memory.
func (s *segment) load(ctx context.Context) error {
	client, err := dial(ctx, s.local.GlobalConfig())
	if err != nil {
		return err
	}
	defer client.Close()
	head, err := client.Head(ctx)
	if err != nil {
		return err
	}
	s.head = head.SeqNo
	for seqno := uint32(1); seqno <= s.head; seqno++ {
		id, err := client.WaitSeqno(ctx, seqno)
		if err != nil {
			return err
		}
		tops, err := client.ShardTops(ctx, id)
		if err != nil {
			return err
		}
		s.byHeight[seqno] = id
		s.masters++
		if err = s.read(ctx, client, append(tops, id)); err != nil {
			return err
		}
	}
	return nil
}

// read adds blocks and those before them, as far as they are not known.
func (s *segment) read(ctx context.Context, client *chain.Client, queue []*ton.BlockIDExt) error {
	for ; len(queue) > 0; queue = queue[1:] {
		id := queue[0]
		if id.SeqNo == 0 || s.blocks[string(id.RootHash)] != nil {
			continue
		}
		data, err := client.BlockData(ctx, id)
		if err != nil {
			return err
		}
		b := &block{id: id, boc: data.ToBOC()}
		txs, err := b.parse()
		if err != nil {
			return err
		}
		s.transactions += len(txs)
		s.blocks[string(id.RootHash)] = b
		parents, err := ton.GetParentBlocks(&b.parsed.BlockInfo)
		if err != nil {
			return err
		}
		if id.Workchain != -1 {
			queue = append(queue, parents...)
		}
	}
	return nil
}

// parse reads the block and all of its transactions.
func (b *block) parse() ([]*tlb.Transaction, error) {
	c, err := cell.FromBOC(b.boc)
	if err != nil {
		return nil, err
	}
	b.parsed = new(tlb.Block)
	if err = tlb.Parse(b.parsed, c); err != nil {
		return nil, err
	}
	return b.parsed.ListTransactions()
}

// WaitSeqno and those after it are the segment as a chain that
// answers at once, out of memory.
func (s *segment) WaitSeqno(ctx context.Context, seqno uint32) (*ton.BlockIDExt, error) {
	if id := s.byHeight[seqno]; id != nil {
		return id, nil
	}
	<-ctx.Done() // it will never be
	return nil, ctx.Err()
}

// HeadFrom is the last block of the segment.
func (s *segment) HeadFrom(ctx context.Context, seqno uint32) (*ton.BlockIDExt, error) {
	return s.WaitSeqno(ctx, max(seqno, s.head))
}

// LookupMaster is WaitSeqno for blocks that there are.
func (s *segment) LookupMaster(ctx context.Context, seqno uint32) (*ton.BlockIDExt, error) {
	return s.WaitSeqno(ctx, seqno)
}

// BlockOf is a block of the segment, parsed before.
func (s *segment) BlockOf(_ context.Context, _ uint32, id *ton.BlockIDExt) (*tlb.Block, int, error) {
	if b := s.blocks[string(id.RootHash)]; b != nil {
		return b.parsed, len(b.boc), nil
	}
	return nil, 0, cocoon.NotFound.Errorf("block %d is not in the segment", id.SeqNo)
}

// Status is none: there is no server.
func (s *segment) Status() []chain.ServerStatus { return nil }

// Transactions are none: nothing comes to a job before its birth.
func (s *segment) Transactions(context.Context, cocoon.Account, uint64, [32]byte, int) ([]*tlb.Transaction, error) {
	return nil, cocoon.NotFound.Errorf("the segment knows no histories")
}

// AccountAt is not kept.
func (s *segment) AccountAt(context.Context, *ton.BlockIDExt, cocoon.Account) (chain.Account, error) {
	return chain.Account{}, cocoon.NotFound.Errorf("the segment knows no states")
}
