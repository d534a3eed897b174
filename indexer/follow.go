package indexer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

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

// readBlock appends the events of our contracts in one block, in order of logical time.
func (x *Indexer) readBlock(ctx context.Context, b *batch, block *tlb.Block) error {
	if workchain, _ := tlb.ConvertShardIdentToShard(block.BlockInfo.Shard); workchain != 0 {
		return nil // our contracts live in the basechain
	}
	txs, err := block.ListTransactions()
	if err != nil {
		return err
	}
	slices.SortFunc(txs, func(a, b *tlb.Transaction) int {
		return cmp.Or(cmp.Compare(a.LT, b.LT), bytes.Compare(a.AccountAddr, b.AccountAddr))
	})
	for _, tx := range txs {
		account := cocoon.Account(tx.AccountAddr)
		kind, ours := x.lookup(b, account)
		var newborn *birth
		if !ours {
			if newborn = x.recognise(b, account, tx); newborn == nil {
				continue
			}
			kind = newborn.kind
			if err = x.readEarlier(ctx, b, account, kind, tx); err != nil {
				return err
			}
			b.born[account] = kind
		}
		if err = b.add(tx, kind, account, newborn); err != nil {
			return err
		}
	}
	return nil
}

// readEarlier appends what happened to an account before it became a contract:
// the coins that came are in its balance.
func (x *Indexer) readEarlier(ctx context.Context, b *batch, account cocoon.Account, kind wrappers.Kind, born *tlb.Transaction) error {
	var earlier []*tlb.Transaction
	for last := born; last.PrevTxLT != 0; last = earlier[len(earlier)-1] {
		list, err := x.cfg.Chain.Transactions(ctx, account, last.PrevTxLT, [32]byte(last.PrevTxHash), 16)
		if err != nil {
			return fmt.Errorf("what came to %s before its birth: %w", account, err)
		}
		if len(list) == 0 {
			return cocoon.Unreachable.Errorf("what came to %s before its birth is missing", account)
		}
		earlier = append(earlier, list...)
	}
	for _, tx := range slices.Backward(earlier) {
		if err := b.add(tx, kind, account, nil); err != nil {
			return err
		}
	}
	return nil
}

// add appends one transaction of one of our contracts.
func (b *batch) add(tx *tlb.Transaction, kind wrappers.Kind, account cocoon.Account, newborn *birth) error {
	o, err := occurrenceOf(tx, kind, account)
	if err != nil {
		return err
	}
	b.seq++
	o.Seq, o.Seqno, o.birth = b.seq, b.master.SeqNo, newborn
	b.occurrences = append(b.occurrences, o)
	return nil
}

// lookup finds one of our contracts, among those of this batch too.
func (x *Indexer) lookup(b *batch, a cocoon.Account) (wrappers.Kind, bool) {
	if kind, ok := b.born[a]; ok {
		return kind, true
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	kind, ok := x.known[a]
	return kind, ok
}
