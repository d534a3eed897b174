package ledger

import (
	"context"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// Unanswered is a receipt that a client has not answered. Index counts the
// receipts of a channel.
type Unanswered struct {
	Index uint64
	ID    ID
	Cost  cocoon.Nano
	Raw   []byte // as receipt.ParseUsage reads it
}

// State is what the ledger holds of a channel: what a client that forgot goes on from.
type State struct {
	Cover, Paid []byte // vouchers as they travel, nil where there is none
	Agreed      cocoon.Nano
	Reserved    cocoon.Nano
	Disputed    cocoon.Nano
	Settled     cocoon.Nano
	Deposited   cocoon.Nano
	Receipts    []Unanswered
}

// Hello begins a session of the channel's client and fences all with lower
// numbers; it returns what is held, with the unanswered receipts behind since.
// A daemon takes the time it was started at, in nanoseconds, so that no two have
// one number. That whoever speaks holds the channel key, the caller has checked.
func (l *Ledger) Hello(account cocoon.Account, session uint64, cover *voucher.Signed, since uint64) (State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.state.channels[account]
	if c == nil {
		return State{}, unknown(account)
	}
	if session == 0 || session < c.Session {
		return State{}, fenced(account)
	}
	if session > c.Session {
		if _, err := l.do(&greeted{account, session}); err != nil {
			return State{}, err
		}
	}
	l.state.see(c, l.now())
	if cover != nil {
		if err := l.hold(c, *cover); err != nil {
			return State{}, err
		}
		if err := l.verify(c); err != nil { // what the answer says of it is believed
			return State{}, err
		}
	}
	s := State{c.Cover.Raw, c.Paid.Raw, c.Agreed, c.reserved, c.Disputed, c.Facts.Settled, c.Facts.Deposited, nil}
	for _, rq := range c.answerable(since) {
		s.Receipts = append(s.Receipts, Unanswered{rq.Receipt.Index, rq.ID, rq.Receipt.Cost, rq.Receipt.Raw})
	}
	return s, nil
}

// seenEvery is how far, in seconds, what is kept of a client's presence may be behind.
const seenEvery = 60

// seen notes that the clients of channels are there.
func (s *state) seen(channels []cocoon.Account, at int64) {
	for _, account := range channels {
		if c := s.channels[account]; c != nil && at-c.Seen >= seenEvery {
			s.see(c, at)
		}
	}
}

func (s *state) see(c *channel, at int64) {
	c.Seen = at
	s.dirty.channels[c.Facts.Account] = true
}

// Keys are the keys that speak for a channel now: one, or for a while two.
func (l *Ledger) Keys(account cocoon.Account) ([]Key, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.state.channels[account]
	if c == nil {
		return nil, unknown(account)
	}
	return c.Facts.keys(l.now()), nil
}

func (f Channel) keys(now int64) []Key {
	if now < int64(f.PreviousUntil) {
		return []Key{f.Key, f.Previous}
	}
	return []Key{f.Key}
}

// Retire ends service under a channel on which nothing is open, and returns the
// final amount that the dispatcher may sign a close promise over, once that is
// durable. Doing so again returns the same. With paid its client signs for all that
// was agreed: where it has not, the error is a NeedError; while requests are open or
// unanswered it is ErrOpen.
func (l *Ledger) Retire(ctx context.Context, account cocoon.Account, session uint64, paid *voucher.Signed) (final cocoon.Nano, err error) {
	l.mu.Lock()
	final, b, err := l.retire(account, session, paid)
	l.mu.Unlock()
	if err != nil {
		return cocoon.Nano{}, err
	}
	return final, l.journal.wait(ctx, b)
}

func (l *Ledger) retire(account cocoon.Account, session uint64, paid *voucher.Signed) (final cocoon.Nano, b *batch, err error) {
	c, err := l.writer(account, session)
	if err == nil && paid != nil {
		err = l.pay(c, *paid)
	}
	switch {
	case err != nil:
		return final, nil, err
	case len(c.requests) > 0:
		return final, nil, refused(cocoon.Conflict, ErrOpen, "close channel %s: %d of them", account, len(c.requests))
	case c.Paid.Amount.Cmp(c.Agreed) < 0 && c.Facts.Settled.Cmp(c.Agreed) < 0:
		return final, nil, need(c.Agreed, c.Facts.Deposited)
	}
	b, err = l.do(&retired{account})
	return c.Agreed.Max(c.Facts.Settled), b, err
}

// writer is the channel if session may write to it.
func (l *Ledger) writer(account cocoon.Account, session uint64) (*channel, error) {
	c := l.state.channels[account]
	switch {
	case c == nil:
		return nil, unknown(account)
	case session == 0 || session != c.Session:
		return nil, fenced(account)
	}
	l.state.see(c, l.now())
	return c, nil
}

func unknown(account cocoon.Account) error {
	return cocoon.WithHint(refused(cocoon.NotFound, ErrUnknown, "channel %s", account), "open one, or wait until the index has it")
}

func fenced(account cocoon.Account) error {
	return cocoon.WithHint(refused(cocoon.Conflict, ErrFenced, "channel %s", account), "one channel has one writer: open another for another daemon")
}
