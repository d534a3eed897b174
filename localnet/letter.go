package localnet

import (
	"bytes"
	"container/heap"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// letters is a heap of messages by logical time, then hash.
type letters []letter

func (l letters) Len() int { return len(l) }
func (l letters) Less(i, j int) bool {
	if a, b := l[i].lt(), l[j].lt(); a != b {
		return a < b
	}
	return bytes.Compare(l[i].cell.Hash(), l[j].cell.Hash()) < 0
}
func (l letters) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l *letters) Push(x any)   { *l = append(*l, x.(letter)) }
func (l *letters) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

// post takes what a transaction sent: events are recorded, messages wait for
// their turn. A message that leaves the basechain keeps its cause out of the
// chain; where that cause is already in it, the message stays in the queue.
func (d *draft) post(l letter) error {
	if l.msg.MsgType != tlb.MsgTypeInternal {
		// msg_export_ext$000 msg:^(Message Any) transaction:^Transaction
		return d.out.Set(bits256(l.cell.HashKey()), cell.BeginCell().MustStoreUInt(0b000, 3).MustStoreRef(l.cell).MustStoreRef(l.tx).EndCell())
	}
	_, err := basechainID(l.msg.AsInternal().DstAddr)
	switch {
	case err == nil:
		heap.Push(&d.waiting, l)
	case l.root != fromQueue:
		return &refusal{l.root, fmt.Errorf("a message would be sent to %s: %w", l.msg.AsInternal().DstAddr, err)}
	default:
		d.chain.log.Warn("message stays in the queue", "to", l.msg.AsInternal().DstAddr.String(), "lt", l.lt())
		return d.enqueue(l)
	}
	return nil
}

// envelope is the message as it travels: already where it is to be.
func (l letter) envelope() (*cell.Cell, error) {
	here := tlb.IntermediateAddress{Type: tlb.IntermediateAddressRegular, UseDestBits: 96}
	return tlb.ToCell(tlb.MsgEnvelope{CurAddr: here, NextAddr: here, FwdFeeRemaining: l.msg.AsInternal().FwdFee, Msg: l.cell})
}

// recordDelivery enters a delivered message in the descriptors of both its ends.
func (d *draft) recordDelivery(l letter, tx *cell.Cell) error {
	envelope, err := l.envelope()
	if err != nil {
		return err
	}
	key := bits256(l.cell.HashKey())
	record := func(tag uint64) *cell.Builder {
		return cell.BeginCell().MustStoreUInt(tag, 3).MustStoreRef(envelope)
	}
	// msg_import_imm$011 or, from the queue, msg_import_fin$100 in_msg transaction fwd_fee
	tag := uint64(0b011)
	if l.tx == nil {
		tag = 0b100
	}
	imported := record(tag).MustStoreRef(tx).MustStoreBigCoins(l.msg.AsInternal().FwdFee.Nano()).EndCell()
	if err = d.in.Set(key, imported); err != nil {
		return err
	}
	if l.tx == nil {
		d.dequeued = append(d.dequeued, l)
		// msg_export_deq_imm$100 out_msg reimport
		return d.out.Set(key, record(0b100).MustStoreRef(imported).EndCell())
	}
	// msg_export_imm$010 out_msg transaction reimport
	return d.out.Set(key, record(0b010).MustStoreRef(l.tx).MustStoreRef(imported).EndCell())
}

// enqueue leaves a message to a later block.
func (d *draft) enqueue(l letter) error {
	envelope, err := l.envelope()
	if err != nil {
		return err
	}
	d.enqueued = append(d.enqueued, l)
	// msg_export_new$001 out_msg transaction
	return d.out.Set(bits256(l.cell.HashKey()), cell.BeginCell().MustStoreUInt(0b001, 3).MustStoreRef(envelope).MustStoreRef(l.tx).EndCell())
}

// close enqueues what did not fit.
func (d *draft) close() error {
	for _, l := range d.waiting {
		if l.tx == nil { // it is in the queue already
			continue
		}
		if err := d.enqueue(l); err != nil {
			return err
		}
	}
	return nil
}

// leftover is what the next block delivers first.
func (d *draft) leftover() (rest letters) {
	for _, l := range d.waiting {
		l.tx, l.root = nil, fromQueue
		rest = append(rest, l)
	}
	heap.Init(&rest)
	return rest
}
