package gateway

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// errEngine is an attempt whose engine failed before the first token.
var errEngine = cocoon.Unreachable.Errorf("the worker's engine failed or is full")

// bill is a receipt as it came.
type bill struct {
	u   receipt.SignedUsage
	raw []byte
}

// run is that of the worker that wrote it.
func (b bill) run() Run { return Run{b.u.Worker, stream.Boot(b.u.Boot)} }

// fails takes the bill of the present attempt, and reports whether that pays nobody:
// it says that the engine failed before the first token, or the attempt is over. It
// is kept until another attempt, or none, is the one that counts; the client never
// hears of it. Any other lets the end of an answer without a token pass.
func (r *request) fails(g *Gateway, b bill) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := &r.attempt
	a.failed = a.failed || b.u.Content.Reason == uint8(stream.Failed) && b.u.Content.Usage == (cocoon.Usage{}) && a.out == 0
	if !a.failed && !a.over {
		a.judged = true
		r.conclude(g)
		return false
	}
	if r.failures = append(r.failures, b); !a.over {
		r.move()
	}
	return true
}

// hasFailed tells whether the present attempt has, by its own bill.
func (r *request) hasFailed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.attempt.failed
}

// bookFailures books bills that count for nothing any more, so that their workers
// may forget them.
func (g *Gateway) bookFailures(r *request) {
	r.mu.Lock()
	failures := r.failures
	r.failures = nil
	r.mu.Unlock()
	for _, b := range failures {
		g.bookLater(b)
	}
}
