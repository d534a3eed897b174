package indexer

import (
	"bytes"
	"context"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/indexer/feed"
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

// readNext takes the masterchain block after the cursor and every shard block
// that it commits, not only the newest of each shard.
func (x *Indexer) readNext(ctx context.Context) (*batch, error) {
	at := x.position()
	next, err := x.feed.Next(ctx, at.position())
	if err != nil {
		return nil, err
	}
	if err = continues(next.Master.Data, at); err != nil {
		return nil, err
	}
	b := &batch{master: next.Master.ID, time: next.Master.Data.BlockInfo.GenUtime, tops: next.Tops, seq: at.events, born: map[cocoon.Account]wrappers.Kind{}}
	for _, s := range next.Shards {
		if err = x.readBlock(ctx, b, s.Data); err != nil {
			return nil, fmt.Errorf("read transactions of block %d in shard %016x: %w", s.ID.SeqNo, uint64(s.ID.Shard), err)
		}
	}
	return b, nil
}

// position is where the feed goes on. A new log that does not begin with the
// chain does not know the shards before it.
func (c cursor) position() feed.Position {
	if c.root == [32]byte{} {
		return feed.Position{Seqno: c.seqno}
	}
	return feed.Position{Seqno: c.seqno, Tops: append([]*ton.BlockIDExt{}, c.tops...)}
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
