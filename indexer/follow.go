package indexer

import (
	"bytes"
	"context"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// batch is what one masterchain block commits, as far as it is ours.
type batch struct {
	master      *ton.BlockIDExt
	time        uint32
	tops        []*ton.BlockIDExt
	seq         uint64 // of the newest event
	occurrences []occurrence
	born        map[cocoon.Account]wrappers.Kind
}

// readNext reads the masterchain block after the cursor and every shard block
// that it commits, not only the newest of each shard.
func (x *Indexer) readNext(ctx context.Context) (*batch, error) {
	at := x.position()
	id, err := x.cfg.Chain.WaitSeqno(ctx, at.seqno+1)
	if err != nil {
		return nil, err
	}
	master, err := x.cfg.Chain.Block(ctx, id)
	if err != nil {
		return nil, err
	}
	if err = continues(master, at); err != nil {
		return nil, err
	}
	before, err := x.topsBefore(ctx, master, at)
	if err != nil {
		return nil, err
	}
	b := &batch{master: id, time: master.BlockInfo.GenUtime, seq: at.events, born: map[cocoon.Account]wrappers.Kind{}}
	if b.tops, err = shardTops(master); err != nil {
		return nil, err
	}
	blocks, err := newBlocks(ctx, x.cfg.Chain, b.tops, before)
	if err != nil {
		return nil, err
	}
	for _, s := range blocks {
		if err = x.readBlock(ctx, b, s.block); err != nil {
			return nil, fmt.Errorf("read transactions of block %d in shard %016x: %w", s.id.SeqNo, uint64(s.id.Shard), err)
		}
	}
	return b, nil
}

// continues checks that master follows the block the log ends with.
func continues(master *tlb.Block, at cursor) error {
	if at.root == [32]byte{} {
		return nil // a new log
	}
	parents, err := ton.GetParentBlocks(&master.BlockInfo)
	if err != nil {
		return err
	}
	if len(parents) != 1 || !bytes.Equal(parents[0].RootHash, at.root[:]) {
		return otherChain("block %d does not follow block %d as it was indexed (root %x)", master.BlockInfo.SeqNo, at.seqno, at.root)
	}
	return nil
}

// otherChain is the end of following: what is in the log is never taken back.
func otherChain(format string, args ...any) error {
	return cocoon.WithHint(cocoon.Conflict.Errorf("another chain than the one indexed, or a liteserver that lies: "+format, args...),
		"check the network file; to index this chain, use another --data folder")
}

// topsBefore are the shard blocks that were committed before master.
func (x *Indexer) topsBefore(ctx context.Context, master *tlb.Block, at cursor) (map[blockKey]bool, error) {
	tops := at.tops
	if at.root == [32]byte{} && at.seqno > 0 {
		parents, err := ton.GetParentBlocks(&master.BlockInfo)
		if err != nil {
			return nil, err
		}
		parent, err := x.cfg.Chain.Block(ctx, parents[0])
		if err != nil {
			return nil, err
		}
		if tops, err = shardTops(parent); err != nil {
			return nil, err
		}
	}
	before := map[blockKey]bool{}
	for _, id := range tops {
		before[keyOf(id)] = true
	}
	return before, nil
}
