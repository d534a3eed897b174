package audit

import (
	"errors"
	"fmt"
)

// checkInbound is what in_msg_descr must keep whatever was before the block:
// each record has its transaction and its counterpart among out messages, each
// transaction that a message caused has its record (check_in_msg of the
// reference node).
func (b *block) checkInbound() error {
	for _, r := range b.in {
		if err := b.checkIn(r); err != nil {
			return fmt.Errorf("%s of message %x: %w", r.tag, r.msg.hash, err)
		}
	}
	for _, tx := range b.txs {
		if tx.in == nil {
			if b.master == nil {
				return fmt.Errorf("transaction %d of account %x has no message to process", tx.lt, tx.account)
			}
			continue // tick and tock
		}
		r := b.in[tx.in.hash]
		if r == nil || r.tx == nil || *r.tx != tx.hash {
			return fmt.Errorf("message %x of transaction %d of account %x is not in in_msg_descr", tx.in.hash, tx.lt, tx.account)
		}
	}
	return nil
}

func (b *block) checkIn(r *inbound) error {
	if r.tx != nil {
		if err := b.checkProcessing(r); err != nil {
			return err
		}
	}
	if r.tag == importExt {
		if r.msg.kind != externalIn {
			return errors.New("the message does not come from outside")
		}
		return nil
	}
	if err := b.checkHop(r); err != nil {
		return err
	}
	if r.tx != nil && r.fee.Cmp(r.env.fee) != 0 {
		return fmt.Errorf("it collects %s nanoTON, the envelope has %s", r.fee, r.env.fee)
	}
	switch r.tag {
	case importImm:
		return b.checkImmediate(r)
	case importFin:
		if b.shard.contains(r.env.at()) {
			return b.checkCounterpart(r, exportDeqImm)
		}
	case importTr:
		if b.shard.contains(r.env.at()) {
			return b.checkTransit(r, exportTrReq)
		}
		return b.checkTransit(r, exportTr)
	case importDeferredTr:
		return b.checkTransit(r, exportDeferredTr)
	}
	return nil
}

// checkProcessing: the transaction is of this block, of the message's
// destination, and later than the message.
func (b *block) checkProcessing(r *inbound) error {
	tx := b.txs[*r.tx]
	switch {
	case tx == nil:
		return fmt.Errorf("its transaction %x is not in the block", *r.tx)
	case tx.in == nil || tx.in.hash != r.msg.hash:
		return fmt.Errorf("transaction %d processes another message", tx.lt)
	case r.msg.to != address{b.shard.workchain, tx.account}:
		return fmt.Errorf("it goes to %s, account %x processed it", r.msg.to, tx.account)
	case !b.shard.contains(r.msg.toAt):
		return fmt.Errorf("its destination %s is out of shard %s", r.msg.to, b.shard)
	case tx.lt <= r.msg.lt:
		return fmt.Errorf("created at %d, processed at %d", r.msg.lt, tx.lt)
	}
	return nil
}

// checkHop: the message came nearer to its destination, and into this shard.
func (b *block) checkHop(r *inbound) error {
	at, next, to := r.env.at(), r.env.nextAt(), r.msg.toAt
	deferred := r.tag == importDeferredFin || r.tag == importDeferredTr
	switch {
	case nearness(next, to) < nearness(at, to):
		return fmt.Errorf("from %s to %s it goes away from %s", at, next, to)
	case !b.shard.contains(next):
		return fmt.Errorf("its next place %s is out of shard %s", next, b.shard)
	case deferred && next != at, !deferred && next == at && at != to:
		return fmt.Errorf("it stands still at %s", at)
	case r.tx == nil && r.tag != importDeferredTr && b.shard.contains(to):
		return errors.New("it has arrived and is not processed")
	case r.env.fee.Cmp(r.msg.fees) > 0:
		return fmt.Errorf("its envelope has %s nanoTON of fees, the message had %s", r.env.fee, r.msg.fees)
	}
	return nil
}

func (b *block) checkImmediate(r *inbound) error {
	if r.env.at() != r.msg.toAt || !b.shard.contains(r.msg.fromAt) {
		return fmt.Errorf("a message from %s at %s cannot have been made here", r.msg.from, r.env.at())
	}
	if b.special(r) {
		return nil
	}
	return b.checkCounterpart(r, exportImm)
}

// special messages bring recovered fees and minted coins; nobody sent them.
func (b *block) special(r *inbound) bool {
	return b.master != nil && (b.master.recover != nil && *b.master.recover == r.cell || b.master.mint != nil && *b.master.mint == r.cell)
}

// checkCounterpart: the out message of the same name refers to this very record.
func (b *block) checkCounterpart(r *inbound, want outTag) error {
	o := b.out[r.msg.hash]
	switch {
	case o == nil || o.tag != want:
		return fmt.Errorf("there is no %s to it", want)
	case o.imported == nil || o.imported.cell != r.cell:
		return fmt.Errorf("its %s refers to another record", want)
	case r.out == nil && o.envelope != r.env.hash:
		return fmt.Errorf("its %s has another envelope", want)
	case r.out != nil && o.envelope != r.out.hash:
		return fmt.Errorf("its %s has another envelope than it went on with", want)
	}
	return nil
}

// checkTransit: what passes through goes on by the rules of routing, with its fee
// less the part collected.
func (b *block) checkTransit(r *inbound, want outTag) error {
	if err := b.checkCounterpart(r, want); err != nil {
		return err
	}
	if r.out.msg.hash != r.msg.hash {
		return errors.New("it goes on as another message")
	}
	from := r.env.nextAt()
	cur, next, err := route(from, r.msg.toAt, b.shard)
	if err != nil {
		return err
	}
	if r.out.cur != cur || r.out.next != next {
		return fmt.Errorf("it goes on by (%d,%d), the route is (%d,%d)", r.out.cur, r.out.next, cur, next)
	}
	if !coins(r.out.fee).plus(coins(r.fee)).equal(coins(r.env.fee)) {
		return fmt.Errorf("of %s nanoTON of fees %s are collected and %s go on", r.env.fee, r.fee, r.out.fee)
	}
	if r.tag == importTr && r.out.emitted != r.env.emitted {
		return errors.New("its emitted_lt changes on the way")
	}
	return nil
}

// checkImports looks up what came from neighbours in their queues, where it must
// lie just so, not yet taken by an earlier block of this shard.
func (t *step) checkImports() error {
	for _, r := range t.block.in {
		if r.tag == importDeferredFin || r.tag == importDeferredTr {
			return errDeferred
		}
		if r.tag != importFin && r.tag != importTr {
			continue
		}
		if err := t.checkImport(r); err != nil {
			return fmt.Errorf("%s of message %x: %w", r.tag, r.msg.hash, err)
		}
	}
	return nil
}

func (t *step) checkImport(r *inbound) error {
	for _, n := range t.neighbours {
		if !n.shard.contains(r.env.at()) {
			continue
		}
		e, ok := n.queue[r.env.key()]
		switch {
		case !ok:
			return fmt.Errorf("it is not in the queue of %s", n.shard)
		case e.hash != r.env.hash:
			return fmt.Errorf("it has another envelope in the queue of %s", n.shard)
		case t.taken(t.before.processed, e):
			return errors.New("an earlier block has taken it")
		}
		return t.checkTransitFee(r)
	}
	return fmt.Errorf("no neighbour is at %s", r.env.at())
}

func (t *step) checkTransitFee(r *inbound) error {
	if r.tag != importTr {
		return nil
	}
	want, err := t.reference.config.transitFee(t.block.shard, r.env.fee)
	if err == nil && want.Cmp(r.fee) != 0 {
		return fmt.Errorf("it collects %s nanoTON in transit, the price is %s", r.fee, want)
	}
	return err
}
