package localnet

import (
	"fmt"
	"sync"
	"time"
)

// clock is the chain's time: the wall clock, a shrinking way behind it.
type clock struct {
	wall func() time.Time

	mu     sync.Mutex
	behind time.Duration
	last   time.Time // what now said before; time never goes back
}

// startClock reads start at this moment.
func startClock(wall func() time.Time, start time.Time) *clock {
	return &clock{wall: wall, behind: wall().Sub(start), last: start}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read()
}

func (c *clock) read() time.Time {
	if now := c.wall().Add(-c.behind); now.After(c.last) {
		c.last = now
	}
	return c.last
}

// advance moves the chain's time forward. Clients date what they sign by the
// wall clock, so the chain may catch up with it but not pass it.
func (c *clock) advance(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d < 0 {
		return fmt.Errorf("advance time by %s: time does not go back", d)
	}
	if room := c.wall().Sub(c.read()); d > room {
		return fmt.Errorf("advance time by %s: the wall clock is only %s ahead", d, room.Round(time.Second))
	}
	c.behind -= d
	c.read()
	return nil
}
