package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/localnet"
)

// measureCatchUp lets the indexer and the baseline read the whole segment from a
// liteserver that takes its time, by turns.
func measureCatchUp(ctx context.Context, f *figures, o options, s *segment) error {
	for delay, to := range map[time.Duration]struct{ rate, ratio **float64 }{
		0: {&f.CatchUp0, &f.VsPerTx0}, 5 * time.Millisecond: {&f.CatchUp5, &f.VsPerTx5}, 30 * time.Millisecond: {&f.CatchUp30, &f.VsPerTx30}} {
		var ours, theirs, ratios []float64
		for range o.rounds {
			us, err := s.timed(ctx, delay, f, s.catchUp)
			if err != nil {
				return fmt.Errorf("catch up at %s: %w", delay, err)
			}
			them, err := s.timed(ctx, delay, nil, s.perTransaction)
			if err != nil {
				return fmt.Errorf("catch up per transaction at %s: %w", delay, err)
			}
			ours, theirs, ratios = append(ours, us), append(theirs, them), append(ratios, us/them)
		}
		*to.rate, *to.ratio = median(ours), median(ratios)
		note("catch-up at %s: %.1f blocks/s, per transaction %.1f, ratio %.2f", delay, **to.rate, *median(theirs), **to.ratio)
	}
	return nil
}

// timed is how many blocks a second a side reads from a liteserver of its own;
// where f is given, what it asked per block goes there.
func (s *segment) timed(ctx context.Context, delay time.Duration, f *figures, side func(context.Context, *localnet.Server) (time.Duration, error)) (float64, error) {
	server, err := s.local.Serve(localnet.Faults{Latency: delay})
	if err != nil {
		return 0, err
	}
	took, err := side(ctx, server)
	if err = errors.Join(err, server.Close()); err != nil {
		return 0, err
	}
	if f != nil {
		stats := server.Stats()
		n := float64(len(s.blocks))
		blocks, others := float64(stats.Queries["getBlock"])/n, float64(stats.Total()-stats.Queries["getBlock"])/n
		f.GetBlockPerBlock, f.OtherRPCsPerBlock = &blocks, &others
	}
	return float64(len(s.blocks)) / took.Seconds(), nil
}

// catchUp is how long the indexer takes from nothing to the head, database and all.
func (s *segment) catchUp(ctx context.Context, server *localnet.Server) (took time.Duration, err error) {
	client, err := dial(ctx, server.Config())
	if err != nil {
		return 0, err
	}
	defer client.Close()
	err = inFolder(func(path string) error {
		took, _, err = indexed(ctx, indexer.Config{Path: path}, client, s.head)
		return err
	})
	return took, err
}

// indexed runs an indexer over a new database until it has read a masterchain
// block, and returns how long that took and how many events there are.
func indexed(ctx context.Context, cfg indexer.Config, source indexer.Chain, until uint32) (took time.Duration, events uint64, err error) {
	cfg.GlobalID, cfg.Registry, cfg.Chain = localnet.DefaultGlobalID, registry, source
	x, err := indexer.Open(ctx, cfg)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	began := time.Now()
	err = following(ctx, x, func(ctx context.Context) error {
		err := x.WaitSeqno(ctx, until)
		took = time.Since(began)
		return err
	})
	return took, x.Head().Events, err
}

// following does something while the indexer runs; an indexer that stops ends it.
func following(ctx context.Context, x *indexer.Indexer, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopped := make(chan error, 1)
	go func() {
		err := x.Run(ctx)
		cancel(err)
		stopped <- err
	}()
	err := do(ctx)
	cancel(nil)
	if failed := <-stopped; failed != nil {
		return failed
	}
	return err
}
