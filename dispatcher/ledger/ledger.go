// Package ledger is the money of a dispatcher's interactive streams: what
// clients have promised, what was used, what workers are owed, within the
// bounds of docs/protocol/book.md. It does no network I/O: whoever serves
// requests calls it, and tells it what the chain says.
//
// Everything that changes money is a record in a log that is synced in groups.
// A receipt is acknowledged, and earnings are signed, only once what they rest
// on is durable. docs/decisions/0012-the-ledger.md has the reasons.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
)

// Signer signs hashes with the receipt key of a number of epoch.
type Signer interface {
	Sign(number uint32, hash [32]byte) ([64]byte, error)
}

// Config is what a ledger is opened with.
type Config struct {
	Dir      string         // folder of its database and log, one ledger's own
	GlobalID int32          // of the network
	Rewards  cocoon.Account // the dispatcher's rewards contract
	Signer   Signer
	Now      func() time.Time
	Free     cocoon.Nano   // of a dispute allowance, before any share: what a stranger may deny; bound.Base unless the operator knows better
	Fee      cocoon.Nano   // of one settlement
	Linger   time.Duration // how long a record that nobody waits for may stay unsynced, at most 100 ms
	Flush    time.Duration // between two writes of the tables
	Keep     time.Duration // how long answered receipts are kept as evidence
}

// DefaultConfig is all but what is particular to one dispatcher.
func DefaultConfig() Config {
	return Config{Now: time.Now, Free: bound.Base(), Fee: cocoon.NanoOf(20_000_000), Linger: 50 * time.Millisecond, Flush: time.Second, Keep: 72 * time.Hour}
}

// Validate reports a config that no ledger can run with, which is Invalid.
func (c Config) Validate() error {
	switch {
	case c.Dir == "" || c.Rewards.IsZero() || c.Signer == nil || c.Now == nil:
		return cocoon.Invalid.Errorf("a ledger needs a folder, a rewards contract, a signer and a clock")
	case c.Linger <= 0 || c.Linger > 100*time.Millisecond:
		return cocoon.Invalid.Errorf("records may stay unsynced for up to 100 ms, not %s", c.Linger)
	case c.Flush <= 0 || c.Keep <= 0:
		return cocoon.Invalid.Errorf("tables are written every %s and receipts kept for %s", c.Flush, c.Keep)
	}
	return nil
}

// Ledger keeps the books of one dispatcher. Its methods may be called from any
// goroutine; what they promise becomes durable while Run runs.
type Ledger struct {
	cfg     Config
	store   *store
	journal *journal

	flushing sync.Mutex
	mu       sync.Mutex // of all below
	state    *state
	head     time.Time // of the newest block the facts are from
}

// Open opens or creates the ledger in cfg.Dir, as it was when it was last
// durable. Only one process may have it open.
func Open(ctx context.Context, cfg Config) (*Ledger, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	l := &Ledger{cfg: cfg}
	if err := l.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the ledger in %s: %w", cfg.Dir, err), l.Close())
	}
	return l, nil
}

// open replays what the tables lack, writes it there and begins a new log.
func (l *Ledger) open(ctx context.Context) (err error) {
	if l.store, err = openStore(ctx, filepath.Join(l.cfg.Dir, "ledger.db"), l.cfg.GlobalID, l.cfg.Rewards); err != nil {
		return err
	}
	var seq uint64
	if l.state, seq, err = l.store.load(ctx); err != nil {
		return err
	}
	last, err := replay(l.cfg.Dir, seq, func(body []byte) error {
		c, err := decodeChange(body)
		if err == nil {
			c.apply(l.state)
		}
		return err
	})
	if err != nil {
		return err
	}
	n, err := l.state.snapshot(last)
	if err == nil {
		err = l.store.write(ctx, n)
	}
	if err != nil {
		return err
	}
	l.state.forget()
	l.journal, err = beginJournal(l.cfg.Dir, last)
	return err
}

// Run makes records durable and keeps the tables up to date until ctx ends, and
// then once more. An error is for good: what was not acknowledged is lost, the
// ledger refuses all from then on and has to be opened again.
func (l *Ledger) Run(ctx context.Context) error {
	loops, running := errgroup.WithContext(ctx)
	loops.Go(func() error { return l.journal.run(running, l.cfg.Linger) })
	loops.Go(func() error {
		tick := time.NewTicker(l.cfg.Flush)
		defer tick.Stop()
		for {
			select {
			case <-running.Done():
				return nil
			case <-tick.C:
				if err := l.tidy(running); err != nil && running.Err() == nil {
					return l.journal.fail(unwritable(err))
				}
			}
		}
	})
	err := loops.Wait()
	if err == nil {
		err = l.journal.sync()
	}
	if err == nil {
		err = l.flush(context.WithoutCancel(ctx))
	}
	_ = l.journal.fail(cocoon.Unreachable.Errorf("the ledger has stopped")) // nobody makes anything durable any more
	return err
}

// tidy writes the tables and forgets what is old enough.
func (l *Ledger) tidy(ctx context.Context) error {
	if err := l.flush(ctx); err != nil {
		return err
	}
	return l.store.forget(ctx, l.cfg.Now().Add(-l.cfg.Keep))
}

// flush writes what changed since the last time into the tables.
func (l *Ledger) flush(ctx context.Context) error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	n, err := l.state.snapshot(l.journal.last())
	l.mu.Unlock()
	if err == nil {
		err = l.store.write(ctx, n)
	}
	if err != nil {
		return fmt.Errorf("write the ledger's tables: %w", err)
	}
	l.mu.Lock()
	l.state.forget()
	l.mu.Unlock()
	return l.journal.trim(n.seq)
}

// Close closes the files. What Run has not made durable is lost.
func (l *Ledger) Close() error {
	var errs []error
	if l.journal != nil {
		errs = append(errs, l.journal.close())
	}
	if l.store != nil {
		errs = append(errs, l.store.db.Close())
	}
	return errors.Join(errs...)
}

// do appends c to the log and, if that went well, lets it happen. The caller
// holds the lock.
func (l *Ledger) do(c change) (*batch, error) {
	body, err := encodeChange(c)
	if err != nil {
		return nil, err
	}
	b, err := l.journal.append(body)
	if err == nil {
		c.apply(l.state)
	}
	return b, err
}

func (l *Ledger) now() int64 { return l.cfg.Now().Unix() }
