package localnet

import (
	"container/heap"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// fill puts everything into the block, in the order of the reference: what waits
// in queues, then the external messages, then all that follows.
func (d *draft) fill(messages []*external, hands []*hand) error {
	if err := d.tickTock(false); err != nil {
		return err
	}
	if err := d.bringIn(); err != nil {
		return err
	}
	for _, h := range hands {
		if err := h.apply(d); err != nil {
			return fmt.Errorf("%s: %w", h.what, err)
		}
	}
	for i, m := range messages {
		if err := d.accept(i, m); err != nil {
			return err
		}
	}
	if err := d.follow(); err != nil {
		return err
	}
	if err := d.tickTock(true); err != nil {
		return err
	}
	return d.leave()
}

// bringIn delivers the messages of queues.
func (d *draft) bringIn() error {
	for len(d.inbound) > 0 && d.room > 0 {
		l := d.inbound[0]
		d.inbound, d.last = d.inbound[1:], &l
		d.room--
		if err := d.deliver(l); err != nil {
			return err
		}
	}
	return nil
}

// follow delivers what this block's transactions send within the shard. Where
// older messages still wait, these wait behind them.
func (d *draft) follow() error {
	var away letters
	for len(d.fresh) > 0 && d.room > 0 && len(d.inbound) == 0 {
		l := heap.Pop(&d.fresh).(letter)
		if !d.shard.contains(l.to) {
			away = append(away, l)
			continue
		}
		d.last = &l
		d.room--
		if err := d.deliver(l); err != nil {
			return err
		}
	}
	d.fresh = append(d.fresh, away...)
	return nil
}

// post takes what a transaction sent: events are recorded, messages wait for
// their turn.
func (d *draft) post(sent tvm.OutMessage, tx *cell.Cell, root int) error {
	if sent.Msg.MsgType != tlb.MsgTypeInternal {
		// msg_export_ext$000 msg:^(Message Any) transaction:^Transaction
		d.out.set(sent.Cell.Hash(), cell.BeginCell().MustStoreUInt(0b000, 3).MustStoreRef(sent.Cell).MustStoreRef(tx))
		return nil
	}
	msg, c := sent.Msg.AsInternal(), d.cleaner.clean(sent.Cell)
	if c != sent.Cell {
		msg = new(tlb.InternalMessage)
		if err := tlb.Parse(msg, c); err != nil {
			return err
		}
	}
	l, err := newLetter(c, msg, tx, root)
	if err != nil {
		return &refusal{root, fmt.Errorf("a message would be sent to %s: %w", msg.DstAddr, err)}
	}
	heap.Push(&d.fresh, l)
	return nil
}

// leave puts what is not delivered into the queue.
func (d *draft) leave() error {
	d.fresh.sort()
	for _, l := range d.fresh {
		l, err := l.sealed(route(l.from, l.to, d.shard))
		if err != nil {
			return err
		}
		// msg_export_new$001 out_msg transaction
		d.out.set(l.cell.Hash(), cell.BeginCell().MustStoreUInt(0b001, 3).MustStoreRef(l.envelope).MustStoreRef(l.tx))
		l.tx, l.root = nil, noRoot
		d.enqueued = append(d.enqueued, l)
	}
	return nil
}

// recordDelivery enters a delivered message in the descriptors of its ends that
// are in this block.
func (d *draft) recordDelivery(l letter, tx *cell.Cell) error {
	queued := l.envelope != nil
	if !queued {
		var err error
		if l, err = l.sealed(allBits, allBits); err != nil {
			return err
		}
	}
	record := func(tag uint64) *cell.Builder {
		return cell.BeginCell().MustStoreUInt(tag, 3).MustStoreRef(l.envelope)
	}
	// msg_import_imm$011 or, from a queue, msg_import_fin$100 in_msg transaction fwd_fee
	tag := uint64(0b011)
	if queued {
		tag = 0b100
	}
	key, imported := l.cell.Hash(), record(tag).MustStoreRef(tx).MustStoreBigCoins(l.stamp.fee.Nano())
	d.in.set(key, imported)
	switch {
	case l.tx != nil: // msg_export_imm$010 out_msg transaction reimport
		d.out.set(key, record(0b010).MustStoreRef(l.tx).MustStoreRef(imported.EndCell()))
	case queued && d.shard.contains(l.current()): // msg_export_deq_imm$100 out_msg reimport
		d.dequeued[l.cell.HashKey()] = true
		d.out.set(key, record(0b100).MustStoreRef(imported.EndCell()))
	}
	return nil
}

// recordDeparture takes a message out of the queue that its shard has brought in.
func (d *draft) recordDeparture(l letter, importLT uint64) {
	d.dequeued[l.cell.HashKey()] = true
	next := l.next()
	// msg_export_deq_short$1101 msg_env_hash next_workchain next_addr_pfx import_block_lt
	record := cell.BeginCell().MustStoreUInt(0b1101, 4).MustStoreSlice(l.envelope.Hash(), 256).
		MustStoreInt(int64(next.workchain), 32).MustStoreUInt(next.prefix, 64).MustStoreUInt(importLT, 64)
	d.out.set(l.cell.Hash(), record)
}

// after is the queue that the block leaves behind.
func (d *draft) after() letters {
	queue := d.queue.filter(func(l letter) bool { return !d.dequeued[l.cell.HashKey()] })
	queue = append(queue, d.enqueued...)
	queue.sort()
	return queue
}

// reach tells how far the block has read the queues.
func (d *draft) reach() marks {
	m := mark{d.shard, d.ref, d.startLT, lastHash}
	if d.last != nil && (len(d.inbound) > 0 || d.last.lt() > d.startLT) {
		m.lt, m.hash = d.last.lt(), d.last.cell.HashKey()
	} else if len(d.inbound) > 0 {
		return d.marks // not one message fitted
	}
	return d.marks.with(m)
}

// tickTock runs the contracts that a masterchain block begins and ends with.
func (d *draft) tickTock(tock bool) error {
	if d.shard.workchain != masterchainID {
		return nil
	}
	for _, id := range d.rules.special {
		t, err := d.touch(id)
		if err != nil {
			return err
		}
		if !t.active() || t.account.State().StateInit.TickTock == nil {
			continue
		}
		if flags := t.account.State().StateInit.TickTock; tock && !flags.Tock || !tock && !flags.Tick {
			continue
		}
		result, err := d.machine.EmulateTickTockTransaction(d.context, t.account, tock, d.options(t))
		if err != nil {
			return fmt.Errorf("tick-tock of %x: %w", id, err)
		}
		if result.TransactionCell == nil {
			continue
		}
		if err = d.take(id, t, result, noRoot); err != nil {
			return err
		}
	}
	return nil
}
