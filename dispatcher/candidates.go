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
	fit := r.streaming(l, r.now())
	if len(fit) == 0 {
		return nil
	}
	for range l.Sets {
		sets = append(sets, r.draw(fit, l))
	}
	return sets
}

// streaming are the seats that could answer such a request now.
func (r *roster) streaming(l stream.Lease, now time.Time) (fit []*seat) {
	for _, s := range r.seats {
		if slices.Contains(s.beat.Models, l.Model) && r.answers(s, l.Model, l.Caps, now) {
			fit = append(fit, s)
		}
	}
	return fit
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
func (r *roster) draw(fit []*seat, l stream.Lease) []stream.Candidate {
	var taken []*seat
	for range min(int(l.Width), len(fit)) {
		best := r.fresh(fit, taken)
		if best == nil {
			break
		}
		if other := r.fresh(fit, taken); other.streams()*best.slots() < best.streams()*other.slots() {
			best = other
		}
		taken = append(taken, best)
	}
	slices.SortStableFunc(taken, func(a, b *seat) int { return a.streams()*b.slots() - b.streams()*a.slots() })
	set := make([]stream.Candidate, len(taken))
	for i, s := range taken {
		set[i] = stream.Candidate{Provider: s.record.Provider, Worker: [32]byte(s.worker), Boot: stream.Boot(s.beat.Boot), KeyID: s.beat.Key, Price: s.price(l.Model)}
	}
	return set
}

// fresh is a seat drawn at random whose provider is in no seat taken; where there
// is none, one that is not taken itself; nil where there is none either.
func (r *roster) fresh(fit, taken []*seat) *seat {
	first := r.random.IntN(len(fit))
	var second *seat
	for i := range fit {
		s := fit[(first+i)%len(fit)]
		if slices.Contains(taken, s) {
			continue
		}
		if !slices.ContainsFunc(taken, func(t *seat) bool { return t.record.Provider == s.record.Provider }) {
			return s
		}
		if second == nil {
			second = s
		}
	}
	return second
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
		}
	})
}
