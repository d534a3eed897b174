package indexer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// shape is each table with its columns, as the database tells it.
func shape(t *testing.T, x *Indexer) (all []string) {
	t.Helper()
	question := `SELECT m.name || ' ' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || c.pk || coalesce(c.dflt_value, '') AS line
		FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c UNION ALL SELECT name || coalesce(sql, '') FROM sqlite_schema WHERE type = 'index' ORDER BY 1`
	if x.cfg.DSN != "" {
		question = `SELECT table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || coalesce(collation_name, '') || coalesce(column_default, '')
			FROM information_schema.columns WHERE table_schema = 'public' UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`
	}
	rows, err := x.store.read.QueryContext(t.Context(), question)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		all = append(all, line)
	}
	require.NoError(t, rows.Err())
	return all
}

// older is a database as a program that knew so many migrations left it.
func older(t *testing.T, cfg Config, known []migration) {
	t.Helper()
	e, err := cfg.engine()
	require.NoError(t, err)
	w, r, err := e.connect()
	require.NoError(t, err)
	s := &store{engine: e, write: w, read: r}
	require.NoError(t, s.migrateTo(t.Context(), known))
	require.NoError(t, s.Close())
}

func TestMigrate_EveryEarlierVersionBecomesThisOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stakeProvider()
	w.settle()
	fresh := w.open(newPath(t))
	w.follow(fresh)
	known, err := migrations()
	require.NoError(t, err)
	for n := range known {
		path := newPath(t)
		older(t, w.config(path), known[:n])
		x := w.open(path)
		require.Equal(t, shape(t, fresh), shape(t, x), "from %d migrations", n)
		w.follow(x)
		require.Equal(t, dump(t, fresh, append(logged, projected...)...), dump(t, x, append(logged, projected...)...), "from %d migrations", n)
	}
}

// A log that an earlier version began is kept, and its projections are made again.
func TestMigrate_KeepsTheLogOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stakeProvider()
	w.settle()
	fresh := w.open(newPath(t))
	w.follow(fresh)
	known, err := migrations()
	require.NoError(t, err)
	for n, m := range known {
		if m.name < loggedSince {
			continue
		}
		path := newPath(t)
		older(t, w.config(path), known[:n+1])
		tables := unchanged
		if m.name >= "20260401120000_links" { // it has made them out of the log
			tables = logged
		}
		copyLog(t, fresh, w.config(path), tables...)
		x := w.open(path)
		require.Equal(t, fresh.Head(), x.Head())
		require.Equal(t, dump(t, fresh, append(logged, projected...)...), dump(t, x, append(logged, projected...)...), "from %s", m.name)
	}
}

// copyLog copies what no version of the program has ever changed.
func copyLog(t *testing.T, from *Indexer, to Config, tables ...string) {
	t.Helper()
	e, err := to.engine()
	require.NoError(t, err)
	write, read, err := e.connect()
	require.NoError(t, err)
	s := &store{engine: e, write: write, read: read}
	defer func() { _ = s.Close() }()
	for _, table := range append([]string{"cursor"}, tables...) {
		var rows []map[string]any
		require.NoError(t, from.store.read.NewSelect().TableExpr(table).Scan(t.Context(), &rows))
		require.NoError(t, write.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
			for _, row := range rows {
				if _, err := tx.NewInsert().Model(&row).TableExpr(table).Exec(ctx); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func TestMigrate_TwoProgramsThatStartAtOnceDoNotMeet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := newPath(t)
	done := make(chan error)
	for range 4 {
		go func() {
			x, err := Open(context.WithoutCancel(t.Context()), w.config(path))
			if err == nil {
				err = x.Close()
			}
			done <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
	require.NotEmpty(t, shape(t, w.open(path)))
}
