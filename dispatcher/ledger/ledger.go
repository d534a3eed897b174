// Package ledger is the money of a dispatcher's interactive streams: what
// clients have promised, what was used, what workers are owed, within the
// bounds of docs/protocol/book.md. It does no network I/O: whoever serves
// requests calls it, and tells it what the chain says.
//
// A session begins with Hello. A request is admitted, assigned, extended while it
// streams, and committed when its worker signs; once that is durable the worker
// is acknowledged and the client told, who agrees or disputes. Beside that: Ripe
// and Earned every second, Book every minute, Due after new facts, Leaves when an
// epoch is planned, Pending after a start.
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
)

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
	for account := range l.state.channels {
		l.state.lent[account] = true // if it has none, the first who looks takes it out
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
	l.mu.Lock()
	l.state.letGo(l.now())
	for key, b := range l.state.boots {
		if b.Until <= l.now() && !l.state.dirty.boots[key] {
			delete(l.state.boots, key) // nothing that it signed is taken any more
		}
	}
	l.mu.Unlock()
	return l.store.forget(ctx, l.cfg.Now().Add(-l.cfg.Keep))
}

// flush writes what changed since the last time into the tables. Once it has taken
// that, it has to arrive: what comes after it says that the tables have it.
func (l *Ledger) flush(ctx context.Context) error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	n, err := l.state.snapshot(l.journal.last())
	l.mu.Unlock()
	if err == nil {
		err = l.store.write(context.WithoutCancel(ctx), n)
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
