package gateway

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// hoard has a daemon ask for sets, and returns their names.
func hoard(l *leases, daemon byte, n int, now time.Time) (ids []uint64) {
	for _, s := range l.give(make([][]stream.Candidate, n), lease{key: [32]byte{daemon}, expires: now.Add(10 * time.Second)}, now) {
		ids = append(ids, s.ID)
	}
	return ids
}

// usable counts those of a daemon's sets that it can use still.
func usable(l *leases, daemon byte, ids []uint64, now time.Time) (n int) {
	for _, id := range ids {
		if _, ok := l.use(id, [32]byte{daemon}, cocoon.ModelID{}, now); ok {
			n++
		}
	}
	return n
}

func TestLeases_WhoAsksForManyTakesNobodyElses(t *testing.T) {
	t.Parallel()
	l, now := newLeases(), time.Unix(1_700_000_000, 0)
	small, large := hoard(&l, 1, 64, now), hoard(&l, 2, 2000, now)
	var last []uint64
	for range 3 * maxLeases / maxSets {
		last = hoard(&l, 3, maxSets, now)
		require.LessOrEqual(t, len(l.sets), maxLeases)
	}
	require.Equal(t, 64, usable(&l, 1, small, now))
	require.Equal(t, 2000, usable(&l, 2, large, now))
	require.Equal(t, maxSets, usable(&l, 3, last, now), "the newest of its own are there as well")
}

// What was used counts for nothing: a daemon with many requests keeps what it has in stock.
func TestLeases_WhoUsesManyKeepsTheRest(t *testing.T) {
	t.Parallel()
	l, now := newLeases(), time.Unix(1_700_000_000, 0)
	stock := hoard(&l, 1, 64, now)
	for range 2 * maxLeases / maxSets {
		require.Equal(t, maxSets, usable(&l, 1, hoard(&l, 1, maxSets, now), now))
	}
	require.Len(t, l.sets, 64)
	require.Equal(t, 64, usable(&l, 1, stock, now))
}

func TestLeases_AreForgottenOnceUsedOrExpired(t *testing.T) {
	t.Parallel()
	l, now := newLeases(), time.Unix(1_700_000_000, 0)
	ids := hoard(&l, 1, 100, now)
	require.Equal(t, 50, usable(&l, 1, ids[50:], now))
	require.Zero(t, usable(&l, 1, ids[50:], now), "each is for one request")
	require.Zero(t, usable(&l, 2, ids, now), "of its own daemon")
	now = now.Add(10 * time.Second)
	require.Zero(t, usable(&l, 1, ids, now))
	hoard(&l, 2, 1, now)
	require.Len(t, l.sets, 1)
	require.Len(t, l.of, 1)
}

// To look at all workers takes long where there are thousands.
func TestLeases_OfKindsThatNobodyAskedForAreGivenNowAndThen(t *testing.T) {
	t.Parallel()
	w := newTown(t, DefaultConfig(), answers)
	ask := func(key [32]byte, caps cocoon.Price) []byte {
		m, err := w.conn.Request(stream.ToNode("main", key, stream.LeaseVerb), stream.Lease{Model: cocoon.NewModelID("m"), Caps: caps, Sets: 1, Width: 1}.Bytes(), 20*time.Second)
		require.NoError(t, err)
		return m.Data
	}
	refused := 0
	for range 2 * kindBurst {
		if f, err := stream.ParseFail(ask(w.key, prices(999))); err == nil {
			require.Equal(t, stream.Busy, f.Code)
			require.Positive(t, f.Wait)
			refused++
		}
	}
	require.Positive(t, refused)
	_, err := stream.ParseLeases(ask(w.key, prices(1000)))
	require.NoError(t, err, "what others asked for costs nothing")
	_, err = stream.ParseLeases(ask([32]byte{2}, prices(999)))
	require.NoError(t, err)
}
