package indexer

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
)

//go:embed migrations
var migrationFiles embed.FS

// migration is one file of migrations/. They are written for SQLite; an engine
// reads them in its own words.
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
	return s.migrateTo(ctx, known)
}

// migrateTo applies what is missing of known, all of it or nothing: two programs
// that start at once do not meet, and a failure leaves the database as it was.
func (s *store) migrateTo(ctx context.Context, known []migration) error {
	return s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if err := s.alone(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, s.schema(`CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, sum TEXT NOT NULL) STRICT;`)); err != nil {
			return err
		}
		applied, err := appliedMigrations(ctx, tx)
		if err != nil {
			return err
		}
		if err = continued(applied, known); err != nil {
			return err
		}
		if err = complete(ctx, tx, applied); err != nil {
			return err
		}
		for _, m := range known[len(applied):] {
			if err = s.apply(ctx, tx, m); err != nil {
				return fmt.Errorf("migration %s: %w", m.name, err)
			}
		}
		return nil
	})
}

func appliedMigrations(ctx context.Context, tx bun.Tx) (list []migration, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT name, sum FROM migrations ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m migration
		if err = rows.Scan(&m.name, &m.sum); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, rows.Err()
}

// continued checks that what was applied is the beginning of what is known.
func continued(applied, known []migration) error {
	for i, m := range applied {
		if i >= len(known) || known[i].name != m.name {
			return cocoon.WithHint(cocoon.Conflict.Errorf("it holds migration %s, which this program does not know", m.name),
				"it was written by a newer cocoon: use that one, or another database")
		}
		if known[i].sum != m.sum {
			return cocoon.Conflict.Errorf("migration %s was changed after it had been applied", m.name)
		}
	}
	return nil
}

// loggedSince is the migration with which the newest kind of event came into the log.
const loggedSince = "20260201120000_channels"

// complete refuses a log that was begun before all of its kinds of events were
// read: going on with it would leave out what happened until now.
func complete(ctx context.Context, tx bun.Tx, applied []migration) error {
	if len(applied) == 0 || applied[len(applied)-1].name >= loggedSince {
		return nil
	}
	var begun int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT seq FROM events LIMIT 1) AS e`).Scan(&begun); err != nil || begun == 0 {
		return err
	}
	return cocoon.WithHint(cocoon.Conflict.Errorf("an older program began it, which did not read all that is read now"),
		"use another database: the chain is read anew into it")
}

func (s *store) apply(ctx context.Context, tx bun.Tx, m migration) error {
	if _, err := tx.ExecContext(ctx, s.schema(m.sql)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO migrations (name, sum) VALUES (?, ?)`, m.name, m.sum)
	return err
}
