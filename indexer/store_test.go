package indexer

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/localnet"
)

// opened is an indexer's database after its first blocks, closed again.
func opened(t *testing.T, w *world) string {
	t.Helper()
	path := newPath(t)
	x := w.open(path)
	w.follow(x)
	require.NoError(t, x.Close())
	return path
}

// refuses opens the database, wants a Conflict that says so, and wants the
// database to be as it was.
func refuses(t *testing.T, cfg Config, says string) {
	t.Helper()
	before := contents(t, cfg)
	x, err := Open(t.Context(), cfg)
	if err == nil {
		err = x.Run(t.Context())
		require.NoError(t, x.Close())
	}
	require.ErrorContains(t, err, says)
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.NotEmpty(t, cocoon.HintOf(err))
	require.Equal(t, before, contents(t, cfg))
}

// contents is all that a database holds, but for who held the lease.
func contents(t *testing.T, cfg Config) []string {
	t.Helper()
	e, err := cfg.engine()
	require.NoError(t, err)
	w, r, err := e.connect()
	require.NoError(t, err)
	s := &store{engine: e, write: w, read: r}
	defer func() { _ = s.Close() }()
	tables := append([]string{"migrations", "cursor", "projections"}, unchanged...)
	return dump(t, &Indexer{store: s}, append(tables, "money", "balances", "registries", "listings", "providers", "workers", "jobs")...)
}

func TestOpen_RefusesADatabaseOfANewerProgram(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := newPath(t)
	x := w.open(path)
	_, err := x.store.write.ExecContext(t.Context(), `INSERT INTO migrations VALUES ('20991231000000_later', 'x')`)
	require.NoError(t, err)
	require.NoError(t, x.Close())
	refuses(t, w.config(path), "20991231000000_later, which this program does not know")
}

// A log that was begun before channels were read would leave out those that are there.
func TestOpen_RefusesALogThatLacksKindsOfEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	undo := func(x *Indexer) {
		_, err := x.store.write.ExecContext(t.Context(), `DROP TABLE lease; DROP TABLE links; DROP TABLE rollups; DROP TABLE demand; DROP TABLE channels; ALTER TABLE workers DROP COLUMN slashed; DELETE FROM migrations WHERE name >= ?`, loggedSince)
		require.NoError(t, err)
		require.NoError(t, x.Close())
	}
	path := newPath(t)
	x := w.open(path)
	w.follow(x)
	undo(x)
	refuses(t, w.config(path), "an older program began it")

	path = newPath(t)
	undo(w.open(path)) // nothing was read yet
	x = w.open(path)
	w.follow(x)
	require.Positive(t, x.Head().Events)
}

func TestOpen_RefusesAChangedMigration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := newPath(t)
	x := w.open(path)
	_, err := x.store.write.ExecContext(t.Context(), `UPDATE migrations SET sum = 'x'`)
	require.NoError(t, err)
	require.NoError(t, x.Close())
	_, err = Open(t.Context(), w.config(path))
	require.ErrorContains(t, err, "was changed after it had been applied")
}

func TestOpen_RefusesAnotherMarket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := opened(t, w)
	cfg := w.config(path)
	cfg.GlobalID = -3
	refuses(t, cfg, "not 0:")
	cfg = w.config(path)
	cfg.Registry = treasury
	refuses(t, cfg, "not "+treasury.String())
}

func TestRun_RefusesAnotherChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := opened(t, w)
	other := newWorldOn(t, localnet.New(t, func(c *localnet.Config) { c.Seed = []byte("other") }))
	cfg := other.config(path)
	cfg.Registry = w.registry
	refuses(t, cfg, "another chain than the one indexed")
}

func TestRun_HaltsWhereTheChainDoesNotGoOnFromTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := newPath(t)
	x := w.open(path)
	w.follow(x)
	_, err := x.store.write.ExecContext(t.Context(), `UPDATE cursor SET root = ?`, bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	require.NoError(t, x.Close())
	require.NoError(t, w.local.Mine())
	refuses(t, w.config(path), "does not follow")
}

func TestOpen_RefusesWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := newPath(t)
	require.NoError(t, os.WriteFile(path, []byte("this is a letter, not a database, and long enough to look at"), 0o600))
	_, err := Open(t.Context(), w.config(path))
	require.ErrorContains(t, err, "not a database")

	for _, cfg := range []Config{{}, {Path: path}, {Path: path, Registry: w.registry}, {Path: path, Registry: w.registry, Chain: w.client, Ahead: -1}} {
		_, err = Open(t.Context(), cfg)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
}

func TestStep_FullDiskStaysAtTheCursor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stakeProvider()
	w.settle()
	path := newPath(t)
	cfg := w.config(path)
	cfg.batch = 1 // or the first step may be the last
	x, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	head, err := w.client.Head(t.Context())
	require.NoError(t, err)
	require.NoError(t, x.step(t.Context()))
	fillDisk(t, x)
	for err == nil && x.Head().Seqno < head.SeqNo {
		err = x.step(t.Context())
	}
	require.ErrorContains(t, err, "disk is full")
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.Contains(t, cocoon.HintOf(err), "free some disk space")
	stopped := x.Head()
	require.NoError(t, x.Close())

	x = w.open(path)
	require.Equal(t, stopped, x.Head())
	freeDisk(t, x)
	w.follow(x)
	require.Greater(t, x.Head().Events, stopped.Events)
}

func TestStep_TwoIndexersDoNotShareADatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := newPath(t)
	one, two := w.open(path), w.open(path)
	require.NoError(t, one.step(t.Context()))
	require.ErrorIs(t, two.step(t.Context()), ErrOvertaken)
	require.NoError(t, two.Close())
	w.follow(one)
	behind := w.open(path)
	w.stakeProvider() // in the very next block
	w.follow(one)
	require.ErrorIs(t, behind.step(t.Context()), ErrOvertaken)
	alone := w.open(newPath(t))
	w.follow(alone)
	require.Equal(t, dump(t, alone, logged...), dump(t, one, logged...))
}

// fillDisk leaves no room for another row. PostgreSQL is made to say so: nothing limits its size.
func fillDisk(t *testing.T, x *Indexer) {
	t.Helper()
	full := `PRAGMA max_page_count = 1` // as many as there are
	if x.cfg.DSN != "" {
		full = `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION USING ERRCODE = ''disk_full'', MESSAGE = ''disk is full''; END';
			CREATE TRIGGER full_disk BEFORE INSERT ON events EXECUTE FUNCTION full_disk()`
	}
	_, err := x.store.write.ExecContext(t.Context(), full)
	require.NoError(t, err)
}

// freeDisk undoes fillDisk; SQLite's limit was that of a connection.
func freeDisk(t *testing.T, x *Indexer) {
	t.Helper()
	if x.cfg.DSN != "" {
		_, err := x.store.write.ExecContext(t.Context(), `DROP TRIGGER full_disk ON events`)
		require.NoError(t, err)
	}
}
