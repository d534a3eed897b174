package ledger

import "github.com/cocoon-network/cocoon"

// credit owes provider n more, in the number of now.
func (s *state) credit(provider cocoon.Account, n cocoon.Nano, at int64) {
	if n.IsZero() {
		return
	}
	of, c := s.claim(s.Number, provider)
	if c.Payable == c.Earned {
		c.since = at
	}
	c.Payable, of.payable = c.Payable.Plus(n), of.payable.Plus(n)
}

// claim is provider's in the number n; it is marked to be written.
func (s *state) claim(n uint32, provider cocoon.Account) (*number, *claim) {
	of := s.numbers[n]
	if of == nil {
		of = &number{claims: map[cocoon.Account]*claim{}}
		s.numbers[n] = of
	}
	c := of.claims[provider]
	if c == nil {
		c = &claim{}
		of.claims[provider] = c
	}
	s.dirty.claims[claimKey{n, provider}] = true
	return of, c
}

func (r *retired) apply(s *state) {
	s.channel(r.Channel).Retired = true
	s.dirty.channels[r.Channel] = true
}

func (n *numbered) apply(s *state) {
	before := s.Number
	s.Number = n.Number
	if of := s.numbers[before]; of != nil && n.Carry {
		for provider, c := range of.claims {
			rest := c.Payable.Minus(c.Earned)
			c.Payable, of.payable = c.Earned, of.payable.Minus(rest)
			s.dirty.claims[claimKey{before, provider}] = true
			s.credit(provider, rest, c.since)
		}
	}
}

func (p *promised) apply(s *state) {
	of, c := s.claim(p.Number, p.Provider)
	more := p.Earned.Minus(c.Earned)
	c.Earned, of.earned = c.Earned.Plus(more), of.earned.Plus(more)
	c.since = p.At
}

func (c *contradicted) apply(s *state) {
	s.dirty.contradictions[receiptKey{c.boot, c.Number}] = c
}
