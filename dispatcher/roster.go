package dispatcher

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// roster is who may work: the records on chain, and the heartbeats of the
// workers behind them.
type roster struct {
	now     func() time.Time
	timeout time.Duration // without a heartbeat

	mu      sync.Mutex
	random  *rand.Rand
	seats   []*seat          // active workers, ascending by key
	lineups map[kind]*lineup // that were asked for
}

// seat is one active worker on record, and what is known of its present run.
type seat struct {
	worker    bus.ID
	record    market.Worker
	provider  market.Provider
	beat      bus.Heartbeat
	beatAt    time.Time
	held      int       // jobs of ours, from offer to delivery
	answering int       // interactive requests of ours
	rests     time.Time // asked for nothing before
}

func newRoster(random *rand.Rand, now func() time.Time, timeout time.Duration) *roster {
	return &roster{now: now, timeout: timeout, random: random, lineups: map[kind]*lineup{}}
}

// refresh takes over what the index says and returns the workers that may no
// longer be connected. A record that is not readable is left out.
func (r *roster) refresh(workers []market.Worker, providers []market.Provider) (gone []bus.ID) {
	byAccount := make(map[cocoon.Account]market.Provider, len(providers))
	for _, p := range providers {
		byAccount[p.Account] = p
	}
	var seats []*seat
	for _, w := range workers {
		var id bus.ID
		provider, known := byAccount[w.Provider]
		if w.RetiredAt == 0 && known && id.UnmarshalText([]byte(w.Key)) == nil {
			seats = append(seats, &seat{worker: id, record: w, provider: provider})
		}
	}
	slices.SortFunc(seats, func(a, b *seat) int { return bytes.Compare(a.worker[:], b.worker[:]) })
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, old := range r.seats {
		i, found := find(seats, old.worker)
		if !found {
			gone = append(gone, old.worker)
			continue
		}
		seats[i].beat, seats[i].beatAt, seats[i].held, seats[i].answering, seats[i].rests = old.beat, old.beatAt, old.held, old.answering, old.rests
	}
	r.seats = seats
	for _, f := range r.lineups {
		f.end()
	}
	return gone
}

func find(seats []*seat, w bus.ID) (int, bool) {
	return slices.BinarySearchFunc(seats, w, func(s *seat, w bus.ID) int { return bytes.Compare(s.worker[:], w[:]) })
}

// with calls f with the worker's seat, where it has one.
func (r *roster) with(w bus.ID, f func(*seat)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, found := find(r.seats, w)
	if found {
		f(r.seats[i])
	}
	return found
}

// active reports whether w may connect.
func (r *roster) active(w bus.ID) bool { return r.with(w, func(*seat) {}) }

// heard notes a heartbeat. Most say nothing that a lineup depends on.
func (r *roster) heard(w bus.ID, beat bus.Heartbeat) {
	r.with(w, func(s *seat) {
		now := r.now()
		up, other := r.up(s, now), !slices.Equal(s.beat.Models, beat.Models) || (s.beat.Key == 0) != (beat.Key == 0)
		if other {
			r.changed(s) // of the models that it had
		}
		s.beat, s.beatAt = beat, now
		if other || up != r.up(s, now) {
			r.changed(s)
		}
	})
}

// gone notes that w is not connected: it is not up before it is heard of again.
func (r *roster) gone(w bus.ID) {
	r.with(w, func(s *seat) {
		s.beatAt = time.Time{}
		r.changed(s)
	})
}

// rest leaves w alone for a while, after it was busy or did not answer.
func (r *roster) rest(w bus.ID, d time.Duration) {
	r.with(w, func(s *seat) {
		s.rests = r.now().Add(d)
		r.changed(s)
	})
}

// resting reports whether w is up, but left alone for now.
func (r *roster) resting(w bus.ID) (rests bool) {
	now := r.now()
	r.with(w, func(s *seat) { rests = r.up(s, now) && now.Before(s.rests) })
	return rests
}

// release ends what pick began.
func (r *roster) release(w bus.ID) {
	r.with(w, func(s *seat) { s.held = max(0, s.held-1) })
}

// hold counts a job that w has already.
func (r *roster) hold(w bus.ID) { r.with(w, func(s *seat) { s.held++ }) }

// up reports whether the worker was heard of lately and its engine answers.
func (r *roster) up(s *seat, now time.Time) bool {
	return s.beat.Ready && s.beat.Provider == s.record.Provider && now.Sub(s.beatAt) <= r.timeout
}

// attendance is one worker at one moment, for the measure of its uptime.
type attendance struct {
	worker   bus.ID
	provider cocoon.Account
	gpus     uint16
	up       bool
	p50      uint32
}

// attendance is that of all active workers.
func (r *roster) attendance() []attendance {
	r.mu.Lock()
	defer r.mu.Unlock()
	list, now := make([]attendance, len(r.seats)), r.now()
	for i, s := range r.seats {
		list[i] = attendance{s.worker, s.record.Provider, s.record.GPUs, r.up(s, now), s.beat.P50}
	}
	return list
}
