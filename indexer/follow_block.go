package indexer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// readBlock appends the events of our contracts in one block, in order of logical time.
func (x *Indexer) readBlock(ctx context.Context, b *batch, block *tlb.Block) error {
	if workchain, _ := tlb.ConvertShardIdentToShard(block.BlockInfo.Shard); workchain != 0 {
		return nil // our contracts live in the basechain
	}
	txs, err := orderedTransactions(block)
	if err != nil {
		return err
	}
	return x.readTransactions(ctx, b, txs)
}

// orderedTransactions are all of a block, in order of logical time.
func orderedTransactions(block *tlb.Block) ([]*tlb.Transaction, error) {
	txs, err := block.ListTransactions()
	slices.SortFunc(txs, func(a, b *tlb.Transaction) int {
		return cmp.Or(cmp.Compare(a.LT, b.LT), bytes.Compare(a.AccountAddr, b.AccountAddr))
	})
	return txs, err
}

// readTransactions appends the events of our contracts among transactions.
func (x *Indexer) readTransactions(ctx context.Context, b *batch, txs []*tlb.Transaction) error {
	for _, tx := range txs {
		account := cocoon.Account(tx.AccountAddr)
		kind, ours := x.lookup(b, account)
		var newborn *birth
		if !ours {
			if newborn = x.recognise(b, account, tx); newborn == nil {
				continue
			}
			kind = newborn.kind
			if err := x.readEarlier(ctx, b, account, kind, tx); err != nil {
				return err
			}
			b.born[account] = kind
		}
		if err := b.add(tx, kind, account, newborn); err != nil {
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
	b.to.events++
	o.Seq, o.Seqno, o.birth = b.to.events, b.to.seqno, newborn
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
