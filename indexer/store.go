package indexer

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver, pure Go

	"github.com/cocoon-network/cocoon"
)

//go:embed migrations
var migrationFiles embed.FS

// store is the database: one connection writes, several read.
type store struct {
	write *bun.DB
	read  *bun.DB
}

// openStore opens or creates the database at path and brings it up to date.
func openStore(ctx context.Context, path string) (*store, error) {
	w, err := connect(path, 1, "immediate")
	if err != nil {
		return nil, err
	}
	r, err := connect(path, 4, "deferred")
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	s := &store{w, r}
	if err = s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), s.Close())
	}
	return s, nil
}

func connect(path string, connections int, lock string) (*bun.DB, error) {
	q := url.Values{"_txlock": {lock}, "_pragma": {"journal_mode(WAL)", "synchronous(NORMAL)", "busy_timeout(10000)", "foreign_keys(1)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	return bun.NewDB(db, sqlitedialect.New()), nil
}

// Close closes every connection.
func (s *store) Close() error { return errors.Join(s.write.Close(), s.read.Close()) }

// migration is one file of migrations/, applied as one transaction.
type migration struct{ name, sum, sql string }

func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.tx.up.sql")
	if err != nil {
		return nil, err
	}
	list := make([]migration, len(names))
	for i, name := range names { // Glob sorts, and names begin with their time
		b, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		list[i] = migration{strings.TrimSuffix(strings.TrimPrefix(name, "migrations/"), ".tx.up.sql"), hex.EncodeToString(sum[:]), string(b)}
	}
	return list, nil
}

// migrate applies what is missing. A database that holds a migration this
// program does not know was written by a newer one and is left alone.
func (s *store) migrate(ctx context.Context) error {
	known, err := migrations()
	if err != nil {
		return err
	}
	if _, err = s.write.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, sum TEXT NOT NULL) STRICT`); err != nil {
		return diskError(err)
	}
	var applied []migration
	rows, err := s.write.QueryContext(ctx, `SELECT name, sum FROM migrations ORDER BY name`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var m migration
		if err = rows.Scan(&m.name, &m.sum); err != nil {
			return err
		}
		applied = append(applied, m)
	}
	if err = rows.Err(); err != nil {
		return err
	}
	for i, m := range applied {
		if i >= len(known) || known[i].name != m.name {
			return cocoon.WithHint(cocoon.Conflict.Errorf("it holds migration %s, which this program does not know", m.name),
				"it was written by a newer cocoon: use that one, or another --data folder")
		}
		if known[i].sum != m.sum {
			return cocoon.Conflict.Errorf("migration %s was changed after it had been applied", m.name)
		}
	}
	if err = s.whole(ctx, applied); err != nil {
		return err
	}
	for _, m := range known[len(applied):] {
		if err = s.apply(ctx, m); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return nil
}

// loggedSince is the migration with which the newest kind of event came into the log.
const loggedSince = "20260201120000_channels"

// whole refuses a log that was begun before all of its kinds of events were
// read: going on with it would leave out what happened until now.
func (s *store) whole(ctx context.Context, applied []migration) error {
	if len(applied) == 0 || applied[len(applied)-1].name >= loggedSince {
		return nil
	}
	var begun bool
	if err := s.write.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM events)`).Scan(&begun); err != nil || !begun {
		return err
	}
	return cocoon.WithHint(cocoon.Conflict.Errorf("an older program began it, which did not read all that is read now"),
		"use another --data folder: the chain is read anew into it")
}

func (s *store) apply(ctx context.Context, m migration) error {
	return s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.ExecContext(ctx, m.sql); err != nil {
			return diskError(err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO migrations (name, sum) VALUES (?, ?)`, m.name, m.sum)
		return diskError(err)
	})
}

// diskError tells a full or read-only disk from other failures of the database.
func diskError(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, sign := range []string{"database or disk is full", "SQLITE_FULL", "no space left", "readonly database", "disk I/O error"} {
		if strings.Contains(text, sign) {
			return cocoon.WithHint(cocoon.Conflict.Errorf("write to the database: %w", err), "free some disk space and start again: nothing indexed so far is lost")
		}
	}
	return err
}
