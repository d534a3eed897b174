package indexer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
)

// ErrOvertaken says that another process has the lease or moved the cursor: two indexers share one database.
var ErrOvertaken = cocoon.WithHint(cocoon.Conflict.Errorf("another indexer writes to this database"), "stop one of them, or give each a database of its own")

// leaseTerm is how long a writer that went silent keeps others waiting.
const leaseTerm = 10 * time.Second

// lease is the right to write. Each time it changes hands its generation grows,
// and every transaction that writes proves that it is of the newest one: whoever
// lost the lease, by a long pause or a wrong clock, can write no more. Time only
// decides how soon another may take it, and it is the database's.
type lease struct {
	owner      string
	term       int64 // milliseconds
	clock      string
	wall       func() time.Time
	ahead      atomic.Int64 // milliseconds that the database's clock was ahead of wall, which only Clocks tells
	generation atomic.Int64 // that this process took; 0 is none
}

func newLease(cfg Config, clock string) lease {
	term := cfg.term
	if term == 0 {
		term = leaseTerm
	}
	return lease{owner: newOwner(), term: term.Milliseconds(), clock: clock, wall: cfg.Clock}
}

// newOwner names this process, for those who wait for it and for departed.
func newOwner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()[:8])
}

// claim takes the lease where nobody else holds it; holder is who does, "" where
// it was taken. One that ends later than a term from now was given by a clock
// that has been set back since, and counts as ended.
func (s *store) claim(ctx context.Context) (holder string, err error) {
	l := &s.lease
	var taken int64
	err = s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var generation, expires, now int64
		if err := tx.QueryRowContext(ctx, `SELECT owner, generation, expires, `+l.clock+` FROM lease`).Scan(&holder, &generation, &expires, &now); err != nil {
			return err
		}
		l.ahead.Store(now - l.wall().UnixMilli())
		left := expires - now
		if holder != "" && holder != l.owner && left > 0 && left <= l.term && !s.departed(holder) {
			return nil
		}
		n, err := affected(tx.ExecContext(ctx, `UPDATE lease SET owner = ?, generation = generation + 1, expires = `+l.clock+` + ? WHERE generation = ?`, l.owner, l.term, generation))
		if n == 1 {
			taken = generation + 1
		} else {
			holder = "another, which was faster"
		}
		return err
	})
	if err != nil {
		return "", s.explain(fmt.Errorf("take the lease: %w", err))
	}
	if l.generation.Store(taken); taken != 0 {
		return "", nil
	}
	return holder, nil
}

// hold renews the lease for as long as a transaction of its holder lasts.
func (l *lease) hold(ctx context.Context, tx bun.IDB) error {
	n, err := affected(tx.ExecContext(ctx, `UPDATE lease SET expires = `+l.clock+` + ? WHERE generation = ? AND owner = ?`, l.term, l.generation.Load(), l.owner))
	if err == nil && n != 1 {
		return ErrOvertaken
	}
	return err
}

// release lets others take the lease at once.
func (l *lease) release(ctx context.Context, db bun.IDB) error {
	_, err := db.ExecContext(ctx, `UPDATE lease SET owner = '', expires = 0 WHERE generation = ? AND owner = ?`, l.generation.Load(), l.owner)
	return err
}

func affected(res interface{ RowsAffected() (int64, error) }, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// lead returns once this indexer may write. Until then it follows what the
// writer commits, for its readers.
func (x *Indexer) lead(ctx context.Context) error {
	for waiting := false; ; waiting = true {
		holder, err := x.store.claim(ctx)
		if err != nil {
			return err
		}
		if err = x.refresh(ctx); err != nil {
			return err
		}
		if holder == "" {
			return x.renew(ctx)
		}
		if !waiting {
			x.log.Warn("another indexer writes to this database; waiting for its lease", "holder", holder)
		}
		select {
		case <-time.After(time.Duration(x.store.lease.term) * time.Millisecond / 10):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// keep renews the lease while the returned context lasts, and ends it where the lease is lost.
func (x *Indexer) keep(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		for {
			select {
			case <-time.After(time.Duration(x.store.lease.term) * time.Millisecond / 3):
			case <-ctx.Done():
				return
			}
			err := x.store.update(ctx, func(context.Context, transaction) error { return nil })
			if errors.Is(err, ErrOvertaken) {
				cancel(err)
			} else if err != nil && ctx.Err() == nil {
				x.log.Warn("lease not renewed", "err", err)
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}
