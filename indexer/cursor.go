package indexer

import (
	"context"
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

// same tells whether two are at one place of one log.
func (c cursor) same(d cursor) bool {
	return c.seqno == d.seqno && c.root == d.root && c.events == d.events
}

// resume starts a new log, or checks that the one here is of this market.
func (x *Indexer) resume(ctx context.Context) error {
	if _, err := x.store.write.ExecContext(ctx, `INSERT INTO cursor (id, network, registry, first, origin, seqno, root, time, events, tops)
		VALUES (1, ?0, ?1, ?2, ?3, ?4, ?3, 0, 0, '[]') ON CONFLICT DO NOTHING`, x.cfg.GlobalID, x.cfg.Registry[:], x.cfg.Start, []byte{}, x.cfg.Start-1); err != nil {
		return err
	}
	var network int32
	var registry []byte
	if err := x.store.write.QueryRowContext(ctx, `SELECT network, registry FROM cursor`).Scan(&network, &registry); err != nil {
		return fmt.Errorf("read the cursor: %w", err)
	}
	if network != x.cfg.GlobalID || string(registry) != string(x.cfg.Registry[:]) {
		return cocoon.WithHint(cocoon.Conflict.Errorf("it follows registry 0:%x on network %d, not %s on network %d", registry, network, x.cfg.Registry, x.cfg.GlobalID),
			"use another database")
	}
	holder, err := x.store.claim(ctx)
	if err != nil {
		return err
	}
	if err = x.refresh(ctx); err != nil {
		return err
	}
	if holder == "" {
		return x.renew(ctx)
	}
	return x.sameRules(ctx, holder)
}

// sameRules refuses to read tables that a writer of another version makes.
func (x *Indexer) sameRules(ctx context.Context, holder string) error {
	version, err := x.rules(ctx)
	if err != nil || version == projectionVersion || version == 0 {
		return err
	}
	return cocoon.WithHint(cocoon.Conflict.Errorf("%s of another version writes to it", holder), "stop that one first")
}

// refresh reads how far the log goes and the contracts in it.
func (x *Indexer) refresh(ctx context.Context) error {
	var c cursor
	var first uint32
	var origin, root []byte
	var tops string
	row := x.store.write.QueryRowContext(ctx, `SELECT first, origin, seqno, root, time, events, tops FROM cursor`)
	if err := row.Scan(&first, &origin, &c.seqno, &root, &c.time, &c.events, &tops); err != nil {
		return fmt.Errorf("read the cursor: %w", x.store.explain(err))
	}
	copy(c.root[:], root)
	if err := json.Unmarshal([]byte(tops), &c.tops); err != nil {
		return fmt.Errorf("read the cursor: %w", err)
	}
	x.first = first
	copy(x.origin[:], origin)
	known, err := x.loadKnown(ctx)
	if err != nil {
		return x.store.explain(err)
	}
	x.moved(c, known)
	return nil
}

func (x *Indexer) loadKnown(ctx context.Context) (map[cocoon.Account]wrappers.Kind, error) {
	known := map[cocoon.Account]wrappers.Kind{}
	rows, err := x.store.write.QueryContext(ctx, `SELECT account, kind FROM contracts`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var account []byte
		var kind wrappers.Kind
		if err = rows.Scan(&account, &kind); err != nil {
			return nil, err
		}
		known[cocoon.Account(account)] = kind
	}
	return known, rows.Err()
}

// errCommitted says that a batch is in the log already: this process wrote it
// and never heard that the database had taken it.
var errCommitted = errors.New("committed before")

// commit writes a batch, what follows from it and the cursor as one transaction.
func (x *Indexer) commit(ctx context.Context, b *batch) error {
	err := x.store.update(ctx, func(ctx context.Context, tx transaction) error {
		if err := moveCursor(ctx, tx.Tx, b); err != nil { // first, since another indexer would have written the same events
			return err
		}
		if err := x.store.appendEvents(ctx, tx, b.occurrences); err != nil {
			return err
		}
		p := newProjector(tx.Tx)
		if err := errors.Join(p.foresee(ctx, b.occurrences), p.foreseeLinks(ctx, b.occurrences)); err != nil {
			return err
		}
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
	if err != nil && !errors.Is(err, errCommitted) {
		return err
	}
	if err = x.fault("committed"); err != nil {
		return err
	}
	x.moved(b.to, b.born)
	return nil
}

// record links one event to those before it and applies it to the projections.
func (x *Indexer) record(ctx context.Context, p projector, o *occurrence) error {
	if err := p.link(o); err != nil {
		return err
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
func moveCursor(ctx context.Context, tx bun.Tx, b *batch) error {
	to := b.to
	tops, err := json.Marshal(to.tops)
	if err != nil {
		return err
	}
	n, err := affected(tx.ExecContext(ctx, `UPDATE cursor SET seqno = ?, root = ?, time = ?, events = ?, tops = ?, origin = CASE WHEN seqno < first THEN ? ELSE origin END
		WHERE seqno = ? AND events = ?`, to.seqno, to.root[:], to.time, to.events, string(tops), b.first[:], b.from.seqno, b.from.events))
	if err != nil || n == 1 {
		return err
	}
	var there int
	if err = tx.QueryRowContext(ctx, `SELECT count(*) FROM cursor WHERE seqno = ? AND root = ? AND events = ?`, to.seqno, to.root[:], to.events).Scan(&there); err != nil {
		return err
	}
	if there == 1 {
		return errCommitted
	}
	return ErrOvertaken
}
