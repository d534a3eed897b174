package indexer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/wrappers"
)

// projected are the tables that follow from the log.
var projected = []string{"money", "balances", "registries", "listings", "providers", "workers", "jobs", "channels", "rewards", "epochs", "leaves", "rollups", "demand"}

// replayPage is how many events are held in memory at a time.
const replayPage = 500

// Rebuild makes all projections again out of the log, without the network. It
// is one transaction: readers see the old tables until it is done.
func (x *Indexer) Rebuild(ctx context.Context) error {
	return x.store.update(ctx, func(ctx context.Context, tx transaction) error {
		for _, table := range projected {
			if _, err := tx.ExecContext(ctx, `DELETE FROM ?`, bun.Ident(table)); err != nil {
				return err
			}
		}
		if err := x.replay(ctx, tx.Tx); err != nil {
			return fmt.Errorf("rebuild: %w", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO projections (id, version) VALUES (1, ?0) ON CONFLICT (id) DO UPDATE SET version = ?0`, projectionVersion)
		return err
	})
}

// renew rebuilds projections that another version's rules have made.
func (x *Indexer) renew(ctx context.Context) error {
	version, err := x.rules(ctx)
	if err != nil || version == projectionVersion {
		return err
	}
	if x.cursor.events > 0 {
		x.log.Info("projections made again", "events", x.cursor.events)
	}
	return x.Rebuild(ctx)
}

// rules is the version of the rules that made the projections, 0 where none did.
func (x *Indexer) rules(ctx context.Context) (version int, err error) {
	err = x.store.write.QueryRowContext(ctx, `SELECT version FROM projections`).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, x.store.explain(err)
}

func (x *Indexer) replay(ctx context.Context, tx bun.Tx) error {
	for after := uint64(0); ; {
		rows, err := replayRows(ctx, tx, after)
		if err != nil || len(rows) == 0 {
			return err
		}
		page := make([]occurrence, len(rows))
		for i := range rows {
			if page[i], err = rows[i].occurrence(); err != nil {
				return fmt.Errorf("event %d: %w", rows[i].Seq, err)
			}
		}
		p := newProjector(tx)
		if err = p.foresee(ctx, page); err != nil {
			return err
		}
		for i := range page {
			if err = x.project(ctx, p, &page[i]); err != nil {
				return err
			}
		}
		if err = p.flush(ctx); err != nil {
			return err
		}
		after = rows[len(rows)-1].Seq
	}
}

// replayRows are the events that follow after.
func replayRows(ctx context.Context, db bun.IDB, after uint64) (rows []replayRow, err error) {
	err = db.NewSelect().Model(&rows).ColumnExpr("e.*, c.birth").Join("LEFT JOIN contracts AS c ON c.seq = e.seq").
		Where("e.seq > ?", after).OrderExpr("e.seq").Limit(replayPage).Scan(ctx)
	return rows, err
}

// replayRow is an event with the birth it was.
type replayRow struct {
	bun.BaseModel `bun:"table:events,alias:e"`
	eventRow
	Birth []byte `bun:",scanonly"`
}

func (r *replayRow) occurrence() (o occurrence, err error) {
	if o.Event, err = r.event(); err != nil {
		return o, err
	}
	if len(r.Body) > 0 {
		if o.body, err = cell.FromBOC(r.Body); err != nil {
			return o, err
		}
	}
	if len(r.Birth) > 0 {
		o.birth = &birth{kind: wrappers.Kind(r.Contract)}
		o.birth.data, err = cell.FromBOC(r.Birth)
	}
	return o, err
}
