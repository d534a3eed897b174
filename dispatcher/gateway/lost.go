package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// errGone is an attempt whose worker's connection was lost.
var errGone = cocoon.Unreachable.Errorf("the worker's connection is gone")

// Lost says that the connection of a worker is gone. What had no token yet has
// another worker at once; an answer that has begun is over unless the same run of
// the worker is back within Grace.
func (g *Gateway) Lost(worker [32]byte) {
	g.mu.Lock()
	var all []*request
	for _, r := range g.requests {
		all = append(all, r)
	}
	g.mu.Unlock()
	for _, r := range all {
		r.mu.Lock()
		a := r.attempt
		r.mu.Unlock()
		if a.number == 0 || r.set.candidates[a.candidate].Worker != worker {
			continue
		}
		g.later(func() {
			if !a.begun() || !g.back(r, r.set.candidates[a.candidate]) {
				a.lose(errGone)
			}
		})
	}
}

const (
	lookEvery = 100 * time.Millisecond // whether a run is back
	lookFor   = 200 * time.Millisecond // for the server to say that nobody listens
)

// back waits for a run of a worker to listen again, and asks it for the frames that
// were lost on the way; they are not answered, but by the server where nobody listens.
func (g *Gateway) back(r *request, c stream.Candidate) bool {
	grace := time.NewTimer(g.cfg.Grace)
	defer grace.Stop()
	for {
		select {
		case <-time.After(lookEvery):
		case <-grace.C:
			return false
		case <-r.ended:
			return true
		}
		ctx, cancel := context.WithTimeout(g.ctx, lookFor)
		_, err := g.conn.RequestWithContext(ctx, stream.ToWorker(c.Worker, c.Boot, stream.ResumeVerb), r.rest(g.cfg.Node).Bytes())
		cancel()
		if !errors.Is(err, nats.ErrNoResponders) {
			return true
		}
	}
}

// rest asks for the frames that have not passed.
func (r *request) rest(node string) stream.Resume {
	r.mu.Lock()
	defer r.mu.Unlock()
	return stream.Resume{Request: r.route.Request, Seq: r.attempt.seq, Node: node}
}
