package dispatcher

import (
	"context"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher/sqlite"
)

//go:embed migrations
var migrationFiles embed.FS

// store is the dispatcher's database. One connection is enough: every
// transaction is short.
type store struct{ db *bun.DB }

// openStore opens or creates the database and binds it to one market.
func openStore(ctx context.Context, path string, globalID int32, registry cocoon.Account) (*store, error) {
	db, err := sqlite.Open(ctx, path, migrationFiles)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	s := &store{db}
	if err = s.bind(ctx, globalID, registry); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, diskError(err)), s.Close())
	}
	return s, nil
}

// Close closes the database.
func (s *store) Close() error { return s.db.Close() }

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
func diskError(err error) error { return sqlite.DiskError(err) }
