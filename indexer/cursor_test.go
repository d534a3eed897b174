package indexer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// impatient is a context that is cancelled when it has been looked at so many
// times, which is at each question to a database.
type impatient struct {
	context.Context
	cancel context.CancelFunc
	looks  chan struct{} // as many as are left
}

func impatience(t *testing.T, looks int) impatient {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	c := impatient{ctx, cancel, make(chan struct{}, looks)}
	for range looks {
		c.looks <- struct{}{}
	}
	return c
}

func (c impatient) Done() <-chan struct{} {
	select {
	case <-c.looks:
	default:
		c.cancel()
	}
	return c.Context.Done()
}

// Whoever stops an indexer, or takes its database away, does so between any two questions.
func TestCommit_GivenUpAtAnyMomentChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	played := w.open(newPath(t))
	w.play()
	w.follow(played)
	tp := recordTape(t, played)
	x := w.open(newPath(t))
	before := x.position()
	looks := 0
	for ; ; looks++ {
		if x.commit(impatience(t, looks), tp.take(0, before)) == nil {
			break
		}
		require.Equal(t, before, x.position())
	}
	require.Greater(t, looks, 100)
	require.NoError(t, x.refresh(t.Context()))
	require.Equal(t, digests(t, played), digests(t, x))
}
