package indexer

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// rollupFilter says which rollups are asked for.
type rollupFilter struct {
	period   uint32 // hour or day
	from, to uint32 // those that begin in between, to left out; 0 in to is the end of time
	model    *cocoon.ModelID
}

// rollups are numbered by their first second.
func (x *Indexer) rollups(ctx context.Context, s span, f rollupFilter) ([]numbered[market.Rollup], error) {
	model := []byte{}
	if f.model != nil {
		model = f.model[:]
	}
	q := x.store.read.NewSelect().TableExpr("rollups").ColumnExpr("start, doc").Where("period = ? AND model = ? AND start >= ?", f.period, model, f.from)
	if f.to > 0 {
		q = q.Where("start < ?", f.to)
	}
	return collect(ctx, x.store, q, "start", s, func(rows *sql.Rows) (uint64, market.Rollup, error) {
		r := market.Rollup{Model: f.model}
		var doc string
		if err := rows.Scan(&r.Start, &doc); err != nil {
			return 0, r, err
		}
		var row rolled
		err := json.Unmarshal([]byte(doc), &row)
		r.Flows, r.Levels = row.Flows, row.Levels
		return uint64(r.Start), r, err
	})
}

// demand is what open channels declare, by the first mention of a model.
func (x *Indexer) demand(ctx context.Context, s span) ([]numbered[market.ModelDemand], error) {
	names, err := x.modelNames(ctx)
	if err != nil {
		return nil, err
	}
	q := x.store.read.NewSelect().TableExpr("demand").ColumnExpr("seq, model, channels, tokens").Where("channels > 0")
	return collect(ctx, x.store, q, "seq", s, func(rows *sql.Rows) (seq uint64, d market.ModelDemand, err error) {
		var model []byte
		if err = rows.Scan(&seq, &model, &d.Channels, &d.Tokens); err != nil {
			return seq, d, err
		}
		d.Model = cocoon.ModelID(model)
		d.Name = names[d.Model]
		return seq, d, nil
	})
}
