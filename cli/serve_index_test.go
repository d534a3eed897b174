package cli

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/localnet"
)

func TestIndexDatabase_TheFlagOutranksTheVariable(t *testing.T) { // not parallel: it sets the environment
	file := filepath.Join(t.TempDir(), "dsn")
	require.NoError(t, os.WriteFile(file, []byte("postgres://u:p@host/x\n"), 0o600))
	t.Setenv(indexVariable, "")
	for _, c := range []struct{ variable, flag, path, dsn string }{
		{"", "", filepath.Join("data", "index.db"), ""},
		{"postgres://host/y", "", "", "postgres://host/y"},
		{"elsewhere.db", "", "elsewhere.db", ""},
		{"postgres://host/y", file, "", "postgres://u:p@host/x"},
	} {
		t.Setenv(indexVariable, c.variable)
		path, dsn, err := (&serveOptions{data: "data", indexDSN: c.flag}).indexDatabase()
		require.NoError(t, err)
		require.Equal(t, []string{c.path, c.dsn}, []string{path, dsn})
	}
	require.NoError(t, os.WriteFile(file, []byte("\n"), 0o600))
	for _, bad := range []string{file, file + " which is not there"} {
		_, _, err := (&serveOptions{indexDSN: bad}).indexDatabase()
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
}

func TestServe_FlagsReachTheIndexer(t *testing.T) { // not parallel: it sets the environment
	t.Setenv(indexVariable, "elsewhere.db")
	local := localnet.New(t)
	n, err := chain.ParseNetwork(local.GlobalConfig())
	require.NoError(t, err)
	for name, skew := range map[string]time.Duration{"localnet": -1, "mainnet": 0} {
		n.Name, n.Registry = name, cocoon.Account{7}
		client, err := chain.Dial(t.Context(), n, chain.Options{})
		require.NoError(t, err)
		t.Cleanup(client.Close)
		cfg, err := (&serveOptions{start: 5, backfill: 9, audit: time.Minute, ahead: 1 << 20}).indexConfig(client)
		require.NoError(t, err)
		require.NoError(t, cfg.Validate())
		require.NotNil(t, cfg.Prover)
		cfg.Chain, cfg.Prover = nil, nil
		require.Equal(t, indexer.Config{Path: "elsewhere.db", GlobalID: localnet.DefaultGlobalID, Registry: n.Registry, Start: 5, Backfill: 9, AuditEvery: time.Minute, Ahead: 1 << 20, Skew: skew}, cfg, name)
	}
}
