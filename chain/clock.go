package chain

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Local tells whether a network is none of the public ones: its time is its own.
func Local(globalID int32) bool { return globalID != Mainnet && globalID != Testnet }

// Clock is the time by which how old a chain's blocks are is judged. On a public
// network it is this machine's. A local chain lives in a time of its own, which
// may jump: there it is that of the newest block, and what has passed since it came.
type Clock struct {
	wall func() time.Time

	mu    sync.Mutex
	block time.Time // of the newest block; zero where the wall's time counts
	came  time.Time // by the wall
}

// NewClock is the clock of c's chain; Run keeps it right on a local one.
func NewClock(ctx context.Context, c *Client, globalID int32) (*Clock, error) {
	k := &Clock{wall: time.Now}
	if !Local(globalID) {
		return k, nil
	}
	head, err := c.Head(ctx)
	if err != nil {
		return nil, err
	}
	return k, k.follow(ctx, c, head)
}

func (k *Clock) follow(ctx context.Context, c *Client, head *BlockID) error {
	at, err := c.Time(ctx, head)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if at.After(k.block) {
		k.block, k.came = at, k.wall()
	}
	return nil
}

// clockPause is how long a chain that does not answer is left alone.
const clockPause = time.Second

// Run follows the blocks of a local chain until ctx ends; for another there is nothing to do.
func (k *Clock) Run(ctx context.Context, c *Client, log *slog.Logger) {
	k.mu.Lock()
	local := !k.block.IsZero()
	k.mu.Unlock()
	for next := uint32(0); local && ctx.Err() == nil; {
		head, err := c.HeadFrom(ctx, next)
		if err == nil {
			next = head.SeqNo + 1
			err = k.follow(ctx, c, head)
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		log.Warn("the chain's time is not known", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(clockPause):
		}
	}
}

// Now is the time.
func (k *Clock) Now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.block.IsZero() {
		return k.wall()
	}
	return k.block.Add(k.wall().Sub(k.came))
}
