package answer

import (
	"context"
	"time"
)

// pace tells an engine whose tokens come one by one from one that is fast. Tokens of
// the former wait for their window in any case: they are read shortly before it ends,
// with one wake-up for all. The end of a long answer may come a window later by that.
type pace struct {
	window time.Duration
	events int
	fresh  int       // since everything that had come was used up
	since  time.Time // when that was
	alone  int       // events in a row that came by themselves
	slow   bool      // for good
}

const (
	longAnswer = 16                   // events
	apart      = 4 * time.Millisecond // what comes after that long comes by itself
	readAhead  = 3 * time.Millisecond // of the window's end
)

// heard is after an event; more is there without waiting for it, or is not.
func (p *pace) heard(more bool, now time.Time) {
	p.events++
	p.fresh++
	if more || p.slow || p.window <= 0 {
		return
	}
	if p.fresh == 1 && now.Sub(p.since) >= apart {
		p.alone++
	} else {
		p.alone = 0
	}
	p.fresh, p.since = 0, now
	p.slow = p.events >= longAnswer && p.alone >= 2
}

// wait lets a slow engine say more, until shortly before the window ends.
func (p *pace) wait(ctx context.Context) {
	if !p.slow {
		return
	}
	now := time.Now()
	timer := time.NewTimer(windowEnd(now.Add(readAhead), p.window).Add(-readAhead).Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
