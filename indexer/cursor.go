package indexer

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// cursor is how far the chain has been read.
type cursor struct {
	seqno  uint32
	root   [32]byte // of that masterchain block
	time   uint32   // of that block
	events uint64   // in the log
	tops   []*ton.BlockIDExt
}

// ErrOvertaken says that another process moved the cursor: two indexers share one database.
var ErrOvertaken = cocoon.WithHint(cocoon.Conflict.Errorf("another indexer writes to this database"), "stop one of them, or give each a --data folder of its own")

// resume loads the cursor and the contracts known so far, or starts a new log.
func (x *Indexer) resume(ctx context.Context) error {
	if _, err := x.store.write.ExecContext(ctx, `INSERT INTO cursor (id, network, registry, first, origin, seqno, root, time, events, tops)
		VALUES (1, ?, ?, ?, x'', ?, x'', 0, 0, '[]') ON CONFLICT DO NOTHING`, x.cfg.GlobalID, x.cfg.Registry[:], x.cfg.Start, x.cfg.Start-1); err != nil {
		return diskError(err)
	}
	var network int32
	var registry, origin, root []byte
	var tops string
	row := x.store.write.QueryRowContext(ctx, `SELECT network, registry, first, origin, seqno, root, time, events, tops FROM cursor`)
	if err := row.Scan(&network, &registry, &x.first, &origin, &x.cursor.seqno, &root, &x.cursor.time, &x.cursor.events, &tops); err != nil {
		return fmt.Errorf("read the cursor: %w", err)
	}
	if network != x.cfg.GlobalID || string(registry) != string(x.cfg.Registry[:]) {
		return cocoon.WithHint(cocoon.Conflict.Errorf("it follows registry 0:%x on network %d, not %s on network %d", registry, network, x.cfg.Registry, x.cfg.GlobalID),
			"use another --data folder")
	}
	copy(x.origin[:], origin)
	copy(x.cursor.root[:], root)
	if err := json.Unmarshal([]byte(tops), &x.cursor.tops); err != nil {
		return fmt.Errorf("read the cursor: %w", err)
	}
	if err := x.loadKnown(ctx); err != nil {
		return err
	}
	return x.renew(ctx)
}

func (x *Indexer) loadKnown(ctx context.Context) error {
	x.known = map[cocoon.Account]wrappers.Kind{}
	rows, err := x.store.write.QueryContext(ctx, `SELECT account, kind FROM contracts`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var account []byte
		var kind wrappers.Kind
		if err = rows.Scan(&account, &kind); err != nil {
			return err
		}
		x.known[cocoon.Account(account)] = kind
	}
	return rows.Err()
}

// commit writes a batch, what follows from it and the cursor as one transaction.
func (x *Indexer) commit(ctx context.Context, b *batch) error {
	from := x.position()
	to := cursor{seqno: b.master.SeqNo, root: [32]byte(b.master.RootHash), time: b.time, events: b.seq, tops: b.tops}
	err := x.store.write.RunInTx(ctx, &sql.TxOptions{}, func(ctx context.Context, tx bun.Tx) error {
		if err := moveCursor(ctx, tx, from, to); err != nil { // first, since another indexer would have written the same events
			return err
		}
		p := newProjector(tx)
		for i := range b.occurrences {
			if err := x.record(ctx, p, &b.occurrences[i]); err != nil {
				return err
			}
		}
		if err := p.flush(ctx); err != nil {
			return err
		}
		return x.fault("recorded")
	})
	if err != nil {
		return diskError(err)
	}
	if err = x.fault("committed"); err != nil {
		return err
	}
	x.moved(to, b.born)
	return nil
}

// record appends one event and applies it to the projections.
func (x *Indexer) record(ctx context.Context, p projector, o *occurrence) error {
	if err := p.link(ctx, o); err != nil {
		return err
	}
	if err := appendEvent(ctx, p.tx, o); err != nil {
		return fmt.Errorf("append event %d: %w", o.Seq, err)
	}
	if err := x.project(ctx, p, o); err != nil {
		return err
	}
	return x.fault("event")
}

func (x *Indexer) project(ctx context.Context, p projector, o *occurrence) error {
	err := p.project(ctx, o)
	if errors.Is(err, errUnread) {
		x.log.Error("event not understood", "seq", o.Seq, "contract", o.Account, "op", o.Name, "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("project event %d (%s of %s): %w", o.Seq, o.Name, o.Account, err)
	}
	return nil
}

// moveCursor is a compare-and-set: it fails where somebody else has moved it.
func moveCursor(ctx context.Context, tx bun.Tx, from, to cursor) error {
	tops, err := json.Marshal(to.tops)
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `UPDATE cursor SET seqno = ?0, root = ?1, time = ?2, events = ?3, tops = ?4, origin = iif(first = ?0, ?1, origin)
		WHERE seqno = ?5 AND events = ?6`, to.seqno, to.root[:], to.time, to.events, string(tops), from.seqno, from.events)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(ErrOvertaken, err)
	}
	return nil
}
