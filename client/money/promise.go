package money

import (
	"context"
	"errors"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// errFull says that requests that run have to end first.
var errFull = errors.New("as much is open as one dispatcher is trusted with")

// ShortError says that the channel's deposit does not reach. It is NoMoney.
type ShortError struct {
	Need    cocoon.Nano // since the channel's birth
	Deposit cocoon.Nano // as well
}

func (e *ShortError) Error() string {
	return "the channel's deposit of " + e.Deposit.String() + " since its birth does not cover " + e.Need.String()
}

// Reserve sets aside what a request may cost, and returns a voucher that covers
// it with all others. It waits until ctx ends while too many run at a time; a
// deposit that does not reach is NoMoney, with a *ShortError.
func (l *Ledger) Reserve(ctx context.Context, id stream.RequestID, route [32]byte, amount cocoon.Nano) (voucher.Signed, error) {
	if amount.Cmp(Most) > 0 {
		return voucher.Signed{}, cocoon.WithHint(cocoon.NoMoney.Errorf("the request may cost %s, one dispatcher is trusted with %s", amount, Most), "ask for fewer choices, a shorter answer or a cheaper model")
	}
	for {
		l.mu.Lock()
		cover, err := l.add(id, reserve{route, amount, l.now()})
		freed := l.freed
		l.mu.Unlock()
		if !errors.Is(err, errFull) {
			return cover, err
		}
		if werr := wait(ctx, freed); werr != nil {
			return cover, cocoon.NoMoney.Errorf("set aside %s: %w: %w", amount, err, werr)
		}
	}
}

// Extend sets aside more for a request that runs.
func (l *Ledger) Extend(id stream.RequestID, more cocoon.Nano) (voucher.Signed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.open[id]
	if !ok {
		return voucher.Signed{}, cocoon.Conflict.Errorf("request %s is not open", id)
	}
	r.amount = r.amount.Plus(more)
	cover, err := l.add(id, r)
	if errors.Is(err, errFull) {
		err = cocoon.NoMoney.Errorf("set aside %s more: %w", more, err)
	}
	return cover, err
}

// add opens a request, or replaces what it has.
func (l *Ledger) add(id stream.RequestID, r reserve) (voucher.Signed, error) {
	if _, ended := l.done[id]; ended {
		return voucher.Signed{}, cocoon.Conflict.Errorf("request %s has ended", id)
	}
	rest := l.sum.Minus(l.open[id].amount)
	l.minute.want(l.cfg.Now(), rest.Plus(r.amount))
	if err := l.raise(l.used.Plus(rest).Plus(r.amount)); err != nil {
		return voucher.Signed{}, err
	}
	rec := l.record(started)
	rec.request, rec.route, rec.amount, rec.at = id, r.route, r.amount, r.at
	if err := l.write(rec); err != nil {
		return voucher.Signed{}, err
	}
	l.put(id, r)
	return l.cover, nil
}

// Cover is a voucher over need, in all, if the bound allows it: what a dispatcher
// asks for whose books are behind ours.
func (l *Ledger) Cover(need cocoon.Nano) (voucher.Signed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.raise(need)
	if errors.Is(err, errFull) {
		err = cocoon.NoMoney.Errorf("a voucher over %s where %s are agreed: %w", need, l.used, err)
	}
	return l.cover, err
}

// raise makes cover at least need. What is signed for the first time is below a
// ceiling on disk.
func (l *Ledger) raise(need cocoon.Nano) error {
	switch {
	case l.broken != nil:
		return l.broken
	case need.Cmp(l.deposit) > 0:
		return &cocoon.Error{Kind: cocoon.NoMoney, Hint: "top the channel up", Err: &ShortError{need, l.deposit}}
	case need.Cmp(l.ceiling) > 0:
		p := l.minute.bound(l.cfg.Now())
		top := l.used.Plus(p).Min(l.deposit)
		if need.Cmp(top) > 0 {
			return errFull
		}
		if err := l.step(need.Max(l.ceiling.Plus(part(p, 4))).Min(top)); err != nil {
			return err
		}
	case need.Cmp(l.cover.Cumulative) <= 0 && l.cover.Channel == l.cfg.Channel:
		return nil
	}
	return l.sign(&l.cover, l.ceiling.Min(l.deposit))
}

// step raises the ceiling, on disk.
func (l *Ledger) step(to cocoon.Nano) error {
	rec := l.record(stepped)
	rec.ceiling = to
	if err := l.write(rec); err != nil {
		return err
	}
	if err := l.journal.sync(l.journal.written.Load()); err != nil {
		l.broken = err
		return err
	}
	l.ceiling = to
	return nil
}

func (l *Ledger) sign(v *voucher.Signed, amount cocoon.Nano) error {
	signed, err := voucher.Voucher{GlobalID: l.cfg.GlobalID, Channel: l.cfg.Channel, Cumulative: amount}.Sign(l.cfg.Key)
	if err == nil {
		*v = signed
	}
	return err
}

// write adds a record; after a failure nobody knows what the file holds.
func (l *Ledger) write(rec record) error {
	if l.broken != nil {
		return l.broken
	}
	err := l.journal.append(rec)
	if err != nil {
		l.broken = cocoon.WithHint(err, "is the disk full? Nothing is signed for channel %s until the daemon was started again", l.cfg.Channel)
		return l.broken
	}
	return nil
}
