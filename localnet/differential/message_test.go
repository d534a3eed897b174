package differential

import (
	"math/big"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// nesting bounds how deep the programs of messages hold messages with programs.
const nesting = 3

// fault is what is wrong with a message: one thing at most, since executors look
// at several in orders of their own (README.md).
type fault int

const (
	faultless fault = iota
	unreadable
	oddDestination
	oddSource
	unknownFlags
	longNumber
	external // not a fault, but few modes fit it
)

// outgoing is a message as a contract hands it to its actions, and a mode.
func (w *world) outgoing(depth int) (message *cell.Cell, mode int64) {
	f := faultless
	if w.one(8) {
		f = fault(1 + w.IntN(int(external)))
	}
	if f != faultless {
		mode = pick[int64](w.dice, 0, 1, 2, 3, 16, 18)
	} else {
		mode = w.mode()
	}
	if f == unreadable {
		return w.junk(depth), mode
	}
	b := cell.BeginCell()
	if f == external {
		b.MustStoreUInt(0b11, 2).MustStoreAddr(address.NewAddressNone()).MustStoreAddr(pick(w.dice, address.NewAddressNone(), address.NewAddressExt(0, 16, w.bytes(2)))).
			MustStoreUInt(w.Uint64()>>w.IntN(64), 64).MustStoreUInt(0, 32)
	} else {
		w.storeInternal(b, f)
	}
	return w.finish(b, depth), mode
}

// storeInternal stores the head of an internal message that was not yet sent.
func (w *world) storeInternal(b *cell.Builder, f fault) {
	from, to := address.NewAddressNone(), w.destination()
	switch f {
	case oddSource:
		from = w.someone()
	case oddDestination:
		to = w.oddDestination()
	}
	b.MustStoreBoolBit(false).MustStoreBoolBit(w.one(2)).MustStoreBoolBit(w.one(2)).MustStoreBoolBit(w.one(20)).
		MustStoreAddr(from).MustStoreAddr(to)
	w.storeAmount(b, w.nano(35), f)
	b.MustStoreDict(nil)
	extra := new(big.Int)
	if w.one(3) {
		extra.SetInt64(int64(w.IntN(4))) // extra_flags since version 12: 1 and 3 ask for the new bounce
	}
	if f == unknownFlags {
		extra.SetInt64(int64(4 + w.IntN(300)))
	}
	w.storeAmount(b, extra, faultless)
	b.MustStoreBigCoins(pick(w.dice, new(big.Int), w.nano(20))).MustStoreUInt(w.Uint64()>>w.IntN(64), 64).MustStoreUInt(uint64(w.Uint32()), 32)
}

// storeAmount stores VarUInteger 16, at fault with a zero that it does not need.
func (w *world) storeAmount(b *cell.Builder, n *big.Int, f fault) {
	if f != longNumber {
		b.MustStoreBigCoins(n)
		return
	}
	size := uint((n.BitLen()+7)/8) + 1
	b.MustStoreUInt(uint64(size), 4).MustStoreBigUInt(n, size*8)
}

// destination of a message: mostly somebody there is.
func (w *world) destination() *address.Address {
	return choose(w.dice,
		weighted[*address.Address]{80, w.someone},
		weighted[*address.Address]{8, func() *address.Address { return address.NewAddress(0, 0, w.bytes(32)) }},
		weighted[*address.Address]{3, func() *address.Address { return address.NewAddress(0, 255, w.bytes(32)) }})
}

func (w *world) oddDestination() *address.Address {
	switch w.IntN(5) {
	case 0:
		return address.NewAddressNone()
	case 1:
		return address.NewAddressExt(0, 8, w.bytes(1))
	case 2:
		return address.NewAddressVar(0, int32(pick(w.dice, -1, 0, 0, 1000)), pick[uint](w.dice, 256, 256, 64), w.someone().Data())
	case 3:
		return w.someone().Copy().WithAnycast(address.NewAnycast(uint(1+w.IntN(8)), w.bytes(1)))
	}
	return address.NewAddress(0, byte(1+w.IntN(253)), w.bytes(32))
}

// finish adds the state init and the body to a message's head.
func (w *world) finish(b *cell.Builder, depth int) *cell.Cell {
	body := w.body(depth)
	var init *cell.Cell
	if w.one(8) {
		init = w.someInit()
	}
	return attach(w.withInit(b, init), body, w.one(2))
}

// withInit adds a state init, in the same cell now and then.
func (w *world) withInit(b *cell.Builder, init *cell.Cell) *cell.Builder {
	if init == nil {
		return b.MustStoreBoolBit(false)
	}
	b.MustStoreBoolBit(true)
	if b.BitsLeft() > init.BitsSize()+2 && b.RefsLeft() > init.RefsNum() && w.one(2) {
		return b.MustStoreBoolBit(false).MustStoreBuilder(init.ToBuilder())
	}
	return b.MustStoreBoolBit(true).MustStoreRef(init)
}

// attach adds the body, in the same cell where that is asked for and possible.
func attach(b *cell.Builder, body *cell.Cell, inline bool) *cell.Cell {
	if inline && b.BitsLeft() > body.BitsSize() && b.RefsLeft() >= body.RefsNum() || b.RefsLeft() == 0 {
		return b.MustStoreBoolBit(false).MustStoreBuilder(body.ToBuilder()).EndCell()
	}
	return b.MustStoreBoolBit(true).MustStoreRef(body).EndCell()
}

// body is mostly a program for a puppet.
func (w *world) body(depth int) *cell.Cell {
	return choose(w.dice,
		weighted[*cell.Cell]{70, func() *cell.Cell {
			if depth >= nesting {
				return cell.BeginCell().EndCell()
			}
			return cell.BeginCell().MustStoreUInt(uint64(w.Uint32()), 32).MustStoreRef(w.program(depth + 1)).EndCell()
		}},
		weighted[*cell.Cell]{10, func() *cell.Cell { return cell.BeginCell().EndCell() }},
		weighted[*cell.Cell]{10, func() *cell.Cell {
			n := w.IntN(110)
			return cell.BeginCell().MustStoreSlice(w.bytes(n), uint(n*8)).EndCell()
		}},
		weighted[*cell.Cell]{2, func() *cell.Cell { return tree(1+w.IntN(40), 64+uint(w.IntN(900)), w.Uint64()>>24) }},
		weighted[*cell.Cell]{2, func() *cell.Cell { return cell.BeginCell().MustStoreRef(libraryCell(sharedProgram().Hash())).EndCell() }})
}

// junk is a cell that is no message, or hardly.
func (w *world) junk(depth int) *cell.Cell {
	b := cell.BeginCell()
	switch w.IntN(4) {
	case 0:
		return libraryCell(w.bytes(32))
	case 1: // a head without an end
		w.storeInternal(b, faultless)
		return b.EndCell()
	case 2: // more than its end
		w.storeInternal(b, faultless)
		return w.finish(b, depth).ToBuilder().MustStoreUInt(1, 2).EndCell()
	}
	n := w.IntN(120)
	return b.MustStoreBoolBit(false).MustStoreSlice(w.bytes(n), uint(n*8)).EndCell()
}

// internal is a message that was sent from outside of this world.
func (w *world) internal(to *address.Address, nano *big.Int, init, body *cell.Cell) *cell.Cell {
	from := address.NewAddress(0, pick[byte](w.dice, 0, 0, 0, 255), w.bytes(32))
	extra := new(big.Int)
	if w.one(3) {
		extra.SetInt64(int64(w.IntN(4)))
	}
	b := cell.BeginCell().MustStoreBoolBit(false).MustStoreBoolBit(!w.one(10)).MustStoreBoolBit(!w.one(4)).MustStoreBoolBit(w.one(25)).
		MustStoreAddr(from).MustStoreAddr(to).MustStoreBigCoins(nano).MustStoreDict(nil).MustStoreBigCoins(extra).
		MustStoreBigCoins(w.nano(24)).MustStoreUInt(w.lt-uint64(w.IntN(1000)), 64).MustStoreUInt(uint64(w.now), 32)
	return attach(w.withInit(b, init), body, w.one(2))
}

// fromNowhere is an external message.
func (w *world) fromNowhere(to *address.Address, init, body *cell.Cell) *cell.Cell {
	b := cell.BeginCell().MustStoreUInt(0b10, 2).MustStoreAddr(pick(w.dice, address.NewAddressNone(), address.NewAddressExt(0, 8, w.bytes(1)))).
		MustStoreAddr(to).MustStoreBigCoins(pick(w.dice, new(big.Int), new(big.Int), w.nano(20)))
	return attach(w.withInit(b, init), body, w.one(2))
}

func initCell(init *tlb.StateInit) *cell.Cell {
	c, err := tlb.ToCell(init)
	if err != nil {
		panic(err)
	}
	return c
}
