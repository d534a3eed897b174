package ledger

import (
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
)

// Reason is why a channel is to be settled.
type Reason string

// The reasons, the most urgent first.
const (
	Leaving Reason = "leaving" // the channel closes, or the key that signed for it soon signs no more
	Exposed Reason = "exposed" // more than half of the bond is unsettled, or nothing more may be promised
	Old     Reason = "old"     // it is worth the fee, and an hour old
)

// Settlement is a channel to be settled, and the voucher to do it with.
type Settlement struct {
	Channel cocoon.Account
	Voucher []byte      // as voucher.Parse reads it
	Amount  cocoon.Nano // that it brings
	Cover   bool        // it is the client's cover, since the client is silent or leaving
	Reason  Reason
}

// Due lists what (6) wants settled now, dearest first. It does not know what is
// on its way: a channel stays due until SetChannel tells that it was settled. The
// clients of present are connected, and not silent though they ask for nothing: who
// that is counts at the moment of now, since a chain that stood still jumps.
func (l *Ledger) Due(now time.Time, present []cocoon.Account) ([]Settlement, error) {
	worth, err := bound.Worth(l.cfg.Fee)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.seen(present, now.Unix())
	var due, rest []Settlement
	for _, c := range l.state.channels {
		s := c.settlement(now.Unix())
		if s.Amount.IsZero() {
			continue
		}
		switch age := now.Unix() - c.Since; {
		case c.lastCall(now.Unix()):
			s.Reason = Leaving
			due = append(due, s)
		case age >= int64(bound.Aged/time.Second) && c.owed().Minus(c.Facts.Settled).Cmp(worth) >= 0:
			s.Reason = Old
			due = append(due, s)
		case s.Amount.Cmp(l.cfg.Fee) > 0:
			s.Reason = Exposed
			rest = append(rest, s)
		}
	}
	due = append(due, l.exposed(due, rest)...)
	slices.SortFunc(due, dearest)
	return due, nil
}

func dearest(a, b Settlement) int { return b.Amount.Cmp(a.Amount) }

// exposed are those of rest that bring what is unsettled to a quarter of the
// bond, if it is above half: or all, where no more may be promised or paid.
func (l *Ledger) exposed(due, rest []Settlement) []Settlement {
	s := l.state
	payable, _ := s.unopened()
	all := !payable.IsZero() && payable.Cmp(s.limit()) >= 0
	if !all && s.unsettled.Plus(s.unsettled).Cmp(s.Facts.Bond) <= 0 {
		return nil
	}
	left := s.unsettled
	for _, d := range due {
		left = left.Minus(d.Amount)
	}
	slices.SortFunc(rest, dearest)
	for i, r := range rest {
		if four := left.Plus(left).Plus(left.Plus(left)); !all && four.Cmp(s.Facts.Bond) <= 0 {
			return rest[:i]
		}
		left = left.Minus(r.Amount)
	}
	return rest
}

// settlement is what c can be settled with now: paid, or cover where the client
// is silent or leaving and owes more than that.
func (c *channel) settlement(now int64) Settlement {
	p, cover := c.Paid, false
	if silent := now-c.Seen >= int64(bound.Silent/time.Second); silent || c.leaving() {
		if c.owed().Cmp(c.Paid.Amount) > 0 && c.Cover.Amount.Cmp(c.Paid.Amount) > 0 {
			p, cover = c.Cover, true
		}
	}
	if c.Facts.Closed || !slices.Contains(c.Facts.keys(now), p.Key) {
		return Settlement{}
	}
	amount := p.Amount.Min(c.Facts.Deposited).Minus(c.Facts.Settled)
	return Settlement{Channel: c.Facts.Account, Voucher: p.Raw, Amount: amount, Cover: cover}
}

// leaving reports whether what c promised cannot be settled for ever.
func (c *channel) leaving() bool {
	return c.Facts.ClosesAt != 0 || c.Cover.Raw != nil && c.Cover.Key != c.Facts.Key
}

// lastCall reports whether a channel that is leaving is to be settled now: when
// nothing is open any more, or in time to be settled half a close delay before
// the end.
func (c *channel) lastCall(now int64) bool {
	if !c.leaving() {
		return false
	}
	end := int64(c.Facts.ClosesAt)
	if until := int64(c.Facts.PreviousUntil); end == 0 || c.Cover.Key != c.Facts.Key && until < end {
		end = until
	}
	return len(c.answerable(0)) == len(c.requests) || now >= end-int64(c.Facts.CloseDelay)*3/4
}
