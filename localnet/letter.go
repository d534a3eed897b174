package localnet

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// letter is an internal message on its way.
type letter struct {
	cell     *cell.Cell
	msg      *tlb.InternalMessage
	from, to place
	stamp    stamp      // how far it has come
	envelope *cell.Cell // with the stamp; nil where it is not in a queue
	tx       *cell.Cell // that sent it; nil where an earlier block did, or nobody
	root     int        // which external message of this block it goes back to, or noRoot
}

// stamp is what an envelope adds to its message.
type stamp struct {
	current, next uint8
	fee           tlb.Coins // what is left of the forwarding fee
}

// noRoot is the root of messages that no external message of this block led to.
const noRoot = -1

// newLetter addresses a message that a transaction sent, or nobody.
func newLetter(c *cell.Cell, msg *tlb.InternalMessage, tx *cell.Cell, root int) (letter, error) {
	from, err := placeOf(msg.SrcAddr)
	if err != nil {
		return letter{}, err
	}
	to, err := placeOf(msg.DstAddr)
	if err != nil {
		return letter{}, err
	}
	return letter{cell: c, msg: msg, from: from, to: to, tx: tx, root: root, stamp: stamp{allBits, allBits, msg.FwdFee}}, nil
}

func (l letter) lt() uint64     { return l.msg.CreatedLT }
func (l letter) current() place { return l.from.toward(l.to, l.stamp.current) }
func (l letter) next() place    { return l.from.toward(l.to, l.stamp.next) }

// compare orders letters as they are delivered: by logical time, then hash.
func (l letter) compare(o letter) int {
	switch {
	case l.lt() < o.lt():
		return -1
	case l.lt() > o.lt():
		return 1
	}
	return bytes.Compare(l.cell.Hash(), o.cell.Hash())
}

// sealed is the letter in an envelope that says how far it has come.
func (l letter) sealed(current, next uint8) (letter, error) {
	l.stamp.current, l.stamp.next = current, next
	regular := func(bits uint8) tlb.IntermediateAddress {
		return tlb.IntermediateAddress{Type: tlb.IntermediateAddressRegular, UseDestBits: bits}
	}
	var err error
	l.envelope, err = tlb.ToCell(tlb.MsgEnvelope{CurAddr: regular(current), NextAddr: regular(next), FwdFeeRemaining: l.stamp.fee, Msg: l.cell})
	return l, err
}

// key of the letter in a queue: where it goes next, and the hash.
func (l letter) key() *cell.Cell {
	return cell.BeginCell().MustStoreSlice(l.rawKey(), 352).EndCell()
}

func (l letter) rawKey() []byte {
	next := l.next()
	key := binary.BigEndian.AppendUint32(make([]byte, 0, 44), uint32(next.workchain))
	return append(binary.BigEndian.AppendUint64(key, next.prefix), l.cell.Hash()...)
}

// enqueued is the letter as a queue holds it (EnqueuedMsg).
func (l letter) enqueued() (*cell.Builder, error) {
	c, err := tlb.ToCell(tlb.EnqueuedMsg{EnqueuedLT: l.lt(), Msg: l.envelope})
	if err != nil {
		return nil, err
	}
	return c.ToBuilder(), nil
}

func openEnqueued(value *cell.Slice) (letter, error) {
	var m tlb.EnqueuedMsg
	if err := tlb.LoadFromCell(&m, value); err != nil {
		return letter{}, err
	}
	var e tlb.MsgEnvelope
	if err := tlb.Parse(&e, m.Msg); err != nil {
		return letter{}, err
	}
	var msg tlb.InternalMessage
	if err := tlb.Parse(&msg, e.Msg); err != nil {
		return letter{}, err
	}
	l, err := newLetter(e.Msg, &msg, nil, noRoot)
	l.stamp, l.envelope = stamp{e.CurAddr.UseDestBits, e.NextAddr.UseDestBits, e.FwdFeeRemaining}, m.Msg
	return l, err
}

// letters are sorted in the order of delivery where they lie in a queue, and a
// heap of that order where they are fresh.
type letters []letter

func (ls letters) Len() int           { return len(ls) }
func (ls letters) Less(i, j int) bool { return ls[i].compare(ls[j]) < 0 }
func (ls letters) Swap(i, j int)      { ls[i], ls[j] = ls[j], ls[i] }
func (ls *letters) Push(x any)        { *ls = append(*ls, x.(letter)) }
func (ls *letters) Pop() any {
	last := (*ls)[len(*ls)-1]
	*ls = (*ls)[:len(*ls)-1]
	return last
}

func (ls letters) sort() { slices.SortFunc(ls, letter.compare) }

// filter is a new list of those that keep says yes to.
func (ls letters) filter(keep func(letter) bool) (kept letters) {
	for _, l := range ls {
		if keep(l) {
			kept = append(kept, l)
		}
	}
	return kept
}
