package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/cocoon-network/cocoon/dispatcher/sqlite"
)

// KeepKeys has on disk, when it returns, what a run of a worker shows of its keys:
// whoever wants to check a receipt may come after that run, and after this process.
func (l *Ledger) KeepKeys(ctx context.Context, worker Key, boot ID, keys []byte) error {
	_, err := l.store.db.ExecContext(ctx, `INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)`, worker[:], boot[:], keys, l.now())
	if err != nil {
		return fmt.Errorf("keep the keys of worker %x: %w", worker[:4], sqlite.DiskError(err))
	}
	return nil
}

// KeptKeys is what KeepKeys had last, nil where it had nothing or that was forgotten.
func (l *Ledger) KeptKeys(ctx context.Context, worker Key, boot ID) (keys []byte, err error) {
	err = l.store.db.QueryRowContext(ctx, `SELECT keys FROM runs WHERE worker = ? AND boot = ?`, worker[:], boot[:]).Scan(&keys)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up the keys of worker %x: %w", worker[:4], err)
	}
	return keys, nil
}
