package indexer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
)

// engine is what the two databases do differently. All other SQL of this package
// is what both read alike: whole numbers for truth values, no functions of one.
type engine interface {
	// connect opens one connection that writes and several that read.
	connect() (write, read *bun.DB, err error)
	// schema is a migration in the words of this database.
	schema(migration string) string
	// alone lets one program at a time change the schema, until tx ends.
	alone(ctx context.Context, tx bun.Tx) error
	// insert adds rows to the log, the fastest way for so many.
	insert(ctx context.Context, tx transaction, rows []eventRow) error
	// explain gives an error its kind and its hint.
	explain(err error) error
	// clock is an expression for the time, in milliseconds.
	clock() string
	// departed tells that the process which called itself owner has ended. False where nobody can know.
	departed(owner string) bool
	// String names the database, without any secret.
	String() string
}

// store is the database: one connection writes, several read.
type store struct {
	engine
	write *bun.DB
	read  *bun.DB
	lease lease
}

// transaction is one write; conn is the connection it runs on.
type transaction struct {
	bun.Tx
	conn bun.Conn
}

// openStore opens or creates the database and brings it up to date.
func openStore(ctx context.Context, cfg Config) (*store, error) {
	e, err := cfg.engine()
	if err != nil {
		return nil, err
	}
	w, r, err := e.connect()
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", e, e.explain(err))
	}
	s := &store{engine: e, write: w, read: r, lease: newLease(cfg, e.clock())}
	if err = s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", e, e.explain(err)), s.Close())
	}
	return s, nil
}

// engine is the database that c names.
func (c Config) engine() (engine, error) {
	if c.DSN != "" {
		return newPostgres(c.DSN)
	}
	return sqlite{c.Path}, nil
}

// explainRead gives the error of a reader its kind where the database does not
// answer. What else a database may have is no fault of a question.
func (s *store) explainRead(err error) error {
	if told := s.explain(err); cocoon.KindOf(told) == cocoon.Unreachable {
		return told
	}
	return err
}

// Close gives the lease back and closes every connection.
func (s *store) Close() error {
	if s.lease.generation.Load() != 0 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.lease.release(ctx, s.write) // it runs out by itself
	}
	return errors.Join(s.write.Close(), s.read.Close())
}

// update is a write transaction of the one process that may write: it fails with
// ErrOvertaken, and changes nothing, where another has taken the lease.
func (s *store) update(ctx context.Context, do func(context.Context, transaction) error) error {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return s.explain(err)
	}
	defer func() { _ = conn.Close() }()
	return s.explain(conn.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if err := s.lease.hold(ctx, tx); err != nil {
			return err
		}
		return do(ctx, transaction{tx, conn})
	}))
}
