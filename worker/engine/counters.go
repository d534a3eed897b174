package engine

import (
	"sync"
	"time"
)

// Counters is what an engine has done since it was opened, in requests that
// were in order; what is refused with 400 or 404 counts nowhere. Started is
// always the sum of Finished, Failed, Cancelled and those still open.
type Counters struct {
	Started   uint64 `json:"started"`
	Finished  uint64 `json:"finished"`  // the whole answer was handed on
	Failed    uint64 `json:"failed"`    // by a fault, or with a full queue
	Cancelled uint64 `json:"cancelled"` // their clients went away
	Running   int    `json:"running"`   // holding a slot now
	Waiting   int    `json:"waiting"`   // queued for one now
	Tokens    uint64 `json:"tokens"`    // generated, whoever read them
	// LastAbort is when the newest cancelled request had left its slot and
	// ended, in unix microseconds by the engine's clock; 0 before the first.
	LastAbort int64 `json:"last_abort_us"`
	// SlowestAbort is the longest time from a closed connection, as the server
	// saw it, to the end of its request, in microseconds.
	SlowestAbort int64 `json:"slowest_abort_us"`
}

type counter struct {
	mu sync.Mutex
	Counters
}

// outcome is how a request ended.
type outcome int

const (
	finished outcome = iota + 1
	failed
	cancelled
)

// start returns the number of a request, from 1.
func (c *counter) start() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Started++
	return c.Started
}

func (c *counter) end(o outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch o {
	case finished:
		c.Finished++
	case failed:
		c.Failed++
	case cancelled:
		c.Cancelled++
	}
}

// abort is end for a request whose client was seen to go away at closed.
func (c *counter) abort(closed, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Cancelled++
	c.LastAbort = now.UnixMicro()
	c.SlowestAbort = max(c.SlowestAbort, now.Sub(closed).Microseconds())
}

func (c *counter) made(tokens int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Tokens += uint64(tokens)
}

// Counters returns what the engine has done so far.
func (e *Engine) Counters() Counters {
	running, waiting := e.batch.load()
	e.count.mu.Lock()
	defer e.count.mu.Unlock()
	c := e.count.Counters
	c.Running, c.Waiting = running, waiting
	return c
}
