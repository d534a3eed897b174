package gateway

import (
	"context"
	"errors"
	"maps"
	"slices"
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
	all := slices.Collect(maps.Keys(g.asked[worker]))
	g.mu.Unlock()
	for _, r := range all {
		r.mu.Lock()
		a := r.attempt
		r.mu.Unlock()
		c := r.set.candidates[a.candidate]
		if c.Worker != worker { // it was given to another just now
			continue
		}
		g.later(func() {
			if !a.begun() || !g.back(r, c) {
				a.lose(errGone)
			}
		})
	}
}

// ask notes whose work a request is, until the attempt is over.
func (g *Gateway) ask(worker [32]byte, r *request) (over func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked[worker] == nil {
		g.asked[worker] = map[*request]struct{}{}
	}
	g.asked[worker][r] = struct{}{}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if delete(g.asked[worker], r); len(g.asked[worker]) == 0 {
			delete(g.asked, worker)
		}
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
