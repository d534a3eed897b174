package ledger

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// A client that answers signs paid at least this often; else nothing more is admitted.
const (
	maxUnpaid    = 64
	maxUnpaidAge = 10 // seconds
)

// Request is what a client asks to have admitted.
type Request struct {
	ID      ID             `json:"id"`
	Channel cocoon.Account `json:"channel"`
	Route   Key            `json:"route"` // SHA-256 of the route, which the receipt names
	Size    bound.Size     `json:"size"`
	Price   cocoon.Price   `json:"price"` // the dearest of all candidates, part by part
}

// Admit reserves the first slice of r where (1) allows it, with cover if that is
// newer. Without enough of it the error is a NeedError; a request that may come
// later is Unreachable; errors.go has the other reasons.
func (l *Ledger) Admit(session uint64, r Request, cover *voucher.Signed) error {
	reserve, err := r.Size.Reserve(r.Price, bound.Slice)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c, err := l.writer(r.Channel, session)
	if err != nil {
		return err
	}
	if cover != nil {
		if err = l.hold(c, *cover); err != nil {
			return err
		}
	}
	if l.state.requests[r.ID] != nil || l.state.answered(r.ID) {
		return refused(cocoon.Conflict, ErrTwice, "request %x", r.ID)
	}
	if err = l.serves(c); err == nil {
		err = l.room(c, reserve, cocoon.Nano{})
	}
	if err != nil {
		return err
	}
	_, err = l.do(&admitted{Request: r, Reserve: reserve, Granted: min(bound.Slice, r.Size.MaxOut), At: l.now()})
	return err
}

// serves reports why nothing more is served under c now.
func (l *Ledger) serves(c *channel) error {
	account, lag := c.Facts.Account, l.cfg.Now().Sub(l.head)
	switch {
	case c.Facts.Closed || c.Retired || c.Facts.ClosesAt != 0:
		return cocoon.WithHint(refused(cocoon.Conflict, ErrClosing, "channel %s", account), "open another")
	case lag > maxLag:
		return refused(cocoon.Unreachable, ErrLag, "its newest block is %s old", lag)
	case c.unpaid > maxUnpaid && l.now()-c.unpaidFrom > maxUnpaidAge:
		return cocoon.WithHint(refused(cocoon.NoMoney, ErrUnpaid, "%d answers since the last voucher over agreed usage", c.unpaid), "sign one over %s", c.Agreed)
	}
	return l.solvent(c)
}

// solvent reports that more is owed to providers than may be promised. More
// cover helps, so a voucher that waits is looked at first.
func (l *Ledger) solvent(c *channel) error {
	payable, _ := l.state.unopened()
	if payable.Cmp(l.state.limit()) > 0 {
		if err := l.verify(c); err != nil {
			return err
		}
	}
	if l.state.Facts.Number == 0 {
		return refused(cocoon.Unreachable, ErrLag, "the rewards contract has not been read yet")
	}
	if limit := l.state.limit(); payable.Cmp(limit) > 0 {
		return cocoon.WithHint(refused(cocoon.Unreachable, ErrStopped, "%s are owed to providers, of %s", payable, limit), "settle channels, or fund the pot")
	}
	return nil
}

// room reports why c has none for more of reserve, of which a request has own
// already: the cover that is wanted, or what the client could still dispute.
func (l *Ledger) room(c *channel, more, own cocoon.Nano) error {
	others := c.reserved.Minus(own)
	allowance, err := bound.Allowance(l.cfg.Free, c.Agreed)
	if err != nil {
		return err
	}
	if c.Disputed.Cmp(allowance) > 0 {
		return refused(cocoon.Forbidden, ErrDisputed, "channel %s: %s of %s", c.Facts.Account, c.Disputed, c.Agreed)
	}
	if exposed := c.Disputed.Plus(others); exposed.Cmp(allowance) > 0 && !l.lends(c, exposed.Minus(allowance)) {
		return cocoon.WithHint(refused(cocoon.Unreachable, ErrBusy, "channel %s: %s", c.Facts.Account, others), "answer what is finished: one more than %s may be open", allowance)
	}
	wanted := c.Agreed.Plus(c.reserved).Plus(more)
	if wanted.Cmp(c.Facts.Deposited) > 0 {
		return need(wanted, c.Facts.Deposited)
	}
	if wanted.Cmp(c.covered()) > 0 {
		if err := l.verify(c); err != nil {
			return err
		}
		if wanted.Cmp(c.covered()) > 0 {
			return need(wanted, c.Facts.Deposited)
		}
	}
	return nil
}

// Extend reserves tokens more for each choice of an open request, up to what it
// may say, and returns how many are reserved now.
func (l *Ledger) Extend(session uint64, id ID, tokens uint64, cover *voucher.Signed) (granted uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rq, c, err := l.opened(session, id)
	if err != nil {
		return 0, err
	}
	if cover != nil {
		if err = l.hold(c, *cover); err != nil {
			return rq.Granted, err
		}
	}
	granted = rq.Granted + min(tokens, rq.Size.MaxOut-rq.Granted)
	if rq.Receipt != nil || granted == rq.Granted {
		return rq.Granted, nil
	}
	reserve, err := rq.Size.Reserve(rq.Price, granted)
	if err == nil {
		err = l.room(c, reserve.Minus(rq.Reserve), rq.Reserve)
	}
	if err == nil {
		_, err = l.do(&extended{id, granted, reserve})
	}
	if err != nil {
		return rq.Granted, err
	}
	return granted, nil
}

// opened is an open request of a session's channel.
func (l *Ledger) opened(session uint64, id ID) (*request, *channel, error) {
	rq := l.state.requests[id]
	if rq == nil {
		return nil, nil, notOpen(id)
	}
	c, err := l.writer(rq.Channel, session)
	return rq, c, err
}

func notOpen(id ID) error { return refused(cocoon.NotFound, ErrRequest, "request %x", id) }
