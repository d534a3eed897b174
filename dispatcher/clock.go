package dispatcher

import (
	"sync"
	"time"

	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// chainClock is the ledger's: the time of the newest indexed block, and what has
// passed here since it came. A local chain lives in a time of its own, which may
// jump. On a public network this machine's clock counts too where it is ahead,
// so that an index which is catching up does not pass for one that has.
type chainClock struct {
	head   func() market.Head
	wall   func() time.Time
	public bool

	mu    sync.Mutex
	seqno uint32
	moved time.Time // by wall, when the head was first seen there
	now   time.Time // as told last: it never goes back
}

func newChainClock(head func() market.Head, wall func() time.Time, globalID int32) *chainClock {
	return &chainClock{head: head, wall: wall, public: !chain.Local(globalID)}
}

// Now is the time of the chain. Somebody has to ask at each block, or what has
// passed since it came is not known.
func (c *chainClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	head, wall := c.head(), c.wall()
	if head.Seqno != c.seqno || c.moved.IsZero() {
		c.seqno, c.moved = head.Seqno, wall
	}
	now := blockTime(head).Add(wall.Sub(c.moved))
	if c.public && wall.After(now) {
		now = wall
	}
	if now.After(c.now) {
		c.now = now
	}
	return c.now
}

func blockTime(h market.Head) time.Time { return time.Unix(int64(h.Time), 0) }
