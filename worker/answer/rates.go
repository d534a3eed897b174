package answer

import (
	"sync"
	"time"
)

// rates are how fast the engine was of late. Large requests weigh more: what a
// request takes besides its tokens matters less in them.
type rates struct {
	mu              sync.Mutex
	prefill, decode rate
}

// rate is tokens over seconds; older ones fade.
type rate struct{ tokens, seconds float64 }

const fade = 0.95

func (r *rate) add(tokens uint64, took time.Duration) {
	if tokens > 0 && took > 0 {
		r.tokens, r.seconds = fade*r.tokens+float64(tokens), fade*r.seconds+took.Seconds()
	}
}

// perSecond is 0 before anything was measured.
func (r rate) perSecond() float64 {
	if r.seconds == 0 {
		return 0
	}
	return r.tokens / r.seconds
}

// add takes in an answer whose prompt the engine counted.
func (r *rates) add(m meter) {
	if !m.known || m.first.IsZero() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.prefill.add(m.usage.Prompt, m.first.Sub(m.start))
	r.decode.add(m.out()-1, m.last.Sub(m.first))
}

func (r *rates) perSecond() (prefill, decode float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.prefill.perSecond(), r.decode.perSecond()
}
