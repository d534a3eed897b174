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
	of    map[[32]byte]*shelf // by daemon
	swept time.Time
}

// shelf is what one daemon has.
type shelf struct {
	order  []uint64 // as they expire; some were used
	unused int
}

func newLeases() leases { return leases{sets: map[uint64]lease{}, of: map[[32]byte]*shelf{}} }

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
	s := l.of[of.key]
	if s == nil {
		s = &shelf{}
		l.of[of.key] = s
	}
	for _, candidates := range sets {
		id := rand.Uint64() // names are no secret: a set is its daemon's alone
		of.candidates = candidates
		l.sets[id] = of
		s.order = append(s.order, id)
		given = append(given, stream.LeaseSet{ID: id, Candidates: candidates})
	}
	if s.unused += len(given); len(l.sets) > maxLeases { // whoever has more than others has less from now on
		for _, s := range l.of {
			for s.unused > maxLeases/2/len(l.of) {
				l.dropOldest(s)
			}
		}
	}
	return given
}

// sweep forgets what has expired, and was used before that.
func (l *leases) sweep(now time.Time) {
	if now.Sub(l.swept) < sweepRate {
		return
	}
	l.swept = now
	for key, s := range l.of {
		for len(s.order) > 0 && !now.Before(l.sets[s.order[0]].expires) { // as it is of what was used
			l.dropOldest(s)
		}
		if len(s.order) == 0 {
			delete(l.of, key)
		}
	}
}

func (l *leases) dropOldest(s *shelf) {
	if _, found := l.sets[s.order[0]]; found {
		delete(l.sets, s.order[0])
		s.unused--
	}
	s.order = s.order[1:]
}

// use takes a set for a request; false where it is gone.
func (l *leases) use(id uint64, key [32]byte, model cocoon.ModelID, now time.Time) (lease, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of, found := l.sets[id]
	if !found || of.key != key || of.model != model || !now.Before(of.expires) {
		return lease{}, false
	}
	delete(l.sets, id)
	l.of[key].unused--
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
