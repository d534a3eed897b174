package dispatcher

import (
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// candidate is a worker that was chosen for a job.
type candidate struct {
	worker   bus.ID
	boot     bus.Boot
	provider market.Provider
}

// need is what a job asks of its worker.
type need struct {
	job  market.Job
	vram uint64                         // MiB of all its GPUs together
	may  func(bus.ID) (ask, place bool) // whether to ask it, and whether it keeps a place for this job already
}

// pick chooses a worker that fits, and holds one of its places until release. Of two drawn at random the less busy one is taken:
// that spreads work nearly as well as always taking the least busy, without
// sending everybody there on old news.
func (r *roster) pick(n need) (candidate, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	var fit []*seat
	for _, s := range r.seats {
		if r.fits(s, n, now) {
			fit = append(fit, s)
		}
	}
	if len(fit) == 0 {
		return candidate{}, false
	}
	i := r.random.IntN(len(fit))
	best := fit[i]
	if len(fit) > 1 {
		other := fit[(i+1+r.random.IntN(len(fit)-1))%len(fit)]
		if other.load()*best.places() < best.load()*other.places() {
			best = other
		}
	}
	best.held++
	return candidate{best.worker, best.beat.Boot, best.provider}, true
}

// fits reports whether s could do the job now.
func (r *roster) fits(s *seat, n need, now time.Time) bool {
	ask, place := n.may(s.worker)
	p, j := s.provider, n.job
	return ask && r.up(s, now) && !now.Before(s.rests) && (place || s.load() < s.places()) &&
		p.Terms != "" && p.Stake.Cmp(p.Required) >= 0 && p.Allowance.Cmp(j.MinBond) >= 0 && p.Free.Cmp(j.MinBond) >= 0 &&
		uint64(s.record.VRAM)*uint64(s.record.GPUs) >= n.vram && slices.Contains(s.beat.Models, j.Model) && s.serves(j.Model, j.Caps)
}

func (s *seat) serves(m cocoon.ModelID, caps cocoon.Price) bool {
	return slices.ContainsFunc(s.record.Models, func(o market.ModelOffer) bool { return o.Model == m && o.Price.Within(caps) })
}

// load is the jobs it has: ours, or by its own word more.
func (s *seat) load() int { return max(s.held, int(s.beat.Jobs)) }

func (s *seat) places() int { return int(min(s.record.Concurrency, s.beat.Concurrency)) }
