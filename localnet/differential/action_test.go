package differential

import (
	"math/big"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// actions is a list of actions that no instruction would have made, or not so:
// OutList, the last action outermost.
func (w *world) actions(depth int) *cell.Cell {
	list := cell.BeginCell().EndCell()
	if w.one(20) {
		list = pick(w.dice, libraryCell(w.bytes(32)), cell.BeginCell().MustStoreUInt(1, 1).EndCell(), cell.BeginCell().MustStoreRef(list).EndCell())
	}
	n := w.IntN(6)
	if w.one(25) {
		n = pick(w.dice, 254, 255, 256)
	}
	for range n {
		deep := depth
		if n > 5 {
			deep = nesting
		}
		list = cell.BeginCell().MustStoreRef(list).MustStoreBuilder(w.action(deep)).EndCell()
	}
	return list
}

func (w *world) action(depth int) *cell.Builder {
	return choose(w.dice,
		weighted[*cell.Builder]{50, func() *cell.Builder { message, mode := w.outgoing(depth); return sendAction(mode, message) }},
		weighted[*cell.Builder]{20, func() *cell.Builder {
			return cell.BeginCell().MustStoreUInt(0x36e6b809, 32).MustStoreInt(w.reserveMode(), 8).MustStoreBigCoins(w.nano(36)).MustStoreDict(nil)
		}},
		weighted[*cell.Builder]{5, func() *cell.Builder {
			return cell.BeginCell().MustStoreUInt(0xad4de08e, 32).MustStoreRef(w.newCode())
		}},
		weighted[*cell.Builder]{8, w.libraryAction},
		weighted[*cell.Builder]{3, func() *cell.Builder { return w.malformed(depth) }})
}

func sendAction(mode int64, message *cell.Cell) *cell.Builder {
	return cell.BeginCell().MustStoreUInt(0x0ec3c86d, 32).MustStoreUInt(uint64(mode)&0xff, 8).MustStoreRef(message)
}

func (w *world) libraryAction() *cell.Builder {
	b := cell.BeginCell().MustStoreUInt(0x26fa1dd4, 32).MustStoreUInt(uint64(w.libraryMode()), 7)
	if w.one(2) {
		return b.MustStoreBoolBit(true).MustStoreRef(w.library())
	}
	return b.MustStoreBoolBit(false).MustStoreSlice(w.library().Hash(), 256)
}

// malformed is an action that cannot be read, wholly or at all.
func (w *world) malformed(depth int) *cell.Builder {
	message, _ := w.outgoing(depth)
	switch w.IntN(5) {
	case 0:
		return cell.BeginCell().MustStoreBigUInt(new(big.Int).SetBytes(w.bytes(5)), 40)
	case 1:
		return cell.BeginCell().MustStoreUInt(0x0ec3c86d, 32).MustStoreUInt(uint64(w.mode())&0xff, 8)
	case 2:
		return sendAction(w.mode(), message).MustStoreUInt(5, 3)
	case 3:
		return sendAction(w.mode(), message).MustStoreRef(cell.BeginCell().EndCell())
	}
	return cell.BeginCell().MustStoreUInt(0x36e6b809>>12, 20)
}
