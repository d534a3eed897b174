package worker

import (
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

// desk keeps count of the jobs a worker holds or would take, so that it never
// promises more than it can do at a time.
type desk struct {
	clock func() time.Time

	mu          sync.Mutex
	concurrency int
	places      map[cocoon.Account]*place
}

// place is one job's slot: kept until expires while it is only promised.
type place struct {
	offer   bus.Offer
	expires time.Time
	busy    bool  // a grant is being worked on
	kept    *kept // once accepted
}

func newDesk(clock func() time.Time) *desk {
	return &desk{clock: clock, places: map[cocoon.Account]*place{}}
}

func (d *desk) setConcurrency(n uint16) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.concurrency = int(n)
}

// reserve keeps a slot for an offered job; a job that has one keeps it.
func (d *desk) reserve(o bus.Offer, ttl time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep()
	p := d.places[o.Job]
	if p == nil {
		if len(d.places) >= d.concurrency {
			return bus.Refusef(bus.Busy, "worker holds %d jobs", len(d.places))
		}
		p = &place{}
		d.places[o.Job] = p
	}
	if p.kept == nil && !p.busy {
		p.offer, p.expires = o, d.clock().Add(ttl)
	}
	return nil
}

// claim takes the reserved slot for working on a grant. Done has to follow.
func (d *desk) claim(job cocoon.Account) (bus.Offer, *kept, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep()
	p := d.places[job]
	switch {
	case p == nil:
		return bus.Offer{}, nil, bus.Refusef(bus.WrongJob, "worker did not offer to take the job, or waited too long")
	case p.busy:
		return bus.Offer{}, nil, bus.Refusef(bus.Busy, "worker is looking at a grant for this job")
	}
	p.busy = true
	return p.offer, p.kept, nil
}

// done ends a claim: with the job accepted, or with its slot as it was.
func (d *desk) done(job cocoon.Account, k *kept) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.places[job]; p != nil {
		p.busy = false
		if k != nil {
			p.kept = k
		}
	}
}

// resume takes a job from an earlier run.
func (d *desk) resume(k *kept) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.places[k.Offer.Job] = &place{offer: k.Offer, kept: k}
}

// leave frees the job's slot.
func (d *desk) leave(job cocoon.Account) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.places, job)
}

func (d *desk) held() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep()
	return len(d.places)
}

func (d *desk) sweep() {
	now := d.clock()
	for job, p := range d.places {
		if p.kept == nil && !p.busy && !now.Before(p.expires) {
			delete(d.places, job)
		}
	}
}
