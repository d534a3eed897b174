package ledger

import "github.com/cocoon-network/cocoon"

// channel is the channel of account, whether or not its facts were told yet.
func (s *state) channel(account cocoon.Account) *channel {
	c := s.channels[account]
	if c == nil {
		c = newChannel(account)
		s.channels[account] = c
	}
	return c
}

func (g *greeted) apply(s *state) {
	c := s.channel(g.Channel)
	c.Session = g.Session
	s.dirty.channels[g.Channel] = true
}

func (v *covered) apply(s *state) {
	c := s.channel(v.Channel)
	c.cover(v.Promise)
	s.refresh(c, v.At)
}

// cover keeps the newest voucher. Where the key is another, one that covers all
// that is used and reserved replaces a higher one by the key that soon signs no more.
func (c *channel) cover(p promise) {
	if p.Amount.Cmp(c.Cover.Amount) > 0 || p.Key != c.Cover.Key && p.Key == c.Facts.Key && p.Amount.Cmp(c.Agreed.Plus(c.reserved)) >= 0 {
		c.Cover = p
	}
}

func (v *paid) apply(s *state) {
	c := s.channel(v.Channel)
	c.cover(v.Promise)
	if v.Promise.Amount.Cmp(c.Agreed) > 0 {
		c.Ahead = v.Promise
	} else {
		c.pay(v.Promise, v.At)
	}
	s.refresh(c, v.At)
}

func (c *channel) pay(p promise, at int64) {
	if p.Amount.Cmp(c.Paid.Amount) >= 0 {
		c.Paid, c.unpaid, c.unpaidFrom = p, 0, at
	}
}

func (a *admitted) apply(s *state) {
	rq := request(*a)
	s.adopt(&rq)
	s.dirty.requests[rq.ID] = true
}

// adopt counts rq among what is open.
func (s *state) adopt(rq *request) {
	c := s.channel(rq.Channel)
	s.requests[rq.ID], c.requests[rq.ID] = rq, rq
	c.reserved = c.reserved.Plus(rq.Reserve)
	if rq.Receipt != nil {
		c.unanswered = c.unanswered.Plus(rq.Receipt.Cost)
	}
}

// drop takes rq out of what is open.
func (s *state) drop(rq *request) *channel {
	c := s.channel(rq.Channel)
	delete(s.requests, rq.ID)
	delete(c.requests, rq.ID)
	c.reserved = c.reserved.Minus(rq.Reserve)
	if rq.Receipt != nil {
		c.unanswered = c.unanswered.Minus(rq.Receipt.Cost)
	}
	s.dirty.requests[rq.ID] = true
	return c
}

// change lets f change rq, if it is still open.
func (s *state) change(id ID, f func(rq *request)) {
	if rq := s.requests[id]; rq != nil {
		s.drop(rq)
		f(rq)
		s.adopt(rq)
	}
}

func (e *extended) apply(s *state) {
	s.change(e.ID, func(rq *request) { rq.Granted, rq.Reserve = e.Granted, e.Reserve })
}

func (a *assigned) apply(s *state) {
	s.change(a.ID, func(rq *request) { rq.Attempt = &a.Attempt })
}

func (r *released) apply(s *state) {
	if rq := s.requests[r.ID]; rq != nil {
		s.drop(rq)
	}
}

func (c *committed) apply(s *state) {
	s.count(c)
	s.dirty.receipts[receiptKey{c.boot, c.Number}] = &receiptRow{Request: c.Request, Raw: c.Raw, Void: c.Void, At: c.At}
	if c.Void != "" {
		if rq := s.requests[c.Request]; rq != nil && c.Ends {
			s.drop(rq)
			s.agree(c.Request, receiptKey{c.boot, c.Number}, cocoon.Nano{})
		}
		return
	}
	s.change(c.Request, func(rq *request) {
		ch := s.channel(rq.Channel)
		ch.Index++
		rq.Reserve, rq.Receipt = c.Cost, &kept{c.boot, c.Number, c.Raw, c.Cost, ch.Index, c.Trusted}
	})
	if rq := s.requests[c.Request]; rq != nil {
		s.refresh(s.channel(rq.Channel), c.At)
	}
	w := s.of(c.worker, c.At)
	w.Total = w.Total.Plus(c.Cost)
	if c.Trusted {
		w.Unanswered = w.Unanswered.Plus(c.Cost)
	}
	s.credit(c.Provider, c.Credit, c.At)
}

// count moves on the acknowledgement of c's boot.
func (s *state) count(c *committed) {
	b := s.boots[c.boot]
	if b == nil {
		b = &session{above: map[uint32]bool{}}
		s.boots[c.boot] = b
	}
	if c.Until > b.Until {
		b.Certificate, b.Until = c.Certificate, c.Until
	}
	for b.above[c.Number] = true; b.above[b.Ack+1]; b.Ack++ {
		delete(b.above, b.Ack+1)
	}
	s.dirty.boots[c.boot] = true
}

func (a *answered) apply(s *state) {
	rq := s.requests[a.ID]
	if rq == nil || rq.Receipt == nil {
		return
	}
	c, r := s.drop(rq), rq.Receipt
	c.Agreed, c.Disputed = c.Agreed.Plus(a.Cost), c.Disputed.Plus(a.Loss)
	if !a.Loss.IsZero() {
		c.Denied = a.At
	}
	if c.Ahead.Raw != nil && c.Ahead.Amount.Cmp(c.Agreed) <= 0 {
		c.pay(c.Ahead, a.At)
		c.Ahead = promise{}
	}
	if c.unpaid++; c.unpaid == 1 {
		c.unpaidFrom = a.At
	}
	if c.Paid.Amount == c.Agreed {
		c.unpaid = 0
	}
	w := s.of(r.worker, a.At)
	if w.Disputed = w.Disputed.Plus(a.Loss); r.Trusted {
		w.Unanswered = w.Unanswered.Minus(r.Cost)
	}
	s.credit(r.Provider, a.Credit, a.At)
	s.refresh(c, a.At)
	s.agree(a.ID, receiptKey{r.boot, r.Number}, a.Cost)
}

func (s *state) agree(id ID, key receiptKey, cost cocoon.Nano) {
	s.dirty.agreed[key], s.dirty.answered[id] = cost, true
}
