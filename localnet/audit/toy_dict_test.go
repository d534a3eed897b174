package audit

import (
	"errors"
	"math/big"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// dictionaries of a block and a state

type augDict interface {
	Set(key, value *cell.Cell) error
	ToCell() (*cell.Cell, error)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func setAll(d augDict, err error, values map[hash]*cell.Cell) *cell.Cell {
	for k, v := range values {
		err = errors.Join(err, d.Set(idCell(k), v))
	}
	if err != nil {
		panic(err)
	}
	return must(d.ToCell())
}

func accountsCell(st *toyState) *cell.Cell {
	values := map[hash]*cell.Cell{}
	for id, a := range st.accounts {
		values[id] = cell.BeginCell().MustStoreRef(a.cell).MustStoreSlice(a.lastHash[:], 256).MustStoreUInt(a.last, 64).EndCell()
	}
	d, err := tlb.NewShardAccountsAugDict()
	return setAll(d, err, values)
}

func (b *toyBlock) accountBlocks() *cell.Cell {
	values := map[hash]*cell.Cell{}
	for id, txs := range b.txs {
		d := must(tlb.NewAccountTransactionsAugDict())
		for _, tx := range txs {
			if err := d.SetIntKey(new(big.Int).SetUint64(tx.lt), cell.BeginCell().MustStoreRef(tx.cell).EndCell()); err != nil {
				panic(err)
			}
		}
		values[id] = cell.BeginCell().MustStoreUInt(5, 4).MustStoreSlice(id[:], 256).MustStoreBuilder(must(d.InlineCell()).ToBuilder()).
			MustStoreRef(hashUpdate(txs[0].old, txs[len(txs)-1].new)).EndCell()
	}
	d, err := tlb.NewShardAccountBlocksAugDict()
	return setAll(d, err, values)
}

func queueCell(st *toyState) *cell.Cell {
	d := must(tlb.NewOutMsgQueueAugDict())
	for k, e := range st.queue {
		value := cell.BeginCell().MustStoreUInt(e.enqueuedLT, 64).MustStoreRef(e.cell).EndCell()
		if err := d.Set(cell.BeginCell().MustStoreSlice(keyOf(k), 352).EndCell(), value); err != nil {
			panic(err)
		}
	}
	marks := cell.NewDict(96)
	for _, m := range st.processed.marks {
		key := cell.BeginCell().MustStoreUInt(m.shard, 64).MustStoreUInt(uint64(m.master), 32).EndCell()
		if err := marks.Set(key, cell.BeginCell().MustStoreUInt(m.lt, 64).MustStoreSlice(m.hash[:], 256).EndCell()); err != nil {
			panic(err)
		}
	}
	// just out_msg_queue_extra#0 dispatch_queue out_queue_size
	return must(d.ToCell()).ToBuilder().MustStoreDict(marks).MustStoreUInt(0b1_0000, 5).MustStoreUInt(0, 65).MustStoreBoolBit(true).
		MustStoreUInt(uint64(len(st.queue)+st.miscount), 48).EndCell()
}
