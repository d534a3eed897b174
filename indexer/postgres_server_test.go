package indexer

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	pg "github.com/cocoon-network/cocoon/internal/postgres"
)

// requirePostgres is a cluster of the test's own, which it may stop.
func requirePostgres(t *testing.T) *pg.Cluster {
	t.Helper()
	if pg.Programs() == "" {
		t.Skip("no PostgreSQL: install its server")
	}
	c, err := pg.New()
	require.NoError(t, err)
	t.Cleanup(c.Remove)
	return c
}

func TestDatabases_HoldTheSame(t *testing.T) {
	t.Parallel()
	postgresServer(t)
	w, onFile := history(t)
	x := w.open(newPostgresDatabase(t))
	w.follow(x)
	require.Equal(t, onFile, dump(t, x, append(logged, projected...)...))
	require.NoError(t, x.Rebuild(t.Context()))
	require.Equal(t, onFile, dump(t, x, append(logged, projected...)...))
}

func TestRun_OutlastsACrashOfTheServer(t *testing.T) {
	t.Parallel()
	server := requirePostgres(t)
	w := newWorld(t)
	x := w.open(server.DSN("postgres"))
	x.pause = 0
	stop := runs(t, x)
	require.NoError(t, x.WaitSeqno(t.Context(), must(w.client.Head(t.Context())).SeqNo))
	require.NoError(t, server.Stop())
	w.stakeProvider()
	_, err := x.Events(t.Context(), 0, 10)
	require.Error(t, err)
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(x.store.explain(err)), "%v", err)
	require.NoError(t, server.Start())
	w.settle()
	require.NoError(t, x.WaitSeqno(t.Context(), must(w.client.Head(t.Context())).SeqNo))
	stop()
	alone := w.open(newPath(t))
	w.follow(alone)
	require.Equal(t, len(dump(t, alone, "contracts")), len(dump(t, x, "contracts")))
	require.Equal(t, dump(t, alone, "events")[:x.Head().Events], dump(t, x, "events"))
}

func TestOpen_SaysWhyTheServerDoesNotServe(t *testing.T) {
	t.Parallel()
	server := requirePostgres(t)
	w := newWorld(t)
	for name, c := range map[string]struct {
		dsn  string
		kind cocoon.Kind
		hint string
	}{
		"no server":   {"postgres://postgres@/x?host=" + url.QueryEscape(filepath.Join(t.TempDir(), "nowhere")), cocoon.Unreachable, "does the server"},
		"no database": {server.DSN("nothing"), cocoon.NotFound, "createdb nothing"},
		"no user":     {strings.Replace(server.DSN("postgres"), "postgres@", "stranger@", 1), cocoon.Forbidden, "check user and password"},
	} {
		_, err := Open(t.Context(), w.config(c.dsn))
		require.Equal(t, c.kind, cocoon.KindOf(err), "%s: %v", name, err)
		require.Contains(t, cocoon.HintOf(err), c.hint, name)
	}
}

func TestOpen_NeverTellsThePassword(t *testing.T) {
	t.Parallel()
	server := requirePostgres(t)
	w := newWorld(t)
	const secret = "hunter2-and-more"
	for _, dsn := range []string{
		"postgres://user:" + secret + "@127.0.0.1:1/x",
		"postgres://user:" + secret + "@/x?host=" + url.QueryEscape(server.Folder),
		"postgres://user:" + secret + "%zz@127.0.0.1/x",
		"postgres://user:" + secret + "@127.0.0.1:port/x",
		"postgres://user:" + secret + "@127.0.0.1/x?sslmode=perhaps",
		"postgres://127.0.0.1:1/x?password=" + secret,
		"mysql://user:" + secret + "@127.0.0.1/x",
		secret,
	} {
		var log bytes.Buffer
		cfg := w.config(dsn)
		cfg.Path, cfg.DSN, cfg.Logger = "", dsn, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		_, err := Open(t.Context(), cfg)
		require.Error(t, err)
		for e := err; e != nil; e = errors.Unwrap(e) {
			require.NotContains(t, e.Error(), secret)
		}
		require.NotContains(t, cocoon.HintOf(err), secret)
		require.NotContains(t, log.String(), secret)
		_, err = newPostgres(dsn)
		if err == nil {
			require.NotContains(t, must(newPostgres(dsn)).String(), secret)
		}
	}
}

func TestOpen_SaysThatTheDiskIsAbsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := Open(t.Context(), w.config(filepath.Join(t.TempDir(), "unmounted", "index.db")))
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err), "%v", err)
	require.Contains(t, cocoon.HintOf(err), "is the disk mounted")
}

func TestExplain_LeavesTheCallersEndAsItIs(t *testing.T) {
	t.Parallel()
	for _, e := range []engine{sqlite{"x"}, must(newPostgres("postgres://127.0.0.1/x"))} {
		require.NoError(t, e.explain(nil))
		require.ErrorIs(t, e.explain(context.Canceled), context.Canceled)
		require.Equal(t, ErrOvertaken, e.explain(ErrOvertaken))
	}
}

func FuzzNewPostgres(f *testing.F) {
	f.Add("127.0.0.1:5432/x")
	f.Add("[::1/x?sslmode=q")
	f.Add("/x?host=%2Ftmp&port=a")
	f.Fuzz(func(t *testing.T, rest string) {
		const secret = "hunter2-and-more"
		e, err := newPostgres("postgres://u:" + secret + "@" + rest)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			require.NotContains(t, err.Error(), secret)
			return
		}
		require.NotContains(t, e.String(), secret)
	})
}
