package market

import (
	"context"
	"fmt"
	"time"

	"github.com/cocoon-network/cocoon"
	told "github.com/cocoon-network/cocoon/protocol/market"
)

// awaitEpoch waits until the newest epoch is as wanted.
func (m *Market) awaitEpoch(ctx context.Context, what string, wanted func(told.Epoch) bool) (found told.Epoch, err error) {
	err = m.awaitIndex(ctx, "an epoch that is "+what, func() (bool, error) {
		epochs, err := m.index.Epochs(ctx)
		if err != nil || len(epochs) == 0 {
			return false, err
		}
		found = epochs[len(epochs)-1]
		return wanted(found), nil
	})
	return found, err
}

// awaitIndex looks after every block until ready says so. What does not come
// while a minute of the wall clock passes is not coming.
func (m *Market) awaitIndex(ctx context.Context, what string, ready func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		at := m.index.Head()
		ok, err := ready()
		if err != nil || ok {
			return err
		}
		if err = m.index.WaitSeqno(ctx, at.Seqno+1); err != nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
	}
}

// awaitChannel waits until the indexer has the channel as wanted.
func (m *Market) awaitChannel(ctx context.Context, a cocoon.Account, what string, wanted func(told.Channel) bool) (c told.Channel, err error) {
	err = m.awaitIndex(ctx, "the channel to "+what, func() (bool, error) {
		if c, err = m.index.Channel(ctx, a); cocoon.KindOf(err) == cocoon.NotFound && err != nil {
			return false, nil
		}
		return err == nil && wanted(c), err
	})
	return c, err
}

// awaitEvent waits for an event of that name that comes to a after seq.
func (m *Market) awaitEvent(ctx context.Context, seq uint64, a cocoon.Account, name string) (found told.Event, err error) {
	err = m.awaitIndex(ctx, name+" to arrive", func() (bool, error) {
		events, err := m.index.Events(ctx, seq, 100)
		for _, e := range events {
			if seq = e.Seq; e.Account == a && e.Name == name {
				found = e
				return true, nil
			}
		}
		return false, err
	})
	return found, err
}
