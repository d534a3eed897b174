package localnet

import (
	"bytes"
	"math"
	"sort"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// maxTransactions is how many transactions one answer holds.
const maxTransactions = 256

// transactions walks an account's chain of transactions backwards.
func (l lookout) transactions(q ton.GetTransactions) (tl.Serializable, error) {
	if q.AccID == nil || len(q.AccID.ID) != 32 || q.Limit < 0 {
		return nil, badQuery("an account and a number of transactions are needed")
	}
	answer := ton.TransactionList{IDs: []*ton.BlockIDExt{}}
	var cells []*cell.Cell
	lt, hash := uint64(q.LT), q.TxHash
	for lt != 0 && len(cells) < min(int(q.Limit), maxTransactions) {
		b, tx, ok := l.findTransaction(q.AccID, lt)
		if !ok || !bytes.Equal(tx.hash, hash) {
			break
		}
		cells, answer.IDs = append(cells, tx.cell), append(answer.IDs, b.id)
		var err error
		if hash, lt, err = previousTransaction(tx.cell); err != nil {
			return nil, err
		}
	}
	if len(cells) == 0 && q.Limit > 0 {
		return nil, badQuery("cannot compute block with specified transaction: lt not in db")
	}
	if len(cells) > 0 {
		answer.Transactions = cell.ToBOCWithOptions(cells, cell.BOCSerializeOptions{WithCRC32C: true})
	}
	return answer, nil
}

func (l lookout) findTransaction(a *ton.AccountID, lt uint64) (*block, transaction, bool) {
	id := accountID(a.ID)
	b := l.first(id.in(a.Workchain).place(), func(b *block) bool { return b.endLT >= lt })
	if b == nil {
		return nil, transaction{}, false
	}
	tx, ok := b.transaction(id, lt)
	return b, tx, ok
}

// previousTransaction reads transaction$0111 account_addr lt prev_trans_hash prev_trans_lt.
func previousTransaction(tx *cell.Cell) (hash []byte, lt uint64, err error) {
	s, err := tx.BeginParse()
	if err != nil {
		return nil, 0, err
	}
	if _, err = s.LoadSlice(4 + 256 + 64); err != nil {
		return nil, 0, err
	}
	if hash, err = s.LoadSlice(256); err != nil {
		return nil, 0, err
	}
	lt, err = s.LoadUInt(64)
	return hash, lt, err
}

func (l lookout) oneTransaction(q ton.GetOneTransaction) (tl.Serializable, error) {
	if q.AccID == nil || len(q.AccID.ID) != 32 {
		return nil, badQuery("no account")
	}
	b, err := l.findBlock(q.ID)
	if err != nil {
		return nil, err
	}
	if id := accountID(q.AccID.ID).in(q.AccID.Workchain); !b.shard.contains(id.place()) {
		return nil, badQuery("block of shard %s has no transactions of account %s", b.shard, id.address())
	}
	tx, ok := b.transaction(accountID(q.AccID.ID), uint64(q.LT))
	if !ok {
		return ton.TransactionInfo{ID: b.id}, nil
	}
	proof, err := b.proveTransactions([]transaction{tx})
	if err != nil {
		return nil, err
	}
	return ton.TransactionInfo{ID: b.id, Proof: proof.ToBOC(), Transaction: tx.cell.ToBOC()}, nil
}

// Bits of the mode of a listing.
const (
	listProof   = 1 << 5
	listReverse = 1 << 6
	listAfter   = 1 << 7
)

// list picks transactions of a block; more tells that some were left out.
func (b *block) list(mode, count uint32, after *ton.TransactionID3) (list []transaction, more bool, err error) {
	from, to := 0, len(b.txs)
	if mode&listAfter != 0 {
		if after == nil || len(after.Account) != 32 {
			return nil, false, badQuery("no transaction to continue after")
		}
		id := accountID(after.Account)
		if mode&listReverse != 0 {
			to = b.from(id, after.LT)
		} else if after.LT < math.MaxUint64 {
			from = b.from(id, after.LT+1)
		}
	}
	list = append(list, b.txs[from:to]...)
	if mode&listReverse != 0 {
		sort.SliceStable(list, func(i, j int) bool { return list[j].before(list[i].account, list[i].lt) })
	}
	n := min(int(count), maxTransactions, len(list))
	return list[:n], n < len(list), nil
}

func (l lookout) blockTransactions(q ton.ListBlockTransactions) (tl.Serializable, error) {
	b, err := l.findBlock(q.ID)
	if err != nil {
		return nil, err
	}
	list, more, err := b.list(q.Mode, q.Count, q.After)
	if err != nil {
		return nil, err
	}
	answer := ton.BlockTransactions{ID: b.id, ReqCount: int32(q.Count), Incomplete: more, TransactionIds: []ton.TransactionID{}}
	for _, tx := range list {
		answer.TransactionIds = append(answer.TransactionIds, ton.TransactionID{Flags: q.Mode & 7, Account: tx.account[:], LT: tx.lt, Hash: tx.hash})
	}
	if q.Mode&listProof != 0 {
		if answer.Proof, err = b.proveTransactions(list); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

func (l lookout) blockTransactionsExt(q ton.ListBlockTransactionsExt) (tl.Serializable, error) {
	b, err := l.findBlock(q.ID)
	if err != nil {
		return nil, err
	}
	list, more, err := b.list(q.Mode, q.Count, q.After)
	if err != nil {
		return nil, err
	}
	answer := ton.BlockTransactionsExt{ID: b.id, ReqCount: int32(q.Count), Incomplete: more}
	for _, tx := range list {
		answer.Transactions = append(answer.Transactions, tx.cell)
	}
	if q.Mode&listProof != 0 {
		proof, err := b.proveTransactions(list)
		if err != nil {
			return nil, err
		}
		answer.Proof = proof.ToBOC()
	}
	return answer, nil
}
