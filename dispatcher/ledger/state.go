package ledger

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// state is what the log adds up to, and the facts. What has a name in JSON is
// in the tables; the rest follows from it or may be forgotten.
type state struct {
	books
	channels map[cocoon.Account]*channel
	requests map[ID]*request
	boots    map[boot]*session
	workers  map[worker]*record
	numbers  map[uint32]*number

	closed      map[cocoon.Account]bool // channels that are and were not let go
	lent        map[cocoon.Account]bool // channels that may have more open than their allowance
	collectable cocoon.Nano             // sum of what min(durable cover, D) is above S
	unsettled   cocoon.Nano             // sum of what is owed above S
	dirty       dirty
	writing     dirty // what is on its way to the tables
}

// books are what does not belong to a channel, worker or provider.
type books struct {
	Facts  Rewards `json:"facts"`
	Number uint32  `json:"number"` // that what is owed from now on belongs to
	Opened uint32  `json:"opened"` // the highest number that ever was open
	// What disputes cost us in channels that were let go.
	Disputed cocoon.Nano `json:"disputed_nano"`
}

// channel is what there is between a client and us.
type channel struct {
	Facts    Channel     `json:"facts"`
	Session  uint64      `json:"session"` // the newest one
	Cover    promise     `json:"cover"`
	Paid     promise     `json:"paid"`          // the newest within Agreed
	Ahead    promise     `json:"ahead"`         // the newest above it
	Agreed   cocoon.Nano `json:"agreed_nano"`   // U
	Disputed cocoon.Nano `json:"disputed_nano"` // what disputes cost us
	Denied   int64       `json:"denied"`        // when one last did
	Index    uint64      `json:"index"`         // of its newest receipt
	Since    int64       `json:"since"`         // when there began to be something unsettled, 0 where there is nothing
	Seen     int64       `json:"seen"`          // when the client last spoke
	Retired  bool        `json:"retired"`       // by a close promise

	waiting     *voucher.Signed // the highest cover that nobody had to verify yet
	requests    map[ID]*request
	reserved    cocoon.Nano // R
	unanswered  cocoon.Nano // of that, receipts
	unpaid      int         // answers since the newest paid voucher
	unpaidFrom  int64
	collectable cocoon.Nano // as counted in the sum
	unsettled   cocoon.Nano
}

func newChannel(account cocoon.Account) *channel {
	return &channel{Facts: Channel{Account: account}, requests: map[ID]*request{}}
}

// promise is a verified voucher.
type promise struct {
	Amount cocoon.Nano `json:"amount_nano"`
	Key    Key         `json:"key"` // that signed it
	Raw    []byte      `json:"voucher"`
}

// request is an admitted request that is not settled with its client.
type request struct {
	Request
	Reserve cocoon.Nano `json:"reserve_nano"` // the receipt's cost once there is one
	Granted uint64      `json:"granted"`      // completion tokens of a choice that are reserved
	At      int64       `json:"at"`
	Attempt *Attempt    `json:"attempt"`
	Receipt *kept       `json:"receipt"`
}

// kept is the receipt of a request.
type kept struct {
	boot
	Number  uint32      `json:"number"`
	Raw     []byte      `json:"raw"`
	Cost    cocoon.Nano `json:"cost_nano"`
	Index   uint64      `json:"index"`   // in its channel
	Trusted bool        `json:"trusted"` // it was credited before the client answered
}

// session is how far one boot of a worker is.
type session struct {
	Ack         uint32 // the highest number below which none is missing
	Certificate []byte
	Until       int64           // after which its certificate makes nobody pay
	above       map[uint32]bool // of Ack
}

// record is a worker's day, in UTC.
type record struct {
	Day        int64       `json:"day"`
	Total      cocoon.Nano `json:"total_nano"`      // of its receipts
	Disputed   cocoon.Nano `json:"disputed_nano"`   // of that, what cost us
	Unanswered cocoon.Nano `json:"unanswered_nano"` // credited and not answered, of any day
}

// number is what is owed in one number of epoch.
type number struct {
	claims          map[cocoon.Account]*claim
	payable, earned cocoon.Nano
}

type claim struct {
	Payable, Earned cocoon.Nano
	since           int64 // when it began to owe more than is promised
}

func newState() *state {
	return &state{channels: map[cocoon.Account]*channel{}, requests: map[ID]*request{}, boots: map[boot]*session{}, workers: map[worker]*record{},
		numbers: map[uint32]*number{}, closed: map[cocoon.Account]bool{}, lent: map[cocoon.Account]bool{}, dirty: newDirty(), writing: newDirty()}
}

// refresh recounts c in the sums, and marks it to be written.
func (s *state) refresh(c *channel, at int64) {
	s.collectable, s.unsettled = s.collectable.Minus(c.collectable), s.unsettled.Minus(c.unsettled)
	c.collectable, c.unsettled = cocoon.Nano{}, cocoon.Nano{}
	if !c.Facts.Closed {
		c.unsettled = c.owed().Minus(c.Facts.Settled)
		if c.Cover.Key == c.Facts.Key || c.Cover.Key == c.Facts.Previous { // which is settled before it signs no more
			c.collectable = c.Cover.Amount.Min(c.Facts.Deposited).Minus(c.Facts.Settled)
		}
	}
	s.collectable, s.unsettled = s.collectable.Plus(c.collectable), s.unsettled.Plus(c.unsettled)
	switch {
	case c.unsettled.IsZero():
		c.Since = 0
	case c.Since == 0:
		c.Since = at
	}
	s.dirty.channels[c.Facts.Account] = true
	if c.Facts.Closed {
		s.closed[c.Facts.Account] = true
	}
}

// letGo forgets the closed channels under which nothing is open: they settle nothing
// and owe nothing any more, for ever. What one has denied of a burst counts for a day.
func (s *state) letGo(now int64) {
	for account := range s.closed {
		if c := s.channels[account]; len(c.requests) == 0 && now-c.Denied >= aDay {
			delete(s.closed, account)
			delete(s.channels, account)
			s.Disputed = s.Disputed.Plus(c.Disputed)
			s.dirty.channels[account] = true
		}
	}
}

// covered is what the newest voucher promises, if the key of now signed it.
func (c *channel) covered() cocoon.Nano {
	if c.Cover.Key != c.Facts.Key {
		return cocoon.Nano{}
	}
	return c.Cover.Amount
}

// owed is what the client used: agreed, or stated by receipts that it never answered.
func (c *channel) owed() cocoon.Nano { return c.Agreed.Plus(c.unanswered) }

// limit is what (5) lets L be: no more than the pot has and can still collect
// for providers, nor more than the pot has and the bond.
func (s *state) limit() cocoon.Nano {
	backing, err := s.Facts.Fees.Backing(s.Facts.Pot, s.Facts.Bond)
	if err != nil {
		backing = cocoon.MaxNano
	}
	return backing.Min(s.Facts.Fees.Rest(s.Facts.Pot.Plus(s.collectable)))
}

// unopened sums up what is owed, and what is promised, in numbers that are not open now.
func (s *state) unopened() (payable, earned cocoon.Nano) {
	for n, of := range s.numbers {
		if n > s.Facts.opened() {
			payable, earned = payable.Plus(of.payable), earned.Plus(of.earned)
		}
	}
	return payable, earned
}

// of is w's record for the day of at.
func (s *state) of(w worker, at int64) *record {
	r := s.workers[w]
	if r == nil {
		r = &record{}
		s.workers[w] = r
	}
	if day := at / 86_400; r.Day < day {
		*r = record{Day: day, Unanswered: r.Unanswered}
	}
	s.dirty.workers[w] = true
	return r
}

// trusts reports whether loss more may be at risk with w's word: what is disputed
// of its day and what nobody answered stay within the allowance of the day.
func (s *state) trusts(w worker, free, cost, loss cocoon.Nano, at int64) bool {
	r := s.of(w, at)
	limit, err := bound.Allowance(free, r.Total.Plus(cost))
	return err == nil && r.Disputed.Plus(r.Unanswered).Plus(loss).Cmp(limit) <= 0
}
