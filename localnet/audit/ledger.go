package audit

import (
	"fmt"
)

// ledger follows every internal message over the whole chain.
type ledger struct {
	pending map[hash]*message
	last    map[pair]uint64 // created_lt of the newest message delivered
}

// pair is who sends to whom.
type pair struct{ from, to address }

func newLedger() ledger { return ledger{map[hash]*message{}, map[pair]uint64{}} }

// checkDelivery enters what was sent and strikes out what was delivered: nothing
// is delivered that was not sent, nothing twice.
func (t *step) checkDelivery() error {
	for _, tx := range t.block.txs {
		for _, m := range tx.out {
			if m.kind != internal {
				continue
			}
			if t.ledger.pending[m.hash] != nil {
				return fmt.Errorf("message %x from %s was sent before", m.hash, m.from)
			}
			t.ledger.pending[m.hash] = m
		}
	}
	for h, r := range t.block.in {
		if r.tx == nil || r.msg.kind != internal || t.block.special(r) {
			continue
		}
		if t.ledger.pending[h] == nil {
			return fmt.Errorf("message %x from %s to %s was not sent, or was delivered before", h, r.msg.from, r.msg.to)
		}
		delete(t.ledger.pending, h)
	}
	return nil
}

// checkOrder: of two messages from one account to another, the one sent first is
// processed first.
func (t *step) checkOrder() error {
	for _, a := range t.block.accounts {
		for _, tx := range a.txs {
			if tx.in == nil || tx.in.kind != internal {
				continue
			}
			p := pair{tx.in.from, tx.in.to}
			if last := t.ledger.last[p]; tx.in.lt <= last {
				return fmt.Errorf("message %x, created at %d, arrives at %s after one created at %d", tx.in.hash, tx.in.lt, p.to, last)
			}
			t.ledger.last[p] = tx.in.lt
		}
	}
	return nil
}

// settle looks for every undelivered message in the queues, as a masterchain block
// finds them. It must lie in exactly one; what lies in a queue though the next
// shard has taken it only waits to be taken out.
func (l ledger) settle(t *step) error {
	waiting := map[hash]shard{}
	states := []*state{t.after}
	for _, head := range t.heads {
		states = append(states, head.state)
	}
	for _, st := range states {
		for k, e := range st.queue {
			if isTaken(t, states, e) {
				continue
			}
			if other, twice := waiting[k.msg]; twice {
				return fmt.Errorf("message %x waits in the queues of both %s and %s", k.msg, other, st.shard)
			}
			if l.pending[k.msg] == nil {
				return fmt.Errorf("message %x waits in the queue of %s, though it was delivered or never sent", k.msg, st.shard)
			}
			waiting[k.msg] = st.shard
		}
	}
	for h, m := range l.pending {
		if _, ok := waiting[h]; !ok {
			return fmt.Errorf("message %x from %s to %s, created at %d, was not delivered and waits nowhere", h, m.from, m.to, m.lt)
		}
	}
	return nil
}

func isTaken(t *step, states []*state, e enqueued) bool {
	for _, st := range states {
		if t.taken(st.processed, e) {
			return true
		}
	}
	return false
}
