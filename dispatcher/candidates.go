package dispatcher

import (
	"bytes"
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher/gateway"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// Candidates are sets of workers to encrypt prompts to, the least busy first. Of
// each two drawn at random the less busy one is taken, as in pick, and no
// provider is twice in a set while there are others: who shares an owner shares
// its failures.
func (r *roster) Candidates(l stream.Lease) (sets [][]stream.Candidate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fit := r.lineup(l.Model, l.Caps)
	if len(fit.seats) == 0 {
		return nil
	}
	for range l.Sets {
		sets = append(sets, r.draw(fit, l))
	}
	return sets
}

// answers reports whether s, which has m loaded, could answer a request now.
func (r *roster) answers(s *seat, m cocoon.ModelID, caps cocoon.Price, now time.Time) bool {
	return r.up(s, now) && !now.Before(s.rests) && s.beat.Key != 0 && s.provider.Terms != "" && s.provider.Stake.Cmp(s.provider.Required) >= 0 && s.serves(m, caps)
}

// Serving is how many workers each model has that could be candidates now.
func (r *roster) Serving(q stream.ModelsOf) []uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, workers := r.now(), make([]uint32, len(q.Models))
	for _, s := range r.seats {
		for n, m := range s.beat.Models {
			i, asked := slices.BinarySearchFunc(q.Models, m, func(a, b cocoon.ModelID) int { return bytes.Compare(a[:], b[:]) })
			if asked && !slices.Contains(s.beat.Models[:n], m) && r.answers(s, m, q.Caps, now) {
				workers[i]++
			}
		}
	}
	return workers
}

// draw is one set.
func (r *roster) draw(fit *lineup, l stream.Lease) []stream.Candidate {
	var taken []*seat
	var places, teams spans // of those
	for range min(int(l.Width), len(fit.seats)) {
		held := teams
		if held.size() == len(fit.seats) { // no provider is left
			held = places
		}
		best := held.other(len(fit.seats), r.random)
		if i := held.other(len(fit.seats), r.random); fit.seats[i].lessBusy(fit.seats[best]) {
			best = i
		}
		taken = append(taken, fit.seats[best])
		places, teams = places.with(span{best, best + 1}), teams.with(fit.teams[best])
	}
	slices.SortStableFunc(taken, func(a, b *seat) int { return a.streams()*b.slots() - b.streams()*a.slots() })
	set := make([]stream.Candidate, len(taken))
	for i, s := range taken {
		set[i] = stream.Candidate{Provider: s.record.Provider, Worker: [32]byte(s.worker), Boot: stream.Boot(s.beat.Boot), KeyID: s.beat.Key, Price: s.price(l.Model)}
	}
	return set
}

// price is what s asks for a model that it serves.
func (s *seat) price(m cocoon.ModelID) cocoon.Price {
	i := slices.IndexFunc(s.record.Models, func(o market.ModelOffer) bool { return o.Model == m })
	return s.record.Models[i].Price
}

// streams is how many requests it works on: ours, or by its own word more.
func (s *seat) streams() int { return max(s.answering, int(s.beat.Busy)+int(s.beat.Waiting)) }

// slots is how many it can work on at a time.
func (s *seat) slots() int { return max(1, int(s.beat.Slots)) }

// lessBusy tells whether s has more room for its size than another.
func (s *seat) lessBusy(than *seat) bool { return s.streams()*than.slots() < than.streams()*s.slots() }

// Runs are the runs that take requests, with their providers.
func (r *roster) Runs() map[gateway.Run]cocoon.Account {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, all := r.now(), map[gateway.Run]cocoon.Account{}
	for _, s := range r.seats {
		if s.beat.Key != 0 && now.Sub(s.beatAt) <= r.timeout {
			all[gateway.Run{Worker: [32]byte(s.worker), Boot: stream.Boot(s.beat.Boot)}] = s.record.Provider
		}
	}
	return all
}

// Began and Ended count requests of ours. One that failed is left alone for a while.
func (r *roster) Began(worker [32]byte) { r.with(worker, func(s *seat) { s.answering++ }) }

// failureRest is how long a worker that did not answer is not asked.
const failureRest = 2 * time.Second

// Ended is after Began.
func (r *roster) Ended(worker [32]byte, failed bool) {
	r.with(worker, func(s *seat) {
		if s.answering = max(0, s.answering-1); failed {
			s.rests = r.now().Add(failureRest)
			r.changed(s)
		}
	})
}
