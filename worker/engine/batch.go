package engine

import (
	"context"
	"slices"
	"sync"
	"time"
)

// batch is continuous batching: in each step every running request decodes one
// token of each of its choices, while those newly admitted prefill a chunk. Who
// arrives joins with the next step, first come first served.
type batch struct {
	cost  Cost
	clock Clock
	cache *cache
	count *counter
	wake  chan struct{} // something changed while all were stalled

	mu      sync.Mutex
	waiting []*ticket
	running []*ticket
	looping bool
}

func newBatch(cost Cost, clock Clock, cache *cache, count *counter) *batch {
	if cost.Chunk == 0 {
		cost.Chunk = defaultChunk
	}
	return &batch{cost: cost, clock: clock, cache: cache, count: count, wake: make(chan struct{}, 1)}
}

// enter queues a request for its slots. It is nil where the queue is full.
func (b *batch) enter(prompts [][]string, lengths []int, s stalls) *ticket {
	t := &ticket{lengths: lengths, steps: 1, stalls: s, news: make(chan struct{}, 1), prompts: prompts}
	for _, n := range lengths {
		t.steps = max(t.steps, n)
	}
	t.stalls.hang = min(t.stalls.hang, t.steps-1) // or it would not
	b.mu.Lock()
	defer b.mu.Unlock()
	waits := len(b.waiting) > 0 || !b.fits(t)
	if waits && b.cost.Queue > 0 && len(b.waiting) >= b.cost.Queue {
		return nil
	}
	b.waiting = append(b.waiting, t)
	b.admit()
	if !b.looping {
		b.looping = true
		go b.loop()
	}
	b.stir()
	return t
}

func (b *batch) stir() {
	select {
	case b.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// leave frees the slots of a request, if it holds or waits for any.
func (b *batch) leave(t *ticket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.gone = true
	same := func(o *ticket) bool { return o == t }
	b.waiting = slices.DeleteFunc(b.waiting, same)
	b.running = slices.DeleteFunc(b.running, same)
	b.admit()
	b.stir()
}

func (b *batch) load() (running, waiting int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.running), len(b.waiting)
}

// fits reports whether t may run now. One with more choices than there are
// slots has all of them to itself.
func (b *batch) fits(t *ticket) bool {
	used := 0
	for _, r := range b.running {
		used += r.width()
	}
	return b.cost.Slots == 0 || used == 0 || used+t.width() <= b.cost.Slots
}

// admit gives free slots to those that wait, in order.
func (b *batch) admit() {
	for len(b.waiting) > 0 && b.fits(b.waiting[0]) {
		t := b.waiting[0]
		b.waiting = b.waiting[1:]
		b.running = append(b.running, t)
		for _, p := range t.prompts {
			cached := b.cache.cached(p)
			t.cached += cached
			t.prefill += max(len(p)-cached, 1)
		}
		if t.stalls.first > 0 {
			t.until = b.clock.Now().Add(t.stalls.first)
		}
	}
}

// loop makes steps until nobody is left. The end of a step is reckoned from the
// end of the one before, so that late timers do not add up.
func (b *batch) loop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := b.clock.Now()
	for len(b.running) > 0 {
		now := b.clock.Now()
		s := b.plan(now)
		if len(s.parts) == 0 {
			b.rest(now, s.next)
			at = b.clock.Now()
			continue
		}
		if d := b.cost.step(s.prefill, s.decode); d > 0 {
			at = at.Add(d)
			if wait := at.Sub(now); wait > 0 {
				b.mu.Unlock()
				<-b.clock.After(wait)
				b.mu.Lock()
			}
		}
		b.apply(s)
		b.admit()
	}
	b.looping = false
}

// rest waits until next, or for ever where it is zero, or until something changes.
func (b *batch) rest(now, next time.Time) {
	b.mu.Unlock()
	defer b.mu.Lock()
	var due <-chan time.Time
	if !next.IsZero() {
		due = b.clock.After(next.Sub(now))
	}
	select {
	case <-due:
	case <-b.wake:
	}
}

// wait returns how many steps of t are done once they are more than have, or
// false when ctx ended first.
func (b *batch) wait(ctx context.Context, t *ticket, have int) (done int, ok bool) {
	for {
		if ctx.Err() != nil {
			return have, false
		}
		b.mu.Lock()
		done = t.done
		b.mu.Unlock()
		if done > have {
			return done, true
		}
		select {
		case <-t.news:
		case <-ctx.Done():
		}
	}
}

// hits is how many of t's prompt tokens were cached, once it was admitted.
func (b *batch) hits(t *ticket) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return t.cached
}
