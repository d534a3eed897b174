package localnet

import (
	"slices"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// nowBit is the last bit of now in transaction$0111 account_addr lt
// prev_trans_hash prev_trans_lt now.
const nowBit = 4 + 256 + 64 + 256 + 64 + 31

func (l liar) transaction(_, honest tl.Serializable) tl.Serializable {
	switch a := honest.(type) {
	case ton.BlockTransactions:
		if len(a.TransactionIds) > 0 && len(a.TransactionIds[0].Hash) > 0 {
			a.TransactionIds = slices.Clone(a.TransactionIds)
			a.TransactionIds[0].Hash = flip(a.TransactionIds[0].Hash, 41)
			return a
		}
	case ton.BlockTransactionsExt:
		if later := laterFirst(a.Transactions); later != nil {
			a.Transactions = later
			return a
		}
	case ton.TransactionInfo:
		tx, err := cell.FromBOC(a.Transaction)
		if later := laterFirst([]*cell.Cell{tx}); err == nil && later != nil {
			a.Transaction = later[0].ToBOC()
			return a
		}
	case ton.TransactionList:
		return edit(a, laterFirst)
	}
	return nil
}

func (l liar) gap(_, honest tl.Serializable) tl.Serializable {
	if a, ok := honest.(ton.TransactionList); ok && len(a.IDs) > 2 {
		a.IDs = slices.Delete(slices.Clone(a.IDs), 1, 2)
		return edit(a, func(txs []*cell.Cell) []*cell.Cell { return slices.Delete(txs, 1, 2) })
	}
	return nil
}

func (l liar) omit(_, honest tl.Serializable) tl.Serializable {
	switch a := honest.(type) {
	case ton.BlockTransactions:
		if n := len(a.TransactionIds); n > 0 {
			a.TransactionIds, a.Incomplete = a.TransactionIds[:n-1], false
			return a
		}
	case ton.BlockTransactionsExt:
		if n := len(a.Transactions); n > 0 {
			a.Transactions, a.Incomplete = a.Transactions[:n-1], false
			return a
		}
	case ton.TransactionInfo:
		if len(a.Transaction) > 0 {
			return ton.TransactionInfo{ID: a.ID}
		}
	case ton.TransactionList:
		if n := len(a.IDs); n > 1 {
			a.IDs = a.IDs[:n-1]
			return edit(a, func(txs []*cell.Cell) []*cell.Cell { return txs[:n-1] })
		}
	}
	return nil
}

// edit changes the transactions of a list.
func edit(a ton.TransactionList, change func([]*cell.Cell) []*cell.Cell) tl.Serializable {
	txs, err := cell.FromBOCMultiRoot(a.Transactions)
	if err != nil {
		return nil
	}
	if txs = change(txs); txs == nil {
		return nil
	}
	a.Transactions = cell.ToBOCWithOptions(txs, cell.BOCSerializeOptions{WithCRC32C: true})
	return a
}

// laterFirst are the same transactions, the first made at another second.
func laterFirst(txs []*cell.Cell) []*cell.Cell {
	if len(txs) == 0 || txs[0] == nil || txs[0].BitsSize() <= nowBit {
		return nil
	}
	later, err := withBit(txs[0], nowBit)
	if err != nil {
		return nil
	}
	return append([]*cell.Cell{later}, txs[1:]...)
}
