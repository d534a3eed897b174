package indexer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver, pure Go

	"github.com/cocoon-network/cocoon"
)

// sqlite is a database in one file: WAL, so that readers do not wait for the writer.
type sqlite struct{ path string }

func (e sqlite) String() string { return e.path }

func (e sqlite) connect() (write, read *bun.DB, err error) {
	if write, err = e.pool(1, "immediate"); err != nil {
		return nil, nil, err
	}
	if read, err = e.pool(4, "deferred"); err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	return write, read, nil
}

func (e sqlite) pool(connections int, lock string) (*bun.DB, error) {
	q := url.Values{"_txlock": {lock}, "_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: e.path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	return bun.NewDB(db, sqlitedialect.New()), nil
}

func (sqlite) schema(migration string) string { return migration }

// alone has nothing to do: a transaction that writes holds the file from its begin.
func (sqlite) alone(context.Context, bun.Tx) error { return nil }

// insertRows is how many rows one statement takes: 16 columns each, written into its text.
const insertRows = 500

func (sqlite) insert(ctx context.Context, tx transaction, rows []eventRow) error {
	for part := range slices.Chunk(rows, insertRows) {
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (sqlite) clock() string { return `CAST(unixepoch('subsec') * 1000 AS INTEGER)` }

// departed looks for the process on this machine, where the file is: after a
// kill nobody waits for the lease to run out.
func (sqlite) departed(owner string) bool {
	host, pid, ok := ownerProcess(owner)
	if here, err := os.Hostname(); !ok || err != nil || here != host {
		return false
	}
	p, err := os.FindProcess(pid)
	return err != nil || errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// explain tells what a disk does from other failures of the database.
func (e sqlite) explain(err error) error {
	if err == nil || cocoon.KindOf(err) != cocoon.Internal {
		return err
	}
	says := func(signs ...string) bool {
		return slices.ContainsFunc(signs, func(s string) bool { return strings.Contains(err.Error(), s) })
	}
	switch {
	case says("database or disk is full", "SQLITE_FULL", "no space left"):
		return diskFull(err)
	case says("readonly database", "disk I/O error"):
		return diskBroken(err)
	case says("unable to open database file"):
		return cocoon.WithHint(cocoon.NotFound.Errorf("reach the database's file: %w", err), "is the disk mounted, and may this user write to the folder of %s?", e.path)
	case says("database is locked", "SQLITE_BUSY"):
		return cocoon.WithHint(cocoon.Unreachable.Errorf("write to the database: %w", err), "another program has held %s for long: stop it", e.path)
	}
	return err
}

func diskFull(err error) error {
	return cocoon.WithHint(cocoon.Conflict.Errorf("write to the database: %w", err), "free some disk space and start again: nothing indexed so far is lost")
}

func diskBroken(err error) error {
	return cocoon.WithHint(cocoon.Conflict.Errorf("write to the database: %w", err),
		"see whether its disk is sound, mounted for writing and not full, then start again: nothing indexed so far is lost")
}

// ownerProcess is the process that newOwner named.
func ownerProcess(owner string) (host string, pid int, ok bool) {
	var rest string
	host, rest, ok = strings.Cut(owner, "/")
	if !ok {
		return "", 0, false
	}
	_, err := fmt.Sscanf(rest, "%d/", &pid)
	return host, pid, err == nil
}
