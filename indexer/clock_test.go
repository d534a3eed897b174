package indexer

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/localnet"
)

// clockStatus asks the API what it says of clocks.
func clockStatus(t *testing.T, x *Indexer) (c Clocks) {
	t.Helper()
	var status struct {
		Clocks Clocks `json:"clocks"`
	}
	serve(t, x).get("/v1/status", &status)
	return status.Clocks
}

// A clock that is wrong by an hour, whosever it is, is told and changes nothing.
func TestRun_AClockOffByAnHourIsToldAndChangesNothing(t *testing.T) {
	t.Parallel()
	type wrong struct{ here, database time.Duration }
	w := newWorldOn(t, localnet.New(t, func(c *localnet.Config) { c.Heartbeat = time.Hour })) // blocks come when they are asked for
	w.stakeProvider()
	w.settle()
	clean := w.open(newPath(t))
	w.follow(clean)
	want := dump(t, clean, append(logged, projected...)...)
	chainsTime := func(off time.Duration) func() time.Time {
		return func() time.Time { return w.local.Now().Add(off) }
	}
	for off, says := range map[wrong][]string{
		{}:                                     nil,
		{here: time.Minute}:                    nil, // blocks take their time
		{here: time.Hour}:                      {"the newest, is dated 1h0m", "this clock is fast, or the chain stands still"},
		{here: -time.Hour}:                     {"after this machine's clock", "this clock is slow, or the chain's is fast"},
		{database: time.Hour}:                  {"the database's clock is 1h0m0s ahead of"},
		{database: -time.Hour}:                 {"the database's clock is 1h0m0s behind"},
		{here: time.Hour, database: time.Hour}: {"this clock is fast", "the database's clock is 1h0m0s ahead of"},
	} {
		t.Run(fmt.Sprint(off), func(t *testing.T) {
			var log journal
			cfg := w.config(newPath(t))
			cfg.Logger, cfg.Clock = slog.New(slog.NewTextHandler(&log, nil)), chainsTime(off.here)
			x, err := Open(t.Context(), cfg)
			require.NoError(t, err)
			x.store.lease.wall = time.Now // which the database's clock is, but for
			skew(x, off.database)
			stop := runs(t, x)
			require.NoError(t, x.WaitSeqno(t.Context(), must(w.client.Head(t.Context())).SeqNo))
			require.NoError(t, w.local.Mine()) // it goes on
			require.NoError(t, x.WaitSeqno(t.Context(), must(w.client.Head(t.Context())).SeqNo))
			stop()
			c := clockStatus(t, x)
			require.InDelta(t, off.here.Seconds(), c.Lag, 60)
			require.InDelta(t, off.database.Seconds(), c.Database, 1)
			for _, part := range says {
				require.Contains(t, c.Warning, part)
				require.Contains(t, log.String(), part)
				require.Contains(t, log.String(), "NTP")
			}
			if says == nil {
				require.Empty(t, c.Warning)
				require.NotContains(t, log.String(), "clocks differ")
			}
			require.Equal(t, want, dump(t, x, append(logged, projected...)...))
			require.NoError(t, x.Close())
		})
	}
	require.Zero(t, w.local.Server().Stats().Queries["getTime"], "no liteserver's clock is asked")
}

// What is old because the indexer has just begun is no fault of a clock.
func TestClocks_CatchingUpIsNoDifference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stakeProvider()
	w.settle()
	cfg := w.config(newPath(t))
	cfg.batch = 1
	cfg.Clock = func() time.Time { return w.local.Now().Add(time.Hour) }
	x, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	x.store.lease.ahead.Store(0) // it has the machine's, which is not the chain's
	require.Equal(t, Clocks{}, x.Clocks(), "no block was read")
	require.NoError(t, x.step(t.Context()))
	c := x.Clocks()
	require.Greater(t, c.Lag, int64(3000))
	require.Empty(t, c.Warning)
	x.cfg.batch = batchBlocks
	for !x.chain.caughtUp(x.Head().Seqno) { // the chain goes on meanwhile
		require.NoError(t, x.step(t.Context()))
	}
	require.Contains(t, x.Clocks().Warning, "this clock is fast")
	x.cfg.Skew = 2 * time.Hour
	require.Empty(t, x.Clocks().Warning)
	x.cfg.Skew = -1
	x.store.lease.ahead.Store((24 * time.Hour).Milliseconds())
	require.Empty(t, x.Clocks().Warning, "nobody wants to know")
}

// It is said when it begins and when it ends, and not with every block.
func TestClocks_ADifferenceIsLoggedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stakeProvider()
	w.settle()
	var log journal
	off := -time.Hour
	cfg := w.config(newPath(t))
	cfg.Logger, cfg.Clock = slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return w.local.Now().Add(off) }
	x, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	x.store.lease.ahead.Store(0)
	require.NoError(t, x.step(t.Context()))
	for range 3 {
		x.tellClocks()
	}
	require.Equal(t, 1, strings.Count(log.String(), "clocks differ"))
	off = 0
	for range 3 {
		x.tellClocks()
	}
	require.Equal(t, 1, strings.Count(log.String(), "the clocks agree again"))
}
