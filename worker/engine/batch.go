package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Cost is what answering takes. Zero in each field is free, or without limit.
type Cost struct {
	Prefill  int           // prompt tokens a second
	Chunk    int           // most prompt tokens of one step, all requests together; 0: 2048
	Step     time.Duration // a step in which any token is decoded
	Sequence time.Duration // what each sequence that decodes adds to the step
	Slots    int           // sequences (choices) at once
	Queue    int           // requests that wait for a slot; more are answered 503
}

const defaultChunk = 2048

func (c Cost) validate() error {
	if c.Prefill < 0 || c.Chunk < 0 || c.Step < 0 || c.Sequence < 0 || c.Slots < 0 || c.Queue < 0 {
		return cocoon.Invalid.Errorf("an engine's costs and limits are not negative")
	}
	if c.Step > time.Hour || c.Sequence > time.Hour {
		return cocoon.Invalid.Errorf("a step of an engine takes an hour at most")
	}
	if c.Queue > 0 && c.Slots == 0 {
		return cocoon.WithHint(cocoon.Invalid.Errorf("a queue of %d requests has no slots to wait for", c.Queue), "limit the slots too")
	}
	return nil
}

// step is how long one takes that prefills and decodes so much.
func (c Cost) step(prefill, decode int) time.Duration {
	var d time.Duration
	if c.Prefill > 0 {
		d = time.Duration(prefill) * time.Second / time.Duration(c.Prefill)
	}
	if decode > 0 {
		d += c.Step + time.Duration(decode)*c.Sequence
	}
	return d
}

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

// ticket is one request's place in the batch.
type ticket struct {
	lengths []int // tokens of each choice
	steps   int   // until the longest is done, at least 1
	stalls  stalls
	news    chan struct{} // done has grown

	// guarded by batch.mu
	prompts [][]string
	gone    bool
	prefill int // prompt tokens still to compute
	cached  int
	done    int
	until   time.Time // makes no progress before
}

// stalls is how a request is slow on purpose.
type stalls struct {
	first, each time.Duration // before the prefill; after each token
	hang        int           // tokens after which it makes no progress; negative: never
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

// decoding is how many of t's choices have tokens left.
func (t *ticket) decoding() int {
	n := 0
	for _, l := range t.lengths {
		if l > t.done {
			n++
		}
	}
	return n
}

// width is how many slots t takes; one that is only a prompt takes one.
func (t *ticket) width() int { return max(t.decoding(), 1) }

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

// part is what a step does for one request: prefill so many tokens, or decode.
type part struct {
	t       *ticket
	prefill int
}

type step struct {
	parts           []part
	prefill, decode int
	next            time.Time // when the first one that is stalled goes on
}

func (b *batch) plan(now time.Time) (s step) {
	for _, t := range b.running {
		switch chunk := min(t.prefill, b.cost.Chunk-s.prefill); {
		case t.stalls.hang >= 0 && t.done >= t.stalls.hang:
		case now.Before(t.until):
			if s.next.IsZero() || t.until.Before(s.next) {
				s.next = t.until
			}
		case t.prefill == 0:
			s.parts = append(s.parts, part{t, 0})
			s.decode += t.width()
		case chunk > 0:
			s.parts = append(s.parts, part{t, chunk})
			s.prefill += chunk
		}
	}
	return s
}

// apply is what a step has done, for those that did not leave meanwhile. The
// end of the prefill yields the first token.
func (b *batch) apply(s step) {
	for _, p := range s.parts {
		t := p.t
		if t.gone {
			continue
		}
		if t.prefill -= p.prefill; t.prefill > 0 {
			continue
		}
		if t.done == 0 {
			for _, prompt := range t.prompts {
				b.cache.remember(prompt)
			}
		}
		b.count.made(t.decoding())
		if t.done++; t.stalls.each > 0 {
			t.until = b.clock.Now().Add(t.stalls.each)
		}
		select {
		case t.news <- struct{}{}:
		default: // it has not looked since the last one
		}
	}
	b.running = slices.DeleteFunc(b.running, func(t *ticket) bool { return t.done >= t.steps })
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
