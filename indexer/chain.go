// Package indexer follows the chain into SQL and answers questions about our
// contracts: an append-only log of events in the chain's order, what they add
// up to, an HTTP API and a stream. All it reads is proven or hash-checked.
package indexer

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// Chain is what the indexer needs of the way to TON; *chain.Client is one.
type Chain interface {
	// WaitSeqno returns the masterchain block of that seqno, and waits for it where it does not exist yet.
	WaitSeqno(ctx context.Context, seqno uint32) (*ton.BlockIDExt, error)
	// Block returns the block of that id, checked against its hash.
	Block(ctx context.Context, id *ton.BlockIDExt) (*tlb.Block, error)
	// Transactions returns at most n transactions of the account, newest first, from
	// that one backwards, each checked against the hash the one after it names.
	Transactions(ctx context.Context, a cocoon.Account, lt uint64, hash [32]byte, n int) ([]*tlb.Transaction, error)
	// AccountAt returns the account as proven at that masterchain block.
	AccountAt(ctx context.Context, master *ton.BlockIDExt, a cocoon.Account) (chain.Account, error)
}

// blockKey names a block for the set of those already read.
type blockKey struct {
	workchain int32
	shard     int64
	seqno     uint32
	root      [32]byte
}

func keyOf(id *ton.BlockIDExt) blockKey {
	return blockKey{id.Workchain, id.Shard, id.SeqNo, [32]byte(id.RootHash)}
}

// shardTops are the newest shard blocks that a masterchain block commits.
func shardTops(master *tlb.Block) ([]*ton.BlockIDExt, error) {
	if master.Extra == nil || master.Extra.Custom == nil {
		return nil, cocoon.Invalid.Errorf("masterchain block %d names no shards", master.BlockInfo.SeqNo)
	}
	return ton.LoadShardsFromHashes(master.Extra.Custom.ShardHashes, false)
}

// shardBlock is one shard block behind a masterchain block.
type shardBlock struct {
	id    *ton.BlockIDExt
	block *tlb.Block
}

// newBlocks walks from tops back to the blocks in known, through splits and
// merges, and returns what lies between, oldest first. A walk that passes the
// known blocks without meeting them is an error: the chain was not continued.
func newBlocks(ctx context.Context, c Chain, tops []*ton.BlockIDExt, known map[blockKey]bool) ([]shardBlock, error) {
	var found []shardBlock
	seen := map[blockKey]bool{}
	floor := lowest(known)
	for queue := append([]*ton.BlockIDExt(nil), tops...); len(queue) > 0; queue = queue[1:] {
		id := queue[0]
		if known[keyOf(id)] || seen[keyOf(id)] || id.SeqNo == 0 {
			continue
		}
		if floor != nil && id.SeqNo <= floor[id.Workchain] {
			return nil, cocoon.Invalid.Errorf("block %d of shard %016x does not continue the blocks indexed before", id.SeqNo, uint64(id.Shard))
		}
		seen[keyOf(id)] = true
		b, err := c.Block(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read block %d of shard %016x: %w", id.SeqNo, uint64(id.Shard), err)
		}
		parents, err := ton.GetParentBlocks(&b.BlockInfo)
		if err != nil {
			return nil, fmt.Errorf("parents of block %d: %w", id.SeqNo, err)
		}
		found = append(found, shardBlock{id, b})
		queue = append(queue, parents...)
	}
	sortBlocks(found)
	return found, nil
}

// lowest is the smallest seqno in known by workchain; nil where nothing is known yet.
func lowest(known map[blockKey]bool) map[int32]uint32 {
	if len(known) == 0 {
		return nil
	}
	floor := map[int32]uint32{}
	for k := range known {
		if s, ok := floor[k.workchain]; !ok || k.seqno < s {
			floor[k.workchain] = k.seqno
		}
	}
	return floor
}

// sortBlocks puts blocks in the order of their logical time, which never runs
// against cause and effect; blocks of one time are ordered by shard.
func sortBlocks(blocks []shardBlock) {
	slices.SortFunc(blocks, func(a, b shardBlock) int {
		return cmp.Or(cmp.Compare(a.block.BlockInfo.StartLt, b.block.BlockInfo.StartLt),
			cmp.Compare(a.id.Workchain, b.id.Workchain),
			cmp.Compare(uint64(a.id.Shard), uint64(b.id.Shard)),
			cmp.Compare(a.id.SeqNo, b.id.SeqNo))
	})
}
