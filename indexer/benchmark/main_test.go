package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBenchmark_FillsInEveryFigure(t *testing.T) {
	t.Parallel()
	f, err := run(t.Context(), options{rounds: 1, blocks: 6, load: load{wallets: 2, jobs: 2, transfers: 1}, live: 2 * time.Second})
	require.NoError(t, err)
	line, err := json.Marshal(f)
	require.NoError(t, err)
	var got map[string]*float64
	require.NoError(t, json.Unmarshal(line, &got))
	for _, name := range []string{"parse_tx_s", "vs_per_tx_0ms", "vs_per_tx_5ms", "vs_per_tx_30ms", "sqlite_rows_s", "getblock_per_block", "other_rpc_per_block"} {
		require.NotNil(t, got[name], name)
		require.Positive(t, *got[name], name)
	}
	for _, name := range []string{"lag_p50_ms", "lag_p95_ms", "lag_p99_ms"} {
		require.NotNil(t, got[name], name)
	}
	require.Contains(t, got, "postgres_rows_s")
}

func TestQuantile_IsAmongTheValues(t *testing.T) {
	t.Parallel()
	values := []float64{5, 1, 4, 2, 3}
	require.Equal(t, 3.0, *median(values))
	require.Equal(t, 1.0, *quantile(values, 0))
	require.Equal(t, 5.0, *quantile(values, 0.99))
	require.Equal(t, []float64{5, 1, 4, 2, 3}, values)
}
