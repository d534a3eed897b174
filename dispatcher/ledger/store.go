package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher/sqlite"
)

//go:embed migrations
var migrationFiles embed.FS

// store is the ledger's database.
type store struct{ db *bun.DB }

// openStore opens or creates the database, for this process alone, and binds it
// to one dispatcher.
func openStore(ctx context.Context, path string, globalID int32, rewards cocoon.Account) (*store, error) {
	db, err := sqlite.Open(ctx, path, migrationFiles, "locking_mode(EXCLUSIVE)", "busy_timeout(1000)")
	if err != nil && strings.Contains(err.Error(), "database is locked") {
		return nil, cocoon.WithHint(cocoon.Conflict.Errorf("another process has it open: %w", err), "stop that one first: one ledger has one signer")
	}
	if err != nil {
		return nil, err
	}
	s := &store{db}
	if err = s.bind(ctx, globalID, rewards); err != nil {
		return nil, errors.Join(sqlite.DiskError(err), db.Close())
	}
	return s, nil
}

func (s *store) bind(ctx context.Context, globalID int32, rewards cocoon.Account) error {
	_, err := s.db.ExecContext(ctx, `INSERT OR IGNORE INTO meta (one, global_id, rewards, seq, state) VALUES (1, ?, ?, 0, '{}')`, globalID, rewards[:])
	if err != nil {
		return err
	}
	var of struct {
		GlobalID int32
		Rewards  []byte
	}
	if err = s.db.NewRaw(`SELECT global_id, rewards FROM meta`).Scan(ctx, &of); err != nil {
		return err
	}
	if of.GlobalID != globalID || !bytes.Equal(of.Rewards, rewards[:]) {
		return cocoon.WithHint(cocoon.Conflict.Errorf("it belongs to network %d and rewards contract 0:%x", of.GlobalID, of.Rewards), "use another folder")
	}
	return nil
}

// write writes a snapshot, all of it or nothing.
func (s *store) write(ctx context.Context, n *snapshot) error {
	return sqlite.DiskError(s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		w := writer{ctx: ctx, tx: tx, prepared: map[string]*sql.Stmt{}}
		w.exec(`UPDATE meta SET seq = ?, state = ?`, n.seq, string(n.books))
		for account, state := range n.channels {
			if state == nil {
				w.exec(`DELETE FROM channels WHERE account = ?`, account[:])
			} else {
				w.exec(`INSERT OR REPLACE INTO channels VALUES (?, ?)`, account[:], string(state))
			}
		}
		for id, state := range n.requests {
			if state == nil {
				w.exec(`DELETE FROM requests WHERE id = ?`, id[:])
			} else {
				w.exec(`INSERT OR REPLACE INTO requests VALUES (?, ?)`, id[:], string(state))
			}
		}
		for k, state := range n.workers {
			w.exec(`INSERT OR REPLACE INTO workers VALUES (?, ?, ?)`, k.Provider[:], k.Key[:], string(state))
		}
		for k, b := range n.boots {
			w.exec(`INSERT OR REPLACE INTO boots VALUES (?, ?, ?, ?, ?, ?)`, k.Provider[:], k.Key[:], k.Boot[:], b.Ack, b.Certificate, b.Until)
		}
		for k, c := range n.claims {
			w.exec(`INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?)`, k.number, k.provider[:], c.Payable.Text(), c.Earned.Text())
		}
		w.receipts(n.rest)
		return w.err
	}))
}

// writer writes rows until one fails. Many are alike: each query is parsed once.
type writer struct {
	ctx      context.Context
	tx       bun.Tx
	prepared map[string]*sql.Stmt // of the transaction, with which they close
	err      error
}

func (w *writer) exec(query string, args ...any) {
	if w.err == nil && w.prepared[query] == nil {
		w.prepared[query], w.err = w.tx.PrepareContext(w.ctx, query)
	}
	if w.err == nil {
		_, w.err = w.prepared[query].ExecContext(w.ctx, args...)
	}
}

func (w *writer) receipts(d dirty) {
	for k, r := range d.receipts {
		var agreed any // NULL
		if cost, answered := d.agreed[k]; answered {
			agreed = cost.Text()
		}
		w.exec(`INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, k.Provider[:], k.Key[:], k.Boot[:], k.number, r.Request[:], r.Raw, r.Void, agreed, r.At)
	}
	for k, cost := range d.agreed {
		if d.receipts[k] == nil { // its row is from before
			w.exec(`UPDATE receipts SET agreed = ? WHERE provider = ? AND worker = ? AND boot = ? AND number = ?`, cost.Text(), k.Provider[:], k.Key[:], k.Boot[:], k.number)
		}
	}
	for k, c := range d.contradictions {
		w.exec(`INSERT OR IGNORE INTO equivocations VALUES (?, ?, ?, ?, ?, ?, ?)`, k.Provider[:], k.Key[:], k.Boot[:], k.number, c.Certificate, c.First, c.Second)
	}
}

// receipt is what was committed as key, nil where it is not kept.
func (s *store) receipt(ctx context.Context, key receiptKey) (*receiptRow, error) {
	var row receiptRow
	var id []byte
	err := s.db.QueryRowContext(ctx, `SELECT request, raw, void, at FROM receipts WHERE provider = ? AND worker = ? AND boot = ? AND number = ?`,
		key.Provider[:], key.Key[:], key.Boot[:], key.number).Scan(&id, &row.Raw, &row.Void, &row.At)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up receipt %d of worker %x: %w", key.number, key.Key[:4], err)
	}
	copy(row.Request[:], id)
	return &row, nil
}

// answered reports whether the request was settled with its client.
func (s *store) answered(ctx context.Context, id ID) (found bool, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM receipts WHERE request = ? AND agreed IS NOT NULL)`, id[:]).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("look up request %x: %w", id, err)
	}
	return found, nil
}

// forget drops what was answered and acknowledged before a moment, the boots that
// ended before it and have no receipts left, and keys that were shown before it.
func (s *store) forget(ctx context.Context, before time.Time) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM receipts WHERE at < ? AND (agreed IS NOT NULL OR void <> '') AND number <=
		(SELECT ack FROM boots b WHERE b.provider = receipts.provider AND b.worker = receipts.worker AND b.boot = receipts.boot)`, before.Unix())
	if err == nil {
		_, err = s.db.ExecContext(ctx, `DELETE FROM boots WHERE until < ? AND NOT EXISTS
			(SELECT 1 FROM receipts r WHERE r.provider = boots.provider AND r.worker = boots.worker AND r.boot = boots.boot)`, before.Unix())
	}
	if err == nil {
		_, err = s.db.ExecContext(ctx, `DELETE FROM runs WHERE at < ?`, before.Unix())
	}
	return sqlite.DiskError(err)
}

// load reads the tables into a state, and the seq of the last record they hold.
func (s *store) load(ctx context.Context) (*state, uint64, error) {
	l := loader{ctx, s.db, newState()}
	var seq uint64
	var books string
	if err := s.db.QueryRowContext(ctx, `SELECT seq, state FROM meta`).Scan(&seq, &books); err != nil {
		return nil, 0, err
	}
	if err := json.Unmarshal([]byte(books), &l.state.books); err != nil {
		return nil, 0, err
	}
	for _, read := range []func() error{l.channels, l.requests, l.boots, l.workers, l.claims} {
		if err := read(); err != nil {
			return nil, 0, fmt.Errorf("read the tables: %w", err)
		}
	}
	l.state.dirty = newDirty()
	return l.state, seq, nil
}
