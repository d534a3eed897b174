package ledger

import (
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
)

// maxLag is how old the newest indexed block may be while requests are admitted.
const maxLag = 30 * time.Second

// Channel is what the chain says of a channel that pays us. Times are its unix seconds.
type Channel struct {
	Account       cocoon.Account `json:"account"`
	Key           Key            `json:"key"` // signs vouchers
	Previous      Key            `json:"previous_key"`
	PreviousUntil uint32         `json:"previous_until"` // first second at which Previous does not sign any more
	Deposited     cocoon.Nano    `json:"deposited_nano"` // as the contract can pay it: settled and free, its rent left out
	Settled       cocoon.Nano    `json:"settled_nano"`
	CloseDelay    uint32         `json:"close_delay"` // seconds
	ClosesAt      uint32         `json:"closes_at"`   // 0 until the client asks
	Closed        bool           `json:"closed"`
}

// Rewards is what the chain says of our rewards contract.
type Rewards struct {
	Number  uint32      `json:"number"`  // of the epoch that is pending or comes next
	Pending bool        `json:"pending"` // it was opened, and has neither passed nor failed
	Pot     cocoon.Nano `json:"pot_nano"`
	Bond    cocoon.Nano `json:"bond_nano"` // what is unbonding left out
	Fees    bound.Fees  `json:"fees_bps"`
}

// opened is the highest number that is open or has passed.
func (r Rewards) opened() uint32 {
	if r.Pending {
		return r.Number
	}
	return max(r.Number, 1) - 1
}

// SetIndex says that all facts of blocks up to at, which is chain time, were told.
// The first time clients begin to be silent: who was down itself heard nobody.
func (l *Ledger) SetIndex(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head.IsZero() {
		for _, c := range l.state.channels {
			l.state.see(c, l.now())
		}
	}
	l.head = at
}

// SetChannel tells what the chain says of a channel now. What was settled above
// agreed usage settles the receipts that the client never answered; those that a
// closed channel no longer pays are the dispatcher's loss.
func (l *Ledger) SetChannel(facts Channel) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.state.channels[facts.Account]
	if c == nil {
		c = newChannel(facts.Account)
		c.Seen = l.now()
		l.state.channels[facts.Account] = c
	}
	if facts.Key != c.Facts.Key {
		c.waiting = nil // the key that it was to be verified under is gone
	}
	if facts.Settled != c.Facts.Settled {
		c.Since = 0 // what is unsettled now is as old as this settlement
	}
	c.Facts = facts
	l.state.refresh(c, l.now())
	return l.lapse(c)
}

// lapse takes as agreed what was settled without an answer, the oldest first.
func (l *Ledger) lapse(c *channel) error {
	if c.Facts.Settled.Cmp(c.Agreed) <= 0 && !c.Facts.Closed {
		return nil
	}
	for _, rq := range c.answerable(0) {
		paid := c.Facts.Settled.Minus(c.Agreed)
		if paid.Cmp(rq.Receipt.Cost) < 0 && !c.Facts.Closed {
			return nil
		}
		if err := l.answer(rq, rq.Receipt.Cost.Min(paid), true); err != nil {
			return err
		}
	}
	return nil
}

// SetRewards tells what the chain says of the rewards contract now. What the pot
// has is settled: tell of the channels first, or it counts twice for a while.
func (l *Ledger) SetRewards(facts Rewards) error {
	if err := facts.Fees.Validate(); err != nil {
		return err
	}
	if facts.Number == 0 {
		return cocoon.Invalid.Errorf("epochs are numbered from 1")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.state
	s.Facts, s.Opened = facts, max(s.Opened, facts.opened())
	if s.Number <= s.Opened {
		if _, err := l.do(&numbered{s.Opened + 1, true}); err != nil {
			return err
		}
	}
	for n := range s.numbers {
		if n < facts.Number {
			delete(s.numbers, n) // it passed: the tables keep it
		}
	}
	return nil
}

// answerable are the requests with a receipt behind since that nobody answered, in its order.
func (c *channel) answerable(since uint64) (all []*request) {
	for _, rq := range c.requests {
		if rq.Receipt != nil && rq.Receipt.Index > since {
			all = append(all, rq)
		}
	}
	slices.SortFunc(all, func(a, b *request) int { return int(a.Receipt.Index) - int(b.Receipt.Index) })
	return all
}
