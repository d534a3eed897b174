package ledger

import (
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// work lets a worker finish one of p's requests.
func (s *sim) work(p *payer) {
	for _, left := range s.Pending(s.clock.now.Add(time.Second)) {
		id := left.ID
		h := s.sizes[id]
		if _, mine := p.rest[id]; !mine || h == nil || s.state.requests[id].Attempt == nil {
			continue
		}
		u := cocoon.Usage{Prompt: rapid.Uint64Range(0, 500).Draw(s.T, "prompt"), Completion: rapid.Uint64Range(0, 256).Draw(s.T, "completion")}
		p.own[id] = u
		truth, err := tenfold.Cost(u)
		require.NoError(s, err)
		h.worked = h.worked.Plus(truth)
		if h.greedy {
			u.Prompt, u.Completion = 2*u.Prompt, 2*u.Completion
		}
		h.number++
		r := h.signs(id, u, h.number, func(c *receipt.Content) { c.Price, c.Cost = tenfold, cost10(u) })
		h.unacked = append(h.unacked, r)
		s.commit(h, r)
		return
	}
}

func cost10(u cocoon.Usage) cocoon.Nano {
	n, err := tenfold.Cost(u)
	if err != nil {
		panic(err)
	}
	return n
}

// commit commits a receipt; now and then its worker hears nothing of it.
func (s *sim) commit(h *hand, u receipt.SignedUsage) {
	t, err := s.Commit(s.Context(), u, h.certificate(), 4096)
	require.NoError(s, err)
	s.sent = append(s.sent, replayable{h, u})
	if !rapid.Bool().Draw(s.T, "acknowledged") {
		return
	}
	var o Outcome
	require.NoError(s, s.durably(func() (err error) { o, err = t.Wait(s.Context()); return err }))
	if o.Void == "no such request is open" { // a crash lost the order before it was durable
		h.worked = h.worked.Minus(cost10(u.Content.Usage))
	}
	var left []receipt.SignedUsage
	for _, other := range h.unacked {
		if other.Number != u.Number {
			left = append(left, other)
		}
	}
	h.unacked = left
}

// replay commits a receipt again: nothing changes.
func (s *sim) replay() {
	if len(s.sent) == 0 {
		return
	}
	r := rapid.SampledFrom(s.sent).Draw(s.T, "receipt")
	before := s.owed(r.Provider)
	_, known := s.state.boots[r.key()]
	_, err := s.Commit(s.Context(), r.SignedUsage, r.certificate(), 4096)
	require.NoError(s, err)
	if known && s.state.boots[r.key()].Ack >= r.Number {
		require.LessOrEqual(s, before.Cmp(s.owed(r.Provider)), 0)
	}
}

func (s *sim) owed(provider cocoon.Account) (sum cocoon.Nano) {
	for _, of := range s.state.numbers {
		if c := of.claims[provider]; c != nil {
			sum = sum.Plus(c.Payable)
		}
	}
	return sum
}

// answer lets p answer what it is asked, in its manner.
func (s *sim) respondTo(p *payer) {
	s.hello(p)
	for id, cost := range p.done {
		delete(p.done, id)
		delete(p.rest, id)
		truth := cost10(p.own[id])
		switch {
		case p.manner == mute:
		case p.manner == denying:
			require.NoError(s, s.Dispute(s.Context(), p.session, id, cocoon.Usage{}, cocoon.MaxNano))
		case cost.Cmp(truth) > 0:
			p.agreed = p.agreed.Plus(truth)
			require.NoError(s, withPay(s, p.session, s.Dispute(s.Context(), p.session, id, p.own[id], cocoon.MaxNano), promises(p.n, p.agreed)))
		default:
			p.agreed = p.agreed.Plus(cost)
			require.NoError(s, withPay(s, p.session, s.OK(s.Context(), p.session, id, cost), promises(p.n, p.agreed)))
		}
		p.signed = p.signed.Max(p.agreed)
		return
	}
	if p.manner == twoHeaded {
		p.session++
		s.hello(p)
		_, err := s.Hello(account(p.n), p.session-1, nil, 0)
		require.ErrorIs(s, err, ErrFenced)
		require.ErrorIs(s, s.Admit(p.session-1, Request{ID: ID{15: 1}, Channel: account(p.n), Size: size, Price: tenfold}, promises(p.n, ton("0.5"))), ErrFenced)
	}
}
