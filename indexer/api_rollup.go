package indexer

import (
	"context"
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

type askRollups struct {
	PageInput
	Period string `query:"period" enum:"hour,day" required:"true"`
	From   uint32 `query:"from" doc:"unix seconds; leaves out periods that begin before"`
	To     uint32 `query:"to" doc:"unix seconds; leaves out periods that begin then or later; 0 leaves out none"`
	Model  string `query:"model" maxLength:"64" doc:"id of a model, hex: what happened to the jobs that name it"`
}

func (a *api) rollupRoutes() {
	route(a, "/v1/rollups", "What happened by hour or day, UTC, oldest first", a.listRollups)
	route(a, "/v1/demand", "What open channels declare to need, by model", func(ctx context.Context, in *PageInput) (page[market.ModelDemand], error) {
		return turn("demand", *in, func(s span) ([]numbered[market.ModelDemand], error) { return a.demand(ctx, s) })
	})
}

func (a *api) listRollups(ctx context.Context, in *askRollups) (p page[market.Rollup], err error) {
	f := rollupFilter{period: hour, from: in.From, to: in.To}
	if in.Period == "day" {
		f.period = day
	}
	if in.Model != "" {
		f.model = new(cocoon.ModelID)
		if err = f.model.UnmarshalText([]byte(in.Model)); err != nil {
			return p, err
		}
	}
	t := topicOf("rollups", in.Period, fmt.Sprint(f.from, f.to), in.Model)
	return turn(t, in.PageInput, func(s span) ([]numbered[market.Rollup], error) { return a.rollups(ctx, s, f) })
}
