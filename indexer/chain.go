// Package indexer follows the chain into SQL and answers questions about our
// contracts: an append-only log of events in the chain's order, what they add
// up to, an HTTP API and a stream. All it reads is proven or hash-checked.
package indexer

import (
	"context"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/indexer/feed"
)

// Chain is what the indexer needs of the way to TON; *chain.Client is one.
type Chain interface {
	feed.Chain
	// WaitSeqno returns the masterchain block of that seqno, and waits for it where it does not exist yet.
	WaitSeqno(ctx context.Context, seqno uint32) (*ton.BlockIDExt, error)
	// Transactions returns at most n transactions of the account, newest first, from
	// that one backwards, each checked against the hash the one after it names.
	Transactions(ctx context.Context, a cocoon.Account, lt uint64, hash [32]byte, n int) ([]*tlb.Transaction, error)
	// AccountAt returns the account as proven at that masterchain block.
	AccountAt(ctx context.Context, master *ton.BlockIDExt, a cocoon.Account) (chain.Account, error)
	// Status returns what is known of each liteserver.
	Status() []chain.ServerStatus
}

// Archive is what a backfill needs on top: old states, and blocks by logical time.
// *chain.Client is one, of as much as its liteservers keep.
type Archive interface {
	Chain
	// MasterAfter returns the first masterchain block that ends at or after a logical time, proven.
	MasterAfter(ctx context.Context, lt uint64) (*ton.BlockIDExt, error)
	// Branch returns what lies below a prefix of addresses, as proven at that masterchain block.
	Branch(ctx context.Context, master *ton.BlockIDExt, p chain.Prefix) (chain.Branch, error)
	// ConfigAt returns the network's configuration as proven at that masterchain block.
	ConfigAt(ctx context.Context, master *ton.BlockIDExt) (*chain.Config, error)
}
