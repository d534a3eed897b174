// Package sqlite opens the files that a dispatcher keeps its state in.
package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
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

// Open opens or creates the database at path and applies the migrations it
// lacks: files named migrations/<time>_<name>.tx.up.sql. One connection is
// enough, since every transaction is short. pragmas come before ours.
func Open(ctx context.Context, path string, migrations fs.FS, pragmas ...string) (*bun.DB, error) {
	options := url.Values{"_txlock": {"immediate"}, "_pragma": append(pragmas, "journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)")}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+options.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	opened := bun.NewDB(db, sqlitedialect.New())
	if err = migrate(ctx, opened, migrations); err != nil {
		return nil, errors.Join(DiskError(err), opened.Close())
	}
	return opened, nil
}

// migrate applies, in order and each in a transaction, the files that are not
// applied yet.
func migrate(ctx context.Context, db *bun.DB, migrations fs.FS) error {
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, sum TEXT NOT NULL) STRICT`); err != nil {
		return err
	}
	var applied []struct{ Name, Sum string }
	if err := db.NewRaw(`SELECT name, sum FROM migrations ORDER BY name`).Scan(ctx, &applied); err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "migrations/*.tx.up.sql") // sorted, and names begin with their time
	if err != nil {
		return err
	}
	for i, file := range files {
		text, err := fs.ReadFile(migrations, file)
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
		err = db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
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

// DiskError tells a full or read-only disk from other failures of the database.
func DiskError(err error) error {
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
