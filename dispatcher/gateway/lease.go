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
	order map[[32]byte][]uint64 // of each daemon, as they expire; some were used
	all   int                   // of all daemons
	swept time.Time
}

func newLeases() leases {
	return leases{sets: map[uint64]lease{}, order: map[[32]byte][]uint64{}}
}

const (
	maxSets   = 128     // of one question
	maxLeases = 1 << 17 // of all daemons together
	sweepRate = time.Second
)

// give remembers sets of candidates and names them.
func (l *leases) give(sets [][]stream.Candidate, of lease, now time.Time) (given []stream.LeaseSet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	for _, candidates := range sets {
		id := rand.Uint64() // names are no secret: a set is its daemon's alone
		of.candidates = candidates
		l.sets[id] = of
		l.order[of.key] = append(l.order[of.key], id)
		given = append(given, stream.LeaseSet{ID: id, Candidates: candidates})
	}
	if l.all += len(given); l.all > maxLeases { // whoever has more than others has less from now on
		l.keep(maxLeases / 2 / len(l.order))
	}
	return given
}

// sweep forgets what has expired.
func (l *leases) sweep(now time.Time) {
	if now.Sub(l.swept) < sweepRate {
		return
	}
	l.swept = now
	for key, order := range l.order {
		n := 0
		for n < len(order) && !now.Before(l.sets[order[n]].expires) { // as it is of what was used
			n++
		}
		l.drop(key, n)
	}
}

// keep forgets all but the newest n of each daemon.
func (l *leases) keep(n int) {
	for key, order := range l.order {
		l.drop(key, max(0, len(order)-n))
	}
}

// drop forgets the oldest n of a daemon.
func (l *leases) drop(key [32]byte, n int) {
	order := l.order[key]
	for _, id := range order[:n] {
		delete(l.sets, id)
	}
	l.all -= n
	if l.order[key] = order[n:]; n == len(order) {
		delete(l.order, key)
	}
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
	if !g.workers.Known(want.Model, want.Caps) && !g.kinds.Take(key) {
		g.refuse(m, &stream.Fail{Code: stream.Busy, Wait: 1000, Text: "this key asks for other models and prices too often"})
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
