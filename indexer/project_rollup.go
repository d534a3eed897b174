package indexer

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/cocoon-network/cocoon/protocol/market"
)

// Periods of rollups, in seconds. The row of period 0 keeps the present levels.
const (
	hour = 3_600
	day  = 24 * hour
)

// rollupKey names a row; model is "" for the whole market, and else 32 bytes: any id can be named.
type rollupKey struct {
	period, start uint32
	model         string
}

// rolled is a rollup as its row holds it.
type rolled struct {
	market.Flows
	Levels *market.Levels `json:"levels,omitempty"`
}

// rollup reads a row, an empty one where there is none.
func (p projector) rollup(ctx context.Context, k rollupKey) (*rolled, error) {
	if r := p.rows.rollups[k]; r != nil {
		return r, nil
	}
	r := &rolled{}
	var doc string
	err := p.tx.QueryRowContext(ctx, `SELECT doc FROM rollups WHERE period = ? AND model = ? AND start = ?`, k.period, []byte(k.model), k.start).Scan(&doc)
	if err == nil {
		err = json.Unmarshal([]byte(doc), r)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	p.rows.rollups[k] = r
	return r, nil
}

// levels are those there are now.
func (p projector) levels(ctx context.Context) (*market.Levels, error) {
	now, err := p.rollup(ctx, rollupKey{})
	if err != nil {
		return nil, err
	}
	if now.Levels == nil {
		now.Levels = &market.Levels{}
	}
	return now.Levels, nil
}

// roll adds what an event came to to its hour and its day, where it came to anything.
func (p projector) roll(ctx context.Context, o *occurrence) error {
	t := p.rows.tally
	if t == (tally{}) {
		return nil
	}
	now, err := p.levels(ctx)
	if err != nil {
		return err
	}
	if err = t.raise(now); err != nil {
		return err
	}
	for _, period := range []uint32{hour, day} {
		start := o.Time - o.Time%period
		whole, err := p.rollup(ctx, rollupKey{period, start, ""})
		if err != nil {
			return err
		}
		if err = t.add(&whole.Flows); err != nil {
			return err
		}
		levels := *now
		whole.Levels = &levels
		if err = p.rollModel(ctx, rollupKey{period, start, t.model}, t); err != nil {
			return err
		}
	}
	return nil
}

func (p projector) rollModel(ctx context.Context, k rollupKey, t tally) error {
	if k.model == "" {
		return nil
	}
	of, err := p.rollup(ctx, k)
	if err != nil {
		return err
	}
	return t.add(&of.Flows)
}

func (p projector) flushRollups(ctx context.Context) error {
	u := upsert{table: "rollups", key: []string{"period", "model", "start"}, columns: []string{"period", "model", "start", "doc"}}
	for k, r := range p.rows.rollups {
		doc, err := json.Marshal(r)
		if err != nil {
			return err
		}
		u.rows = append(u.rows, []any{k.period, []byte(k.model), k.start, string(doc)})
	}
	return u.run(ctx, p.tx)
}
