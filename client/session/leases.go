package session

import (
	"context"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// want is what sets of candidates are fetched for.
type want struct {
	model    cocoon.ModelID
	affinity [32]byte
}

// leases are sets fetched ahead, each for one request.
type leases struct {
	s *Session

	mu     sync.Mutex
	stock  map[want]*shelf
	prices map[cocoon.ModelID]cocoon.Price // the dearest of what was fetched last
}

type shelf struct {
	sets     []*set
	fetching chan struct{} // closed when the fetch that is under way ends; nil where none is
	err      error         // of the last fetch
}

func newLeases(s *Session) *leases {
	return &leases{s: s, stock: map[want]*shelf{}, prices: map[cocoon.ModelID]cocoon.Price{}}
}

// price is what a model was last offered for, at most; the caps where nobody asked.
func (l *leases) price(model cocoon.ModelID) cocoon.Price {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p, ok := l.prices[model]; ok {
		return p
	}
	return l.s.cfg.Caps
}

// most is how many sets a conversation needs ahead.
const most = 2

// size is how many sets to fetch at a time.
func (l *leases) size(w want) int {
	if w.affinity != [32]byte{} {
		return min(most, l.s.cfg.Sets)
	}
	return l.s.cfg.Sets
}

// take is a set that nobody else gets. Where a quarter is left, more are fetched
// meanwhile; where none is, it waits.
func (l *leases) take(ctx context.Context, w want) (*set, error) {
	for fetched := false; ; fetched = true {
		l.mu.Lock()
		sh := l.stock[w]
		if sh == nil {
			l.sweep()
			sh = &shelf{}
			l.stock[w] = sh
		}
		found := sh.next(l.s.deps.Now())
		if found == nil && fetched && sh.fetching == nil {
			err := sh.err
			l.mu.Unlock()
			if err == nil {
				err = failure(&stream.Fail{Code: stream.NoCapacity, Text: "no worker is on offer that may be trusted"})
			}
			return nil, err
		}
		if len(sh.sets) <= l.size(w)/4 && sh.fetching == nil && (found == nil || w.affinity == [32]byte{}) {
			sh.fetching = make(chan struct{})
			if !l.s.spawn(func() { l.fetch(w, sh) }) {
				sh.err = errClosed
				close(sh.fetching)
				sh.fetching = nil
			}
		}
		wait := sh.fetching
		l.mu.Unlock()
		if found != nil {
			return found, nil
		}
		if wait == nil {
			return nil, errClosed
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// next is a set that has not expired, the newest first.
func (sh *shelf) next(now time.Time) *set {
	for n := len(sh.sets); n > 0; n = len(sh.sets) {
		s := sh.sets[n-1]
		sh.sets = sh.sets[:n-1]
		if now.Before(s.expires) {
			return s
		}
		sh.sets = nil // those below are older
	}
	return nil
}

// maxShelves bounds conversations that are remembered.
const maxShelves = 4096

func (l *leases) sweep() {
	if len(l.stock) < maxShelves {
		return
	}
	for w, sh := range l.stock {
		if sh.fetching == nil {
			delete(l.stock, w)
		}
	}
}

// forget drops all sets: the process that gave them may be gone, and another knows
// none of them.
func (l *leases) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, sh := range l.stock {
		sh.sets = nil
	}
}

// fetch fills a shelf with sets whose candidates were verified.
func (l *leases) fetch(w want, sh *shelf) {
	sets, err := l.ask(w)
	l.mu.Lock()
	sh.err = err
	sh.sets = append(sh.sets, sets...)
	if len(sets) > 0 {
		var dear cocoon.Price
		for _, s := range sets {
			dear = dearest(dear, s.price())
		}
		l.prices[w.model] = dear
	}
	close(sh.fetching)
	sh.fetching = nil
	l.mu.Unlock()
	l.prepare(sets)
}

func (l *leases) ask(w want) ([]*set, error) {
	s := l.s
	node, number, err := s.place()
	if err != nil {
		return nil, err
	}
	answer, err := ask(s.life, s.link, node, stream.LeaseVerb, stream.Lease{Channel: s.cfg.Channel, Session: number, Model: w.model, Caps: s.cfg.Caps, Affinity: w.affinity,
		Tier: s.deps.Trust.Policy().Tier, Sets: uint8(l.size(w)), Width: uint8(s.cfg.Width)}, stream.ParseLeases)
	if err != nil {
		return nil, err
	}
	peers, err := l.meet(answer, w.model)
	var sets []*set
	for _, one := range answer.Sets {
		if found := l.accept(one, peers, answer.Expires); found != nil {
			sets = append(sets, found)
		}
	}
	return sets, err
}
