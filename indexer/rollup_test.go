package indexer

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

func allRollups(t *testing.T, x *Indexer, period uint32, m *cocoon.ModelID) []market.Rollup {
	t.Helper()
	list, err := items(x.rollups(t.Context(), span{}, rollupFilter{period: period, model: m}))
	require.NoError(t, err)
	require.NotEmpty(t, list)
	return list
}

func sumFlows(t *testing.T, list []market.Rollup) (sum market.Flows) {
	t.Helper()
	for _, r := range list {
		require.NoError(t, (&tally{flows: r.Flows}).add(&sum))
	}
	return sum
}

// told are the flows as the log and the other tables tell them.
func toldFlows(t *testing.T, x *Indexer) (f market.Flows) {
	t.Helper()
	ctx := t.Context()
	for _, e := range must(x.Events(ctx, 0, 10_000)) {
		switch {
		case !e.OK || e.Contract != "job":
		case e.Name == "open_job":
			f.JobsOpened++
		case e.Name == "accept":
			f.JobsAccepted++
		case e.Name == "deliver":
			f.JobsDelivered++
		}
	}
	for _, j := range must(x.Jobs(ctx, JobFilter{})) {
		require.NoError(t, increase(&f.Escrowed, j.Budget))
		require.NoError(t, increase(&f.Paid, j.Paid))
	}
	for status, n := range map[market.Status]*uint64{market.Paid: &f.JobsPaid, market.Ruled: &f.JobsRuled, market.Refunded: &f.JobsRefunded, market.Slashed: &f.JobsSlashed} {
		*n = uint64(len(must(x.Jobs(ctx, JobFilter{Status: status}))))
		require.Positive(t, *n, status)
	}
	for _, c := range must(x.Channels(ctx, ChannelFilter{})) {
		f.ChannelsOpened++
		require.NoError(t, increase(&f.Settled, c.Settled))
	}
	for _, e := range must(items(x.epochs(ctx, span{}, epochFilter{}))) {
		require.NoError(t, increase(&f.Payouts, e.Paid))
	}
	return f
}

func toldLevels(t *testing.T, x *Indexer) (l market.Levels) {
	t.Helper()
	ctx := t.Context()
	for _, p := range must(x.Providers(ctx)) {
		require.NoError(t, increase(&l.Stake, p.Stake))
		l.GPUs += uint64(p.GPUs)
		if p.GPUs > 0 {
			l.Providers++
		}
	}
	for _, r := range must(items(x.rewards(ctx, span{}, nil))) {
		require.NoError(t, increase(&l.Bonds, r.Bond))
	}
	l.Workers = uint64(len(must(items(x.workers(ctx, span{}, workerFilter{active: true})))))
	return l
}

func TestRollups_AddUpToWhatHappened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	w.finish(w.play())
	w.follow(x)
	want := toldFlows(t, x)
	require.False(t, want.Settled.IsZero() || want.Payouts.IsZero() || want.Paid.IsZero() || want.JobsOpened == 0)
	m := cocoon.NewModelID(model)
	for _, period := range []uint32{hour, day} {
		list := allRollups(t, x, period, nil)
		require.Equal(t, want, sumFlows(t, list))
		require.Equal(t, toldLevels(t, x), *list[len(list)-1].Levels)
		for _, r := range list {
			require.Zero(t, r.Start%period)
		}
		ofModel := sumFlows(t, allRollups(t, x, period, &m))
		require.Equal(t, want.JobsOpened, ofModel.JobsOpened, "every job names it")
		require.Equal(t, want.Paid, ofModel.Paid)
		require.Zero(t, ofModel.ChannelsOpened)
	}
	require.Equal(t, market.Levels{Stake: cocoon.TON(12), Bonds: cocoon.TON(17), Providers: 1, Workers: 2, GPUs: 3}, toldLevels(t, x))
}

// An event in the first second of an hour belongs to that hour, of a day to that day.
func TestRollups_AnEventOnTheEdgeBeginsAPeriod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stakeProvider()
	w.openJob(w.offer())
	w.openJob(w.offer())
	w.settle()
	played := w.open(newPath(t))
	w.follow(played)
	tp := recordTape(t, played)
	midnight := w.now() - w.now()%day + 30*day
	times := []uint32{midnight - 1, midnight}
	for i := range tp.events {
		tp.events[i].Time = midnight - 3*day
		if o := &tp.events[i]; o.Name == "open_job" {
			o.Time, times = times[0], times[1:]
		}
	}
	require.Empty(t, times, "two jobs were opened")
	x := w.open(newPath(t))
	require.NoError(t, x.commit(t.Context(), tp.take(0, x.position())))
	for _, period := range []uint32{hour, day} {
		opened := map[uint32]uint64{}
		for _, r := range allRollups(t, x, period, nil) {
			if r.JobsOpened > 0 {
				opened[r.Start] = r.JobsOpened
			}
		}
		require.Equal(t, map[uint32]uint64{midnight - period: 1, midnight: 1}, opened)
	}
}

func TestDemand_IsWhatOpenChannelsDeclare(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	w.play()
	w.follow(x)
	tokens, channels := map[cocoon.ModelID]uint64{}, map[cocoon.ModelID]uint64{}
	for _, c := range must(x.Channels(t.Context(), ChannelFilter{Open: true})) {
		if c.Demand != nil {
			tokens[c.Demand.Model] += c.Demand.Tokens
			channels[c.Demand.Model]++
		}
	}
	require.NotEmpty(t, channels)
	list := must(items(x.demand(t.Context(), span{})))
	require.Len(t, list, len(channels))
	for _, d := range list {
		require.Equal(t, channels[d.Model], d.Channels)
		require.Equal(t, strconv.FormatUint(tokens[d.Model], 10), d.Tokens)
	}
}

func TestAPI_ServesRollups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	tp := func() *tape {
		played := w.open(newPath(t))
		w.play()
		w.follow(played)
		return recordTape(t, played)
	}()
	for n := range uint32(12) { // over several hours
		require.NoError(t, x.commit(t.Context(), tp.take(n, x.position())))
	}
	api := serve(t, x)
	want := allRollups(t, x, hour, nil)
	require.Greater(t, len(want), 2)

	var got []market.Rollup
	for cursor := ""; ; {
		var part page[market.Rollup]
		api.get("/v1/rollups?period=hour&limit=1&cursor="+cursor, &part)
		got = append(got, part.Items...)
		if cursor = part.Next; cursor == "" {
			break
		}
	}
	require.Equal(t, want, got)

	var part page[market.Rollup]
	api.get("/v1/rollups?period=hour&from="+strconv.Itoa(int(want[1].Start))+"&to="+strconv.Itoa(int(want[2].Start)), &part)
	require.Equal(t, want[1:2], part.Items)
	var days page[market.Rollup]
	api.get("/v1/rollups?period=day&model="+cocoon.NewModelID(model).String(), &days)
	require.Equal(t, cocoon.NewModelID(model), *days.Items[0].Model)
	require.Nil(t, days.Items[0].Levels)
	var raw struct{ Items []map[string]any }
	api.get("/v1/rollups?period=day", &raw)
	require.IsType(t, "", raw.Items[0]["escrowed_nano"], "amounts are decimal strings")
	var demand page[market.ModelDemand]
	api.get("/v1/demand", &demand)
	require.Equal(t, model, demand.Items[0].Name)

	for path, code := range map[string]int{"/v1/rollups": http.StatusUnprocessableEntity, "/v1/rollups?period=week": http.StatusUnprocessableEntity,
		"/v1/rollups?period=day&from=-1": http.StatusUnprocessableEntity, "/v1/rollups?period=day&model=x": http.StatusBadRequest,
		"/v1/rollups?period=day&cursor=" + topicOf("rollups", "hour", "0 0", "").cursor(1): http.StatusBadRequest} {
		var problem struct {
			Detail string `json:"detail"`
		}
		status, _ := api.get(path, &problem)
		require.Equal(t, code, status, "%s: %s", path, problem.Detail)
	}
}
