package worker

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff is a growing pause between attempts.
type backoff struct{ next, most time.Duration }

func newBackoff(first time.Duration) *backoff { return &backoff{first, 30 * first} }

// sleep waits for the next pause, half of it at random, or until ctx ends.
func (b *backoff) sleep(ctx context.Context) {
	pause := b.next/2 + rand.N(b.next/2+1)
	b.next = min(2*b.next, b.most)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
