package ledger

import (
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// settle does on the chain what is due.
func (s *sim) settle() {
	due, err := s.Due(s.clock.now, nil)
	require.NoError(s, err)
	for _, d := range due {
		p := s.payers[d.Channel[31]]
		c := s.state.channels[d.Channel]
		v, err := voucher.Parse(d.Voucher)
		require.NoError(s, err)
		silent := s.clock.now.Unix()-c.Seen >= 600
		require.True(s, d.Cover && (silent || p.facts.ClosesAt != 0) || !d.Cover && v.Cumulative.Cmp(c.Agreed) <= 0, "(3)")
		paid := v.Cumulative.Min(p.facts.Deposited).Minus(p.facts.Settled)
		require.Equal(s, paid, d.Amount)
		p.facts.Settled = p.facts.Settled.Plus(paid)
		s.chain.Pot = s.chain.Pot.Plus(paid)
	}
	s.tell()
}

// pass lets time go by, a little or much, with a dispatcher that settles in time.
func (s *sim) pass() {
	s.clock.pass(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 11 * time.Minute, 3 * time.Hour}).Draw(s.T, "time"))
	s.SetIndex(s.clock.now)
	s.settle()
	for _, p := range s.payers {
		end := int64(p.facts.ClosesAt)
		if c := s.state.channels[account(p.n)]; end != 0 && s.clock.now.Unix() >= end-int64(p.facts.CloseDelay)/2 {
			require.LessOrEqual(s, c.owed().Min(c.Cover.Amount.Min(p.facts.Deposited)).Cmp(p.facts.Settled), 0, "(6)")
		}
		if end != 0 && s.clock.now.Unix() >= end {
			p.facts.Closed, p.facts.Deposited = true, p.facts.Settled
		}
	}
	s.tell()
}

// earn signs what is owed to a provider.
func (s *sim) earn() {
	h := rapid.SampledFrom(s.hands).Draw(s.T, "worker")
	_ = s.durably(func() error { _, err := s.Earned(s.Context(), provider(h.n)); return err })
	_, earned := s.state.unopened()
	require.LessOrEqual(s, earned.Cmp(s.limit()), 0, "(5): L")
	require.LessOrEqual(s, s.opened.Plus(s.allEarned()).Cmp(s.chain.Fees.Rest(s.collected())), 0, "(5)")
}

func (s *sim) limit() cocoon.Nano { return s.state.limit() }

func (s *sim) allEarned() (sum cocoon.Nano) {
	for _, of := range s.state.numbers {
		sum = sum.Plus(of.earned)
	}
	return sum
}

// collected is the sum of min(cover, D).
func (s *sim) collected() (sum cocoon.Nano) {
	for _, c := range s.state.channels {
		sum = sum.Plus(c.Facts.Settled.Max(c.Cover.Amount.Min(c.Facts.Deposited)))
	}
	return sum
}

// epoch opens the next epoch, or lets the open one pass or fail.
func (s *sim) epoch() {
	if s.chain.Pending {
		of := s.state.numbers[s.chain.Number]
		if s.chain.Pending = false; rapid.Bool().Draw(s.T, "fails") {
			s.chain.Pot, s.pending = s.chain.Pot.Plus(s.pending), cocoon.Nano{}
		} else {
			s.chain.Number++
			if of != nil {
				s.opened = s.opened.Plus(of.payable)
				for _, h := range s.hands {
					if c := of.claims[provider(h.n)]; c != nil {
						h.passed = h.passed.Plus(c.Payable)
					}
				}
			}
		}
		s.tell()
		return
	}
	var leaves []Leaf
	if s.durably(func() (err error) { leaves, err = s.Leaves(s.Context(), s.chain.Number); return err }) != nil {
		return
	}
	total := cocoon.Nano{}
	for _, l := range leaves {
		total = total.Plus(l.Amount)
		require.LessOrEqual(s, s.state.numbers[s.chain.Number].claims[l.Provider].Earned.Cmp(l.Amount), 0, "no receipt refutes the tree")
	}
	gross, err := total.MulDiv(10_000, 10_000-uint64(s.chain.Fees))
	require.NoError(s, err)
	gross = gross.Plus(cocoon.NanoOf(1)).Min(s.chain.Pot)
	s.chain.Pot, s.pending, s.chain.Pending = s.chain.Pot.Minus(gross), gross, true
	s.tell()
}
