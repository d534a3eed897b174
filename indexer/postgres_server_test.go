package indexer

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	pg "github.com/cocoon-network/cocoon/internal/postgres"
	"github.com/cocoon-network/cocoon/protocol/market"
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
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err), "%v", err)
	require.NoError(t, server.Start())
	w.settle()
	require.NoError(t, x.WaitSeqno(t.Context(), must(w.client.Head(t.Context())).SeqNo))
	stop()
	alone := w.open(newPath(t))
	w.follow(alone)
	require.Equal(t, len(dump(t, alone, "contracts")), len(dump(t, x, "contracts")))
	require.Equal(t, dump(t, alone, "events")[:x.Head().Events], dump(t, x, "events"))
}

// While the database is away every question is told to come again, and no more.
func TestAPI_SaysComeAgainWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	server := requirePostgres(t)
	w := newWorld(t)
	var log journal
	cfg := w.config(server.DSN("postgres"))
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	x, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = x.Close() }) // the server may be down
	w.follow(x)
	api := serve(t, x)
	nobody := "0:" + strings.Repeat("ab", 32)
	paths := []string{"/v1/registry", "/v1/money", "/v1/events", "/v1/stream", "/v1/providers", "/v1/workers", "/v1/jobs", "/v1/channels", "/v1/rewards", "/v1/epochs",
		"/v1/contracts", "/v1/models", "/v1/demand", "/v1/rollups?period=day", "/v1/jobs/" + nobody, "/v1/epochs/" + nobody + "/leaves"}
	require.NoError(t, server.Stop())
	for range 2 { // with connections that broke, and without any
		for _, path := range paths {
			var problem struct {
				Status int    `json:"status"`
				Detail string `json:"detail"`
			}
			status, header := api.get(path, &problem)
			require.Equal(t, http.StatusServiceUnavailable, status, "%s: %s", path, problem.Detail)
			require.Equal(t, status, problem.Status)
			require.NotEmpty(t, header.Get("Retry-After"), path)
			require.Contains(t, problem.Detail, "ask again")
			require.NotContains(t, problem.Detail, server.Folder, "where the database is")
		}
	}
	require.Contains(t, log.String(), server.Folder, "the log says where")
	x.auditNow(t.Context())
	require.NotEmpty(t, x.Reconciliation().Error)
	require.NotContains(t, x.Reconciliation().Error, server.Folder)
	var head struct {
		Seqno uint32 `json:"mc_seqno"`
	}
	status, _ := api.get("/v1/status", &head)
	require.Equal(t, http.StatusOK, status, "how far it came is known without")
	require.Equal(t, x.Head().Seqno, head.Seqno)

	require.NoError(t, server.Start())
	var registry market.Registry
	status, _ = api.get("/v1/registry", &registry)
	require.Equal(t, http.StatusOK, status)
}

func TestOpen_SaysWhyTheServerDoesNotServe(t *testing.T) {
	t.Parallel()
	server := requirePostgres(t)
	const right, wrong = "open-sesame", "hunter2-and-more"
	require.NoError(t, administer(server.DSN("postgres"), `CREATE ROLE `+pg.Guarded+` SUPERUSER LOGIN PASSWORD '`+right+`'`))
	as := func(password string) string {
		return strings.Replace(server.DSN("postgres"), "postgres@", pg.Guarded+":"+password+"@", 1)
	}
	w := newWorld(t)
	for name, c := range map[string]struct {
		dsn  string
		kind cocoon.Kind
		hint string
	}{
		"wrong password": {as(wrong), cocoon.Forbidden, "check user and password"},
		"no password":    {as(""), cocoon.Forbidden, "check user and password"},
		"unknown host":   {"postgres://postgres:" + wrong + "@no-such-host.invalid/x", cocoon.Unreachable, "is no-such-host.invalid the name"},
		"nobody listens": {"postgres://postgres:" + wrong + "@127.0.0.1:1/x", cocoon.Unreachable, "does the server at 127.0.0.1:1 run"},
		"no server":      {"postgres://postgres@/x?host=" + url.QueryEscape(filepath.Join(server.Folder, "nowhere")), cocoon.Unreachable, "does the server"},
		"no database":    {server.DSN("nothing"), cocoon.NotFound, "createdb nothing"},
		"no user":        {strings.Replace(server.DSN("postgres"), "postgres@", "stranger@", 1), cocoon.Forbidden, "check user and password"},
	} {
		_, err := Open(t.Context(), w.config(c.dsn))
		require.Equal(t, c.kind, cocoon.KindOf(err), "%s: %v", name, err)
		require.Contains(t, cocoon.HintOf(err), c.hint, name)
		require.ErrorContains(t, err, "open database", name)
		require.NotContains(t, err.Error()+cocoon.HintOf(err), wrong, name)
	}
	x, err := Open(t.Context(), w.config(as(right)))
	require.NoError(t, err)
	require.NoError(t, x.Close())
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

func TestExplain_TellsAFullDiskFromABrokenOne(t *testing.T) {
	t.Parallel()
	server := must(newPostgres("postgres://127.0.0.1/x"))
	for _, c := range []struct {
		engine engine
		err    error
		hint   string
	}{
		{sqlite{"x"}, errors.New("database or disk is full (13)"), "free some disk space"},
		{sqlite{"x"}, errors.New("disk I/O error (10)"), "sound"},
		{server, &pgconn.PgError{Code: "53100"}, "free some disk space"},
		{server, &pgconn.PgError{Code: "58030"}, "sound"},
		{server, &pgconn.PgError{Code: "25006"}, "mounted for writing"},
	} {
		err := c.engine.explain(c.err)
		require.Equal(t, cocoon.Conflict, cocoon.KindOf(err), "%v", c.err)
		require.Contains(t, cocoon.HintOf(err), c.hint, "%v", c.err)
		require.Contains(t, cocoon.HintOf(err), "nothing indexed so far is lost")
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
