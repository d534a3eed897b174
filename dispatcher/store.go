package dispatcher

import (
	"context"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"crypto/sha256"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver, pure Go

	"github.com/cocoon-network/cocoon"
)

//go:embed migrations
var migrationFiles embed.FS

// store is the dispatcher's database. One connection is enough: every
// transaction is short.
type store struct{ db *bun.DB }

// openStore opens or creates the database and binds it to one market.
func openStore(ctx context.Context, path string, globalID int32, registry cocoon.Account) (*store, error) {
	pragmas := url.Values{"_txlock": {"immediate"}, "_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+pragmas.Encode())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	s := &store{bun.NewDB(db, sqlitedialect.New())}
	if err = s.migrate(ctx); err == nil {
		err = s.bind(ctx, globalID, registry)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, diskError(err)), s.Close())
	}
	return s, nil
}

// Close closes the database.
func (s *store) Close() error { return s.db.Close() }

// migrate applies, in order and each in a transaction, the files that are not
// applied yet.
func (s *store) migrate(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, sum TEXT NOT NULL) STRICT`); err != nil {
		return err
	}
	var applied []struct{ Name, Sum string }
	if err := s.db.NewRaw(`SELECT name, sum FROM migrations ORDER BY name`).Scan(ctx, &applied); err != nil {
		return err
	}
	files, err := fs.Glob(migrationFiles, "migrations/*.tx.up.sql") // sorted, and names begin with their time
	if err != nil {
		return err
	}
	for i, file := range files {
		text, err := migrationFiles.ReadFile(file)
		if err != nil {
			return err
		}
		name, sum := strings.TrimSuffix(strings.TrimPrefix(file, "migrations/"), ".tx.up.sql"), fmt.Sprintf("%x", sha256.Sum256(text))
		if i < len(applied) {
			if applied[i].Name != name || applied[i].Sum != sum {
				return unknownMigration(applied[i].Name)
			}
			continue
		}
		err = s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO migrations (name, sum) VALUES (?, ?)`, name, sum)
			return err
		})
		if err != nil {
			return fmt.Errorf("migration %s: %w", name, err)
		}
	}
	if len(applied) > len(files) {
		return unknownMigration(applied[len(files)].Name)
	}
	return nil
}

func unknownMigration(name string) error {
	return cocoon.WithHint(cocoon.Conflict.Errorf("it holds migration %s, which this program does not know", name),
		"it was written by a newer cocoon: use that one, or another --data folder")
}

// bind writes down whose market this database is for, or checks it.
func (s *store) bind(ctx context.Context, globalID int32, registry cocoon.Account) error {
	_, err := s.db.ExecContext(ctx, `INSERT OR IGNORE INTO cursor (one, global_id, registry, seq) VALUES (1, ?, ?, 0)`, globalID, registry[:])
	if err != nil {
		return err
	}
	var at struct {
		GlobalID int32
		Registry []byte
	}
	if err = s.db.NewRaw(`SELECT global_id, registry FROM cursor`).Scan(ctx, &at); err != nil {
		return err
	}
	if at.GlobalID != globalID || hex.EncodeToString(at.Registry) != hex.EncodeToString(registry[:]) {
		return cocoon.WithHint(cocoon.Conflict.Errorf("it belongs to network %d and registry 0:%x", at.GlobalID, at.Registry), "use another --data folder")
	}
	return nil
}

// position is the seq of the last event read.
func (s *store) position(ctx context.Context) (seq uint64, err error) {
	err = s.db.NewRaw(`SELECT seq FROM cursor`).Scan(ctx, &seq)
	return seq, err
}

// diskError tells a full or read-only disk from other failures of the database.
func diskError(err error) error {
	if err == nil {
		return nil
	}
	for _, sign := range []string{"database or disk is full", "no space left", "readonly database", "disk I/O error"} {
		if strings.Contains(err.Error(), sign) {
			return cocoon.WithHint(cocoon.Conflict.Errorf("write to the database: %w", err), "free some disk space and start again: nothing was lost")
		}
	}
	return err
}
