package feed

import (
	"context"
	"slices"
	"sync"
)

// firstGuess is how large a block is thought to be before one was seen, in bytes.
const firstGuess = 64 << 10

// gate lets blocks in as far as there is room for their bytes, those that come
// out first before others. Their size is guessed until they are there.
type gate struct {
	limit int

	mu      sync.Mutex
	used    int
	guess   [2]int // the size of large ones lately: of shards, of the masterchain
	due     uint32 // the slot that comes out next, which is never held back
	last    uint32 // masterchain blocks up to this one lead to it
	waiting []*entrant
}

// entrant is a block that waits for room.
type entrant struct {
	slot   *slot
	master bool
	guess  int           // what was taken for it
	in     chan struct{} // closed when it may be read
}

func newGate(limit int) *gate { return &gate{limit: limit, guess: [2]int{firstGuess, firstGuess}} }

func kind(master bool) int {
	if master {
		return 1
	}
	return 0
}

// enter waits for room, and returns how much of it is taken.
func (g *gate) enter(ctx context.Context, s *slot, master bool) (guess int, err error) {
	e := &entrant{slot: s, master: master, in: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, e)
	g.admit()
	g.mu.Unlock()
	select {
	case <-e.in:
		return e.guess, nil
	case <-ctx.Done():
		return 0, ctx.Err() // of a run that ends as a whole
	}
}

// admit lets in whom there is room for, in the order in which they come out.
func (g *gate) admit() {
	for len(g.waiting) > 0 {
		first := 0
		for i, e := range g.waiting {
			if e.slot.seqno < g.waiting[first].slot.seqno {
				first = i
			}
		}
		e := g.waiting[first]
		guess := g.guess[kind(e.master)]
		if g.used+guess > g.limit && !g.leads(e) {
			return
		}
		e.guess = guess
		e.slot.bytes += guess
		g.used += guess
		g.waiting = slices.Delete(g.waiting, first, first+1)
		close(e.in)
	}
}

// leads tells whether the slot that is due waits for a block.
func (g *gate) leads(e *entrant) bool {
	return e.slot.seqno <= g.due || e.master && e.slot.seqno <= g.last
}

// settle replaces a guess by the size.
func (g *gate) settle(s *slot, master bool, guess, size int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.bytes += size - guess
	g.used += size - guess
	usual := &g.guess[kind(master)]
	*usual = max(size, *usual-*usual/16)
	g.admit()
}

// lead says which slot is due, and up to which one masterchain blocks lead to it.
func (g *gate) lead(due, last uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.due, g.last = due, last
	g.admit()
}

// leave gives back the room of a slot.
func (g *gate) leave(s *slot) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used -= s.bytes
	s.bytes = 0
	g.admit()
}

// held is how many bytes are let in, by size or by guess.
func (g *gate) held() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.used
}
