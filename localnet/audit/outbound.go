package audit

import (
	"errors"
	"fmt"
)

// checkOutbound is what out_msg_descr must keep whatever was before the block
// (check_out_msg of the reference node).
func (b *block) checkOutbound() error {
	for h, r := range b.out {
		if err := b.checkOut(h, r); err != nil {
			return fmt.Errorf("%s of message %x: %w", r.tag, h, err)
		}
	}
	for _, tx := range b.txs {
		for _, m := range tx.out {
			r := b.out[m.hash]
			if r == nil || r.tx == nil || *r.tx != tx.hash {
				return fmt.Errorf("message %x of transaction %d of account %x is not in out_msg_descr", m.hash, tx.lt, tx.account)
			}
		}
	}
	return nil
}

func (b *block) checkOut(h hash, r *outbound) error {
	if r.tag == exportDeqShort {
		return nil // it carries hashes only; the queue must know them
	}
	if r.tx != nil {
		if err := b.checkSending(r); err != nil {
			return err
		}
	}
	if r.tag == exportExt {
		if r.msg.kind != externalOut {
			return errors.New("the message does not go outside")
		}
		return nil
	}
	if r.env.fee.Cmp(r.msg.fees) > 0 {
		return fmt.Errorf("its envelope has %s nanoTON of fees, the message had %s", r.env.fee, r.msg.fees)
	}
	if r.tag == exportNewDefer {
		if r.env.cur != 0 || r.env.next != 0 {
			return errors.New("a deferred message is on its way already")
		}
		return nil
	}
	if err := b.checkPlaces(r); err != nil {
		return err
	}
	if r.imported != nil {
		return b.checkReimport(h, r)
	}
	return nil
}

// checkSending: a transaction of this block, of the message's source, sent it.
func (b *block) checkSending(r *outbound) error {
	tx := b.txs[*r.tx]
	if tx == nil {
		return fmt.Errorf("its transaction %x is not in the block", *r.tx)
	}
	if r.msg.from != (address{b.shard.workchain, tx.account}) {
		return fmt.Errorf("it comes from %s, account %x sent it", r.msg.from, tx.account)
	}
	for i, m := range tx.out {
		if m.hash == r.msg.hash {
			if m.lt != tx.lt+uint64(i)+1 {
				return fmt.Errorf("out message %d of transaction %d was created at %d", i, tx.lt, m.lt)
			}
			return nil
		}
	}
	return fmt.Errorf("transaction %d did not send it", tx.lt)
}

// checkPlaces: the message is in this shard, and on its way by the rules of routing.
func (b *block) checkPlaces(r *outbound) error {
	at, next, to := r.env.at(), r.env.nextAt(), r.msg.toAt
	switch {
	case nearness(next, to) < nearness(at, to):
		return fmt.Errorf("from %s to %s it goes away from %s", at, next, to)
	case !b.shard.contains(at):
		return fmt.Errorf("it is at %s, out of shard %s", at, b.shard)
	case next == at && at != to:
		return fmt.Errorf("it stands still at %s", at)
	}
	switch r.tag {
	case exportImm:
		if r.env.cur != 96 || r.env.next != 96 || !b.shard.contains(to) {
			return fmt.Errorf("it was delivered at once, its way is (%d,%d) to %s", r.env.cur, r.env.next, to)
		}
	case exportNew, exportDeferredTr:
		cur, next, err := route(r.msg.fromAt, to, b.shard)
		if err != nil {
			return err
		}
		if r.env.cur != cur || r.env.next != next {
			return fmt.Errorf("its way is (%d,%d), the route is (%d,%d)", r.env.cur, r.env.next, cur, next)
		}
	}
	if r.tag == exportNew && (r.env.deferred || r.env.fee.Cmp(r.msg.fees) != 0) {
		return errors.New("a new message has all its fees and no emitted_lt")
	}
	return nil
}

// reimports are the kinds of InMsg that these kinds of OutMsg refer to.
var reimports = map[outTag]inTag{exportImm: importImm, exportTr: importTr, exportTrReq: importTr, exportDeqImm: importFin, exportDeferredTr: importDeferredTr}

func (b *block) checkReimport(h hash, r *outbound) error {
	in := b.in[h]
	switch {
	case in == nil || in.cell != r.imported.cell:
		return errors.New("the record of its import is not in in_msg_descr")
	case in.tag != reimports[r.tag]:
		return fmt.Errorf("it refers to a %s", in.tag)
	case r.tag == exportTr && b.shard.contains(in.env.at()):
		return errors.New("it came from this shard, which msg_export_tr_req tells")
	case r.tag == exportTrReq && !b.shard.contains(in.env.at()):
		return errors.New("it did not come from this shard")
	case r.tag == exportImm && r.env.fee.Cmp(r.msg.fees) != 0:
		return errors.New("a message delivered at once has all its fees")
	}
	return nil
}
