package ledger

import (
	"context"
	"errors"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// OK agrees to what the receipt of a request says it cost. An answer given before
// changes nothing.
func (l *Ledger) OK(ctx context.Context, session uint64, id ID, cost cocoon.Nano) error {
	return l.answers(ctx, session, id, func(rq *request) (cocoon.Nano, error) {
		if cost != rq.Receipt.Cost {
			return cost, cocoon.WithHint(cocoon.Invalid.Errorf("agree on request %x: its receipt says %s, not %s", id, rq.Receipt.Cost, cost), "dispute it with your own count")
		}
		return cost, nil
	})
}

// Dispute answers with the client's own count of what it received, and what it pays
// for that: it may have set aside less, or have answered before with less. It is
// charged no more than that, its count at the receipt's price, and the receipt.
func (l *Ledger) Dispute(ctx context.Context, session uint64, id ID, own cocoon.Usage, pays cocoon.Nano) error {
	return l.answers(ctx, session, id, func(rq *request) (cocoon.Nano, error) {
		u, err := receipt.ParseUsage(rq.Receipt.Raw)
		if err != nil {
			return cocoon.Nano{}, err
		}
		cost, err := u.Content.Price.Cost(own)
		if err != nil {
			return cost, cocoon.Invalid.Errorf("dispute request %x: %w", id, err)
		}
		return pays.Min(cost.Min(rq.Receipt.Cost)), nil
	})
}

func (l *Ledger) answers(ctx context.Context, session uint64, id ID, price func(*request) (cocoon.Nano, error)) error {
	l.mu.Lock()
	known, err := l.respond(session, id, price)
	l.mu.Unlock()
	if known || !errors.Is(err, ErrRequest) {
		return err
	}
	if known, failed := l.store.answered(ctx, id); failed != nil || known { // long ago
		return failed
	}
	return err
}

// respond answers an open request, and reports whether it was answered just before.
func (l *Ledger) respond(session uint64, id ID, price func(*request) (cocoon.Nano, error)) (known bool, err error) {
	if l.state.answered(id) {
		return true, nil
	}
	rq, _, err := l.opened(session, id)
	if err != nil {
		return false, err
	}
	if rq.Receipt == nil {
		return false, cocoon.WithHint(cocoon.Conflict.Errorf("answer request %x: it has no receipt", id), "wait for it")
	}
	cost, err := price(rq)
	if err != nil {
		return false, err
	}
	return false, l.answer(rq, cost, l.stands(rq, cost))
}

// Pay keeps a channel's voucher over what its client has agreed to so far.
func (l *Ledger) Pay(session uint64, v voucher.Signed) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, err := l.writer(v.Channel, session)
	if err == nil {
		err = l.pay(c, v)
	}
	return err
}

// stands reports whether the worker's word still does where the client says that
// it was cost: the receipt is paid, and what is disputed is our loss.
func (l *Ledger) stands(rq *request, cost cocoon.Nano) bool {
	r := rq.Receipt
	return r.Trusted || l.state.trusts(r.worker, l.cfg.Free, cocoon.Nano{}, r.Cost.Minus(cost), l.now())
}

// answer settles rq at cost, and with its provider as well, unless that was paid already.
func (l *Ledger) answer(rq *request, cost cocoon.Nano, stands bool) error {
	a, r := &answered{ID: rq.ID, Cost: cost, At: l.now()}, rq.Receipt
	owed := cost
	if stands {
		owed, a.Loss = r.Cost, r.Cost.Minus(cost)
	}
	if !r.Trusted {
		a.Credit = l.state.Facts.Fees.Rest(owed)
	}
	_, err := l.do(a)
	return err
}
