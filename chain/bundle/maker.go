package bundle

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// Source is what is needed of the way to TON; *chain.Client is one.
type Source interface {
	Network() chain.Network
	Head(ctx context.Context) (*chain.BlockID, error)
	LookupMaster(ctx context.Context, seqno uint32) (*chain.BlockID, error)
	BlockProof(ctx context.Context, from, to *chain.BlockID, accept func(ton.PartialBlockProof) error) error
	AccountProof(ctx context.Context, master *chain.BlockID, a cocoon.Account, accept func(ton.AccountState) error) error
}

// Maker makes bundles and keeps what it fetched for the block it was asked for
// last. It is safe for concurrent use.
type Maker struct {
	source  Source
	network chain.Network

	mu   sync.Mutex
	kept *kept
}

// maxKept bounds what is kept of one block: proofs of accounts, and ways to it.
const maxKept = 1024

// kept is what is known about one masterchain block.
type kept struct {
	head     Block
	mu       sync.Mutex
	ways     map[uint32]way // by the seqno they start from
	accounts map[cocoon.Account]Proof
}

type way struct {
	from  Block
	links []Link
}

// NewMaker is a maker that asks source.
func NewMaker(source Source) *Maker { return &Maker{source: source, network: source.Network()} }

// Make shows the accounts at masterchain block at, 0 for the newest, to whoever
// trusts block from, 0 for the one that the network file trusts.
func (m *Maker) Make(ctx context.Context, at, from uint32, accounts ...cocoon.Account) ([]byte, error) {
	accounts = slices.Clone(accounts)
	slices.SortFunc(accounts, func(a, b cocoon.Account) int { return bytes.Compare(a[:], b[:]) })
	accounts = slices.Compact(accounts)
	if len(accounts) == 0 || len(accounts) > MaxAccounts {
		return nil, cocoon.Invalid.Errorf("a proof bundle is of 1 to %d accounts, not %d", MaxAccounts, len(accounts))
	}
	k, err := m.about(ctx, at)
	if err != nil {
		return nil, err
	}
	w, err := m.way(ctx, k, from)
	if err != nil {
		return nil, err
	}
	b := Bundle{GlobalID: m.network.GlobalID, From: w.from, Links: w.links}
	copy(b.ZeroState[:], m.network.ZeroState.RootHash)
	for _, a := range accounts {
		p, err := m.account(ctx, k, a)
		if err != nil {
			return nil, err
		}
		b.Accounts = append(b.Accounts, p)
	}
	return b.Marshal()
}

// about is what is kept of that block, where it is the last one asked for.
func (m *Maker) about(ctx context.Context, at uint32) (*kept, error) {
	m.mu.Lock()
	k := m.kept
	m.mu.Unlock()
	if k != nil && at == k.head.Seqno {
		return k, nil
	}
	id, err := m.block(ctx, at)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || m.kept.head != BlockOf(id) {
		m.kept = &kept{head: BlockOf(id), ways: map[uint32]way{}, accounts: map[cocoon.Account]Proof{}}
	}
	return m.kept, nil
}

func (m *Maker) block(ctx context.Context, at uint32) (*chain.BlockID, error) {
	if at == 0 {
		return m.source.Head(ctx)
	}
	return m.source.LookupMaster(ctx, at)
}

func (m *Maker) way(ctx context.Context, k *kept, seqno uint32) (way, error) {
	if seqno == 0 {
		seqno = m.network.Trusted.SeqNo
	}
	return keep(k, k.ways, seqno, func() (way, error) {
		from := &m.network.Trusted
		if seqno != from.SeqNo {
			var err error
			if from, err = m.source.LookupMaster(ctx, seqno); err != nil {
				return way{}, err
			}
		}
		links, err := fetchLinks(ctx, m.source, BlockOf(from), k.head)
		return way{BlockOf(from), links}, err
	})
}

func (m *Maker) account(ctx context.Context, k *kept, a cocoon.Account) (Proof, error) {
	return keep(k, k.accounts, a, func() (Proof, error) { return fetchProof(ctx, m.source, m.network.GlobalID, k.head, a) })
}

// keep is what list has, or what fetch brings.
func keep[K comparable, V any](k *kept, list map[K]V, key K, fetch func() (V, error)) (V, error) {
	k.mu.Lock()
	v, known := list[key]
	k.mu.Unlock()
	if known {
		return v, nil
	}
	v, err := fetch()
	if err != nil {
		return v, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(list) < maxKept {
		list[key] = v
	}
	return v, nil
}
