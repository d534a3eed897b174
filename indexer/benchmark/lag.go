package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/localnet"
)

// pace is how often the live chain makes a masterchain block.
const pace = 400 * time.Millisecond

// liveKeep is how many masterchain blocks the live chain keeps: half an hour of
// all of them would not fit into memory.
const liveKeep = 256

// moments are when something was at a masterchain block.
type moments struct {
	mu sync.Mutex
	at map[uint32]time.Time
}

func (m *moments) note(seqno uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at[seqno] = time.Now()
}

// measureLag follows a chain that makes 2.5 masterchain blocks a second. Lag is
// the time from when clients can see a block until its rows are committed.
func measureLag(ctx context.Context, f *figures, o options, _ *segment) (err error) {
	m, err := newMarket(ctx, o.load, liveKeep)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.local.Close()) }()
	client, err := dial(ctx, m.local.GlobalConfig())
	if err != nil {
		return err
	}
	defer client.Close()
	head, err := client.Head(ctx)
	if err != nil {
		return err
	}
	var lags []float64
	err = inFolder(func(path string) error {
		x, err := indexer.Open(ctx, indexer.Config{Path: path, GlobalID: localnet.DefaultGlobalID, Registry: registry, Chain: client})
		if err != nil {
			return err
		}
		err = following(ctx, x, func(ctx context.Context) error {
			if err := x.WaitSeqno(ctx, head.SeqNo); err != nil {
				return err
			}
			lags, err = m.lags(ctx, x, head.SeqNo, o.live)
			return err
		})
		return errors.Join(err, x.Close())
	})
	if err != nil {
		return fmt.Errorf("follow live: %w", err)
	}
	f.LagP50, f.LagP95, f.LagP99 = quantile(lags, 0.5), quantile(lags, 0.95), quantile(lags, 0.99)
	note("live: %d blocks, lag %.1f ms p50, %.1f p95, %.1f p99", len(lags), *f.LagP50, *f.LagP95, *f.LagP99)
	return nil
}

// lags are in milliseconds, one for each block made from head on.
func (m *market) lags(ctx context.Context, x *indexer.Indexer, head uint32, live time.Duration) (list []float64, err error) {
	made, indexed := moments{at: map[uint32]time.Time{}}, moments{at: map[uint32]time.Time{}}
	last := head + uint32(max(live/pace, 1))
	done := make(chan error, 1)
	go func() {
		var err error
		for seqno := head + 1; seqno <= last && err == nil; seqno++ {
			err = x.WaitSeqno(ctx, seqno)
			indexed.note(seqno)
		}
		done <- err
	}()
	err = m.live(ctx, &made, head, last)
	if err = errors.Join(err, <-done); err != nil {
		return nil, err
	}
	for seqno, at := range made.at {
		list = append(list, max(0, float64(indexed.at[seqno].Sub(at).Microseconds())/1000))
	}
	return list, nil
}

// live makes the blocks after head up to last, each at its time.
func (m *market) live(ctx context.Context, made *moments, head, last uint32) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for seqno := head + 1; seqno <= last; seqno++ {
		if err := m.push(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := m.local.Mine(); err != nil {
			return err
		}
		made.note(seqno)
	}
	return nil
}
