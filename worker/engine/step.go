package engine

import (
	"slices"
	"time"
)

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
