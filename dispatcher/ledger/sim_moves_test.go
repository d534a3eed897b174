package ledger

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// work lets a worker finish one of p's requests.
func (s *sim) work(p *payer) {
	for _, id := range s.Pending(s.clock.now.Add(time.Second)) {
		h := s.sizes[id]
		if _, mine := p.rest[id]; !mine || h == nil || s.Ledger.state.requests[id].Attempt == nil {
			continue
		}
		u := cocoon.Usage{Prompt: rapid.Uint64Range(0, 500).Draw(s.T, "prompt"), Completion: rapid.Uint64Range(0, 256).Draw(s.T, "completion")}
		p.own[id] = u
		truth, err := tenfold.Cost(u)
		require.NoError(s, err)
		h.worked = plus(h.worked, truth)
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
		h.worked = minus(h.worked, cost10(u.Content.Usage))
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
	_, known := s.Ledger.state.boots[r.key()]
	_, err := s.Commit(s.Context(), r.SignedUsage, r.certificate(), 4096)
	require.NoError(s, err)
	if known && s.Ledger.state.boots[r.key()].Ack >= r.Number {
		require.LessOrEqual(s, before.Cmp(s.owed(r.Provider)), 0)
	}
}

func (s *sim) owed(provider cocoon.Account) (sum cocoon.Nano) {
	for _, of := range s.Ledger.state.numbers {
		if c := of.claims[provider]; c != nil {
			sum = plus(sum, c.Payable)
		}
	}
	return sum
}

// answer lets p answer what it is asked, in its manner.
func (s *sim) answer1(p *payer) {
	s.hello(p)
	for id, cost := range p.done {
		delete(p.done, id)
		delete(p.rest, id)
		truth := cost10(p.own[id])
		switch {
		case p.manner == mute:
		case p.manner == denying:
			require.NoError(s, s.Dispute(s.Context(), p.session, id, cocoon.Usage{}, nil))
		case cost.Cmp(truth) > 0:
			p.agreed = plus(p.agreed, truth)
			require.NoError(s, s.Dispute(s.Context(), p.session, id, p.own[id], promises(p.n, p.agreed)))
		default:
			p.agreed = plus(p.agreed, cost)
			require.NoError(s, s.OK(s.Context(), p.session, id, cost, promises(p.n, p.agreed)))
		}
		p.signed = larger(p.signed, p.agreed)
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

// settle does on the chain what is due.
func (s *sim) settle() {
	due, err := s.Due(s.clock.now)
	require.NoError(s, err)
	for _, d := range due {
		p := s.payers[d.Channel[31]]
		c := s.Ledger.state.channels[d.Channel]
		v, err := voucher.Parse(d.Voucher)
		require.NoError(s, err)
		silent := s.clock.now.Unix()-c.Seen >= 600
		require.True(s, d.Cover && (silent || p.facts.ClosesAt != 0) || !d.Cover && v.Cumulative.Cmp(c.Agreed) <= 0, "(3)")
		paid := minus(least(v.Cumulative, p.facts.Deposited), p.facts.Settled)
		require.Equal(s, paid, d.Amount)
		p.facts.Settled = plus(p.facts.Settled, paid)
		s.chain.Pot = plus(s.chain.Pot, paid)
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
		if c := s.Ledger.state.channels[account(p.n)]; end != 0 && s.clock.now.Unix() >= end-int64(p.facts.CloseDelay)/2 {
			require.LessOrEqual(s, least(c.owed(), least(c.Cover.Amount, p.facts.Deposited)).Cmp(p.facts.Settled), 0, "(6)")
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
	_, earned := s.Ledger.state.unopened()
	require.LessOrEqual(s, earned.Cmp(s.limit()), 0, "(5): L")
	require.LessOrEqual(s, plus(s.opened, s.allEarned()).Cmp(s.chain.Fees.Rest(s.collected())), 0, "(5)")
}

func (s *sim) limit() cocoon.Nano { return s.Ledger.state.limit() }

func (s *sim) allEarned() (sum cocoon.Nano) {
	for _, of := range s.Ledger.state.numbers {
		sum = plus(sum, of.earned)
	}
	return sum
}

// collected is the sum of min(cover, D).
func (s *sim) collected() (sum cocoon.Nano) {
	for _, c := range s.Ledger.state.channels {
		sum = plus(sum, larger(c.Facts.Settled, least(c.Cover.Amount, c.Facts.Deposited)))
	}
	return sum
}

// epoch opens the next epoch, or lets the open one pass or fail.
func (s *sim) epoch() {
	if s.chain.Pending {
		of := s.Ledger.state.numbers[s.chain.Number]
		if s.chain.Pending = false; rapid.Bool().Draw(s.T, "fails") {
			s.chain.Pot, s.pending = plus(s.chain.Pot, s.pending), cocoon.Nano{}
		} else {
			s.chain.Number++
			if of != nil {
				s.opened = plus(s.opened, of.payable)
				for _, h := range s.hands {
					if c := of.claims[provider(h.n)]; c != nil {
						h.passed = plus(h.passed, c.Payable)
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
		total = plus(total, l.Amount)
		require.LessOrEqual(s, s.Ledger.state.numbers[s.chain.Number].claims[l.Provider].Earned.Cmp(l.Amount), 0, "no receipt refutes the tree")
	}
	gross, err := total.MulDiv(10_000, 10_000-uint64(s.chain.Fees))
	require.NoError(s, err)
	gross = least(plus(gross, cocoon.NanoOf(1)), s.chain.Pot)
	s.chain.Pot, s.pending, s.chain.Pending = minus(s.chain.Pot, gross), gross, true
	s.tell()
}

// worst is the largest loss of each party beside its bound.
type worst struct {
	sync.Mutex
	of map[string]loss
}

type loss struct {
	Party string      `json:"party"`
	Loss  cocoon.Nano `json:"max_loss"`
	Bound cocoon.Nano `json:"bound"`
}

func (w *worst) bounded(s *sim, party string, lost, bound cocoon.Nano) {
	require.LessOrEqual(s, lost.Cmp(bound), 0, "%s loses %s of %s", party, lost, bound)
	w.Lock()
	defer w.Unlock()
	if lost.Cmp(w.of[party].Loss) >= 0 {
		w.of[party] = loss{party, lost, bound}
	}
}

// check wants every inequality to hold, and the running sums to be right.
func (s *sim) check(w *worst) {
	collectable, unsettled := cocoon.Nano{}, cocoon.Nano{}
	for _, p := range s.payers {
		c := s.Ledger.state.channels[account(p.n)]
		reserved, unanswered := cocoon.Nano{}, cocoon.Nano{}
		for _, rq := range c.requests {
			if reserved = plus(reserved, rq.Reserve); rq.Receipt != nil {
				unanswered = plus(unanswered, rq.Receipt.Cost)
			}
		}
		require.Equal(s, []cocoon.Nano{reserved, unanswered}, []cocoon.Nano{c.reserved, c.unanswered})
		collectable, unsettled = plus(collectable, c.collectable), plus(unsettled, c.unsettled)
		if !c.Facts.Closed {
			require.LessOrEqual(s, plus(c.Agreed, c.reserved).Cmp(least(c.Cover.Amount, c.Facts.Deposited)), 0, "(1)")
			limit, err := bound.Allowance(bound.Base(), c.Agreed)
			require.NoError(s, err)
			w.bounded(s, "dispatcher, by a channel's disputes", c.Disputed, plus(limit, tenReserve))
		}
		if p.manner == honest || p.manner == twoHeaded {
			w.bounded(s, "client", minus(p.facts.Settled, p.agreed), larger(p.window, ton("0.02")))
		}
	}
	require.Equal(s, []cocoon.Nano{collectable, unsettled}, []cocoon.Nano{s.Ledger.state.collectable, s.Ledger.state.unsettled})
	for _, h := range s.hands {
		if r := s.Ledger.state.workers[h.key().worker]; r != nil && h.greedy {
			limit, err := bound.Allowance(bound.Base(), r.Total)
			require.NoError(s, err)
			w.bounded(s, "dispatcher, by a worker's day", r.Disputed, plus(limit, limit))
		}
		if !h.greedy {
			open := cocoon.Nano{}
			for id := range s.Ledger.state.requests {
				if s.sizes[id] == h {
					open = plus(open, tenReserve)
				}
			}
			for range h.unacked {
				open = plus(open, tenReserve)
			}
			w.bounded(s, "worker", s.unearned(h), plus(bound.Credit(cocoon.Nano{}), open))
		}
	}
}

func TestLedger_NobodyLosesMoreThanTheBounds(t *testing.T) {
	t.Parallel()
	w := &worst{of: map[string]loss{}}
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(t)
		defer s.end()
		payer := func() *payer { return rapid.SampledFrom(s.payers).Draw(s.T, "client") }
		t.Repeat(map[string]func(*rapid.T){
			"":      func(r *rapid.T) { s.T = r; s.check(w) },
			"admit": func(r *rapid.T) { s.T = r; s.admit(payer()) },
			"work":  func(r *rapid.T) { s.T = r; s.work(payer()) },
			"burst": func(r *rapid.T) {
				s.T = r
				p := payer()
				for range rapid.IntRange(1, 12).Draw(r, "requests") {
					s.admit(p)
					s.work(p)
				}
			},
			"rush": func(r *rapid.T) {
				s.T = r
				for p := payer(); rapid.IntRange(0, 9).Draw(r, "more") > 0; {
					s.admit(p)
				}
			},
			"answers": func(r *rapid.T) {
				s.T = r
				p := payer()
				for range 10 {
					s.answer1(p)
				}
			},
			"answer": func(r *rapid.T) { s.T = r; s.answer1(payer()) },
			"replay": func(r *rapid.T) { s.T = r; s.replay() },
			"pass":   func(r *rapid.T) { s.T = r; s.pass() },
			"earn":   func(r *rapid.T) { s.T = r; s.earn() },
			"epoch":  func(r *rapid.T) { s.T = r; s.epoch() },
			"leave": func(r *rapid.T) {
				s.T = r
				if p := payer(); p.facts.ClosesAt == 0 && rapid.IntRange(0, 3).Draw(s.T, "leaves") == 0 {
					p.facts.ClosesAt = uint32(s.clock.now.Unix()) + p.facts.CloseDelay
					s.tell()
					for range rapid.IntRange(0, 9).Draw(r, "steps") {
						s.pass()
					}
				}
			},
			"flush": func(r *rapid.T) { s.T = r; require.NoError(r, s.flush(r.Context())) },
			"crash": func(r *rapid.T) {
				s.T = r
				require.NoError(r, s.Close())
				s.open()
			},
		})
	})
	for _, l := range w.of {
		line, err := json.Marshal(l)
		require.NoError(t, err)
		t.Logf("%s", line)
	}
}
