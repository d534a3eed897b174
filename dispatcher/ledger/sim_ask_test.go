package ledger

import (
	"errors"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// admit lets p ask for a request, and sign the cover that it needs within its window.
func (s *sim) admit(p *payer) {
	s.next++
	r := Request{ID: ID{byte(s.next), byte(s.next >> 8)}, Channel: account(p.n), Route: Key{7}, Size: size, Price: tenfold}
	var cover *voucher.Signed
	if len(p.old) > 0 && rapid.Bool().Draw(s.T, "replays a voucher") {
		cover = rapid.SampledFrom(p.old).Draw(s.T, "voucher")
	}
	err := s.Admit(p.session, r, cover)
	var need *NeedError
	if errors.As(err, &need) && !need.TopUp() {
		wanted := tenReserve
		for _, n := range p.rest {
			wanted = wanted.Plus(n)
		}
		window := bound.Window(wanted, cocoon.Nano{})
		if need.Cover.Cmp(p.agreed.Plus(window)) > 0 && p.manner != mute && p.manner != denying {
			return // it signs no more than that ahead
		}
		p.window = p.window.Max(window)
		p.signed = p.signed.Max(need.Cover)
		v := promises(p.n, need.Cover)
		p.old = append(p.old, v)
		err = s.Admit(p.session, r, v)
	}
	if err != nil {
		return
	}
	c := s.state.channels[account(p.n)]
	total := c.Agreed.Plus(c.reserved)
	require.LessOrEqual(s, total.Cmp(c.Cover.Amount.Min(c.Facts.Deposited)), 0, "(1)")
	limit, err := bound.Allowance(bound.Base(), c.Agreed)
	require.NoError(s, err)
	require.LessOrEqual(s, c.Disputed.Plus(c.reserved.Minus(tenReserve)).Cmp(limit.Plus(s.cfg.Burst)), 0, "what may be disputed")
	p.rest[r.ID] = tenReserve
	s.order(p, r.ID)
}

// order gives a request to a worker that still takes one.
func (s *sim) order(p *payer, id ID) {
	h := rapid.SampledFrom(s.hands).Draw(s.T, "worker")
	if s.unearned(h).Cmp(bound.Credit(cocoon.Nano{})) > 0 {
		require.NoError(s, s.Release(id)) // (4)
		delete(p.rest, id)
		return
	}
	a := h.attempt()
	a.Price = tenfold
	require.NoError(s, s.Assign(id, a))
	s.sizes[id] = h
}

// unearned is what h worked and was not promised.
func (s *sim) unearned(h *hand) cocoon.Nano {
	return s.state.Facts.Fees.Rest(h.worked).Minus(s.promisedTo(h))
}

// promisedTo is what h's provider was promised, in all numbers.
func (s *sim) promisedTo(h *hand) (sum cocoon.Nano) {
	for _, of := range s.state.numbers {
		if c := of.claims[provider(h.n)]; c != nil {
			sum = sum.Plus(c.Earned)
		}
	}
	return sum.Plus(h.passed)
}
