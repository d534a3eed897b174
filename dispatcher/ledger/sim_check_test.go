package ledger

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
)

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
		c := s.state.channels[account(p.n)]
		reserved, unanswered := cocoon.Nano{}, cocoon.Nano{}
		for _, rq := range c.requests {
			if reserved = reserved.Plus(rq.Reserve); rq.Receipt != nil {
				unanswered = unanswered.Plus(rq.Receipt.Cost)
			}
		}
		require.Equal(s, []cocoon.Nano{reserved, unanswered}, []cocoon.Nano{c.reserved, c.unanswered})
		collectable, unsettled = collectable.Plus(c.collectable), unsettled.Plus(c.unsettled)
		if !c.Facts.Closed {
			require.LessOrEqual(s, c.Agreed.Plus(c.reserved).Cmp(c.Cover.Amount.Min(c.Facts.Deposited)), 0, "(1)")
			limit, err := bound.Allowance(bound.Base(), c.Agreed)
			require.NoError(s, err)
			w.bounded(s, "dispatcher, by a channel's disputes", c.Disputed, limit.Plus(s.cfg.Burst).Plus(tenReserve))
		}
		if p.manner == honest || p.manner == twoHeaded {
			w.bounded(s, "client", p.facts.Settled.Minus(p.agreed), p.window.Max(ton("0.02")))
		}
	}
	require.Equal(s, []cocoon.Nano{collectable, unsettled}, []cocoon.Nano{s.state.collectable, s.state.unsettled})
	for _, h := range s.hands {
		if r := s.state.workers[h.key().worker]; r != nil && h.greedy {
			limit, err := bound.Allowance(bound.Base(), r.Total)
			require.NoError(s, err)
			w.bounded(s, "dispatcher, by a worker's day", r.Disputed, limit.Plus(limit))
		}
		if !h.greedy {
			open := cocoon.Nano{}
			for id := range s.state.requests {
				if s.sizes[id] == h {
					open = open.Plus(tenReserve)
				}
			}
			for range h.unacked {
				open = open.Plus(tenReserve)
			}
			w.bounded(s, "worker", s.unearned(h), bound.Credit(cocoon.Nano{}).Plus(open))
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
					s.respondTo(p)
				}
			},
			"answer": func(r *rapid.T) { s.T = r; s.respondTo(payer()) },
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
