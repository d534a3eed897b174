package chain

import (
	"sync/atomic"
	"time"
)

const (
	// soonest is the least time after which a second server is asked: less is the
	// noise of a busy machine.
	soonest = 50 * time.Millisecond
	// patience is after how long one more server is asked to wait for a block too:
	// those that wait may all be behind, or silent.
	patience = time.Second
	// lateBy times what is usual is late enough to ask another at any price.
	lateBy = 8
	// share is how many questions earn one second server, so that a network that
	// is slow as a whole is not asked everything twice.
	share = 10
	// saved is how many earned second servers are kept at most.
	saved = 10 * share
)

// hedge decides when a question under way goes to one more server.
type hedge struct {
	budget *atomic.Int64 // of the client
	q      question
	timer  *time.Timer
	due    bool
	left   int           // servers that may still be asked
	usual  time.Duration // of the server asked last
	late   bool          // the timer is set to when no budget counts
	pair   bool          // the next server asked is the second of two at once
}

func newHedge(c *Client, q question) *hedge {
	if c.hedges.Add(1) > saved {
		c.hedges.Store(saved)
	}
	h := &hedge{budget: &c.hedges, q: q, timer: time.NewTimer(time.Hour), pair: q.waits}
	h.timer.Stop()
	return h
}

func (h *hedge) stop() { h.timer.Stop() }

// begin is told whom the question goes to and how many are left after that. For a
// block to come two are asked at once: the one that is behind answers later.
func (h *hedge) begin(s *server, left int) {
	h.due, h.late, h.pair, h.left = h.pair && left > 0, false, false, left
	h.usual = max(s.health.patience(), soonest)
	if h.q.waits {
		h.usual = patience
	}
	h.timer.Stop()
	if left > 0 && !h.q.alone {
		h.timer.Reset(h.usual)
	}
}

// ring is the timer's: another server is due where that is earned, or later in
// any case.
func (h *hedge) ring() {
	if h.late || h.q.waits || h.budget.Add(-share) >= 0 { // to wait costs a server nothing
		h.due = h.left > 0
		return
	}
	h.budget.Add(share)
	h.late = true
	h.timer.Reset((lateBy - 1) * h.usual)
}
