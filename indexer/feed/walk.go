package feed

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
)

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
	tops, err := ton.LoadShardsFromHashes(master.Extra.Custom.ShardHashes, false)
	if err != nil {
		return nil, cocoon.Invalid.Errorf("shards of masterchain block %d: %w", master.BlockInfo.SeqNo, err)
	}
	if tops == nil {
		tops = []*ton.BlockIDExt{}
	}
	return tops, nil
}

// walk goes from the newest blocks of shards back to those already known.
type walk struct {
	read  func(context.Context, *ton.BlockIDExt) (Block, error)
	group *errgroup.Group
	ctx   context.Context
	known map[blockKey]bool
	floor map[int32]uint32 // the smallest known seqno by workchain; nil where nothing is known yet

	mu    sync.Mutex
	seen  map[blockKey]bool
	found []Block
}

// newBlocks walks from tops back to the known blocks, through splits and merges,
// all paths at once, and returns what lies between, oldest first. A walk that
// passes the known blocks without meeting them is an error: the chain was not
// continued.
func newBlocks(ctx context.Context, tops, known []*ton.BlockIDExt, read func(context.Context, *ton.BlockIDExt) (Block, error)) ([]Block, error) {
	w := &walk{read: read, known: map[blockKey]bool{}, seen: map[blockKey]bool{}}
	w.group, w.ctx = errgroup.WithContext(ctx)
	for _, id := range known {
		w.known[keyOf(id)] = true
	}
	w.floor = lowest(known)
	for _, id := range tops {
		w.group.Go(func() error { return w.visit(id) })
	}
	if err := w.group.Wait(); err != nil {
		return nil, err
	}
	sortBlocks(w.found)
	return w.found, nil
}

// visit reads a block that nobody else does, and sends for those before it.
func (w *walk) visit(id *ton.BlockIDExt) error {
	if !w.claim(id) {
		return nil
	}
	if w.floor != nil && id.SeqNo <= w.floor[id.Workchain] {
		return cocoon.Invalid.Errorf("block %d of shard %016x does not continue the blocks indexed before", id.SeqNo, uint64(id.Shard))
	}
	b, err := w.read(w.ctx, id)
	if err != nil {
		return fmt.Errorf("read block %d of shard %016x: %w", id.SeqNo, uint64(id.Shard), err)
	}
	parents, err := ton.GetParentBlocks(&b.Data.BlockInfo)
	if err != nil {
		return cocoon.Invalid.Errorf("parents of block %d of shard %016x: %w", id.SeqNo, uint64(id.Shard), err)
	}
	for _, p := range parents {
		w.group.Go(func() error { return w.visit(p) })
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, b)
	return nil
}

// claim tells whether a block is new and now the caller's to read.
func (w *walk) claim(id *ton.BlockIDExt) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known[keyOf(id)] || w.seen[keyOf(id)] || id.SeqNo == 0 {
		return false
	}
	w.seen[keyOf(id)] = true
	return true
}

func lowest(known []*ton.BlockIDExt) map[int32]uint32 {
	if len(known) == 0 {
		return nil
	}
	floor := map[int32]uint32{}
	for _, k := range known {
		if s, ok := floor[k.Workchain]; !ok || k.SeqNo < s {
			floor[k.Workchain] = k.SeqNo
		}
	}
	return floor
}

// sortBlocks puts blocks in the order of their logical time, which never runs
// against cause and effect; blocks of one time are ordered by shard.
func sortBlocks(blocks []Block) {
	slices.SortFunc(blocks, func(a, b Block) int {
		return cmp.Or(cmp.Compare(a.Data.BlockInfo.StartLt, b.Data.BlockInfo.StartLt),
			cmp.Compare(a.ID.Workchain, b.ID.Workchain),
			cmp.Compare(uint64(a.ID.Shard), uint64(b.ID.Shard)),
			cmp.Compare(a.ID.SeqNo, b.ID.SeqNo))
	})
}
