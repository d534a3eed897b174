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

// batch is what neighbouring masterchain blocks commit, as far as it is ours.
type batch struct {
	from, to    cursor
	first       [32]byte // root of the first of the blocks
	occurrences []occurrence
	born        map[cocoon.Account]wrappers.Kind
}

// What one transaction of the database takes while catching up: a commit costs
// as much as many events. At the end of the chain it is one block.
const (
	batchBlocks = 64   // masterchain blocks at most
	batchEvents = 2000 // events after which no more blocks are added
)

// readNext takes the masterchain blocks after the cursor that are there, one at
// least, and every shard block that they commit, not only the newest of each shard.
func (x *Indexer) readNext(ctx context.Context) (*batch, error) {
	at := x.position()
	items, err := x.feed.Next(ctx, at.position(), x.cfg.batch)
	if err != nil {
		return nil, err
	}
	b := &batch{from: at, to: at, first: [32]byte(items[0].Master.ID.RootHash), born: map[cocoon.Account]wrappers.Kind{}}
	for _, item := range items {
		if err = x.readItem(ctx, b, item); err != nil {
			return nil, err
		}
		if len(b.occurrences) >= batchEvents {
			break
		}
	}
	return b, nil
}

// readItem adds one masterchain block and the shard blocks behind it.
func (x *Indexer) readItem(ctx context.Context, b *batch, item *feed.Item) error {
	master := item.Master
	if err := continues(master.Data, b.to); err != nil {
		return err
	}
	b.to = cursor{seqno: master.ID.SeqNo, root: [32]byte(master.ID.RootHash), time: master.Data.BlockInfo.GenUtime, events: b.to.events, tops: item.Tops}
	for _, s := range item.Shards {
		if err := x.readBlock(ctx, b, s.Data); err != nil {
			return fmt.Errorf("read transactions of block %d in shard %016x: %w", s.ID.SeqNo, uint64(s.ID.Shard), err)
		}
	}
	return nil
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
