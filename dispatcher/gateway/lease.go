package gateway

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// lease is one set of candidates, for one request of one daemon.
type lease struct {
	key        [32]byte
	model      cocoon.ModelID
	candidates []stream.Candidate
	expires    time.Time
}

// leases are those that may still be used. They reserve nothing.
type leases struct {
	mu    sync.Mutex
	sets  map[uint64]lease
	order []uint64 // as they expire
}

const (
	maxSets   = 128     // of one question
	maxLeases = 1 << 17 // of all daemons together; the oldest go first
)

// give remembers sets of candidates and names them.
func (l *leases) give(sets [][]stream.Candidate, of lease, now time.Time) (given []stream.LeaseSet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.order) > 0 && (len(l.order) >= maxLeases || !now.Before(l.sets[l.order[0]].expires)) {
		delete(l.sets, l.order[0])
		l.order = l.order[1:]
	}
	for _, candidates := range sets {
		id := rand.Uint64() // names are no secret: a set is its daemon's alone
		of.candidates = candidates
		l.sets[id] = of
		l.order = append(l.order, id)
		given = append(given, stream.LeaseSet{ID: id, Candidates: candidates})
	}
	return given
}

// use takes a set for a request; false where it is gone. What stays of it in
// order falls out as if it had expired.
func (l *leases) use(id uint64, key [32]byte, model cocoon.ModelID, now time.Time) (lease, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of, found := l.sets[id]
	if !found || of.key != key || of.model != model || !now.Before(of.expires) {
		return lease{}, false
	}
	delete(l.sets, id)
	return of, true
}

// lease answers with sets of candidates.
func (g *Gateway) lease(m *nats.Msg) {
	key, want, ok := read(g, m, stream.ParseLease)
	if !ok {
		return
	}
	if g.draining.Load() {
		g.refuse(m, drains())
		return
	}
	want.Sets = min(want.Sets, maxSets)
	now := g.now()
	expires := now.Add(g.cfg.LeaseFor)
	sets := g.workers.Candidates(want)
	if len(sets) == 0 {
		g.refuse(m, &stream.Fail{Code: stream.NoCapacity, Wait: 1000, Text: "no worker serves this model at these prices now"})
		return
	}
	given := g.leases.give(sets, lease{key: key, model: want.Model, expires: expires}, now)
	respond(g, m, stream.Leases{Expires: uint32(expires.Unix()), Sets: given})
}
