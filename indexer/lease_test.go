package indexer

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

// skew makes the clock that x gives to the database wrong by so much.
func skew(x *Indexer, by time.Duration) {
	x.store.lease.clock = fmt.Sprintf("(%s + %d)", x.store.lease.clock, by.Milliseconds())
}

func TestLease_AWriterWhoseClockWasOvertakenWritesNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stakeProvider()
	w.settle()
	path := newPath(t)
	old, rival := w.open(path), w.open(path)
	require.NoError(t, old.step(t.Context()))
	holder, err := rival.store.claim(t.Context())
	require.NoError(t, err)
	require.Equal(t, old.store.lease.owner, holder, "it holds the lease still")
	require.ErrorIs(t, rival.Rebuild(t.Context()), ErrOvertaken)

	skew(rival, time.Hour) // the lease seems to have ended long ago
	require.NoError(t, rival.lead(t.Context()))
	before := contents(t, w.config(path))
	require.ErrorIs(t, old.step(t.Context()), ErrOvertaken)
	require.ErrorIs(t, old.Rebuild(t.Context()), ErrOvertaken)
	require.NoError(t, old.Close())
	require.Equal(t, before, contents(t, w.config(path)))

	w.follow(rival)
	alone := w.open(newPath(t))
	w.follow(alone)
	require.Equal(t, dump(t, alone, append(logged, projected...)...), dump(t, rival, append(logged, projected...)...))
}

// A lease given by a clock that was an hour fast, by a process that is gone.
func TestLease_AClockSetBackKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := newPath(t)
	fast := w.open(path)
	skew(fast, time.Hour)
	require.NoError(t, fast.step(t.Context()))
	x := w.open(path)
	w.follow(x)
	require.ErrorIs(t, fast.step(t.Context()), ErrOvertaken)
}

func TestLease_IsHeldThroughSilenceAndGivenBackByClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := newPath(t)
	cfg := w.config(path)
	cfg.term = 5 * time.Second
	writer, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	stop := runs(t, writer) // soon nothing is left to read, and nothing committed
	require.NoError(t, writer.WaitSeqno(t.Context(), must(w.client.Head(t.Context())).SeqNo))
	reader := w.open(path)
	ends := func() (at int64) {
		require.NoError(t, reader.store.read.QueryRowContext(t.Context(), `SELECT expires FROM lease`).Scan(&at))
		return at
	}
	for first := ends(); ends() <= first; { // renewed without a block
		time.Sleep(10 * time.Millisecond)
	}
	holder, err := reader.store.claim(t.Context())
	require.NoError(t, err)
	require.Equal(t, writer.store.lease.owner, holder)
	stop()
	require.NoError(t, writer.Close())
	holder, err = reader.store.claim(t.Context())
	require.NoError(t, err)
	require.Empty(t, holder)
}

func TestRun_ReadsWhileAnotherWritesAndTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.config(newPath(t))
	cfg.term = 5 * time.Second
	writer, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	reader, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	stopWriter, stopReader := runs(t, writer), runs(t, reader)
	w.stakeProvider()
	w.settle()
	head := must(w.client.Head(t.Context())).SeqNo
	require.NoError(t, reader.WaitSeqno(t.Context(), head), "a reader sees what the writer commits")
	require.Zero(t, reader.store.lease.generation.Load())
	want, err := writer.Events(t.Context(), 0, 1000)
	require.NoError(t, err)
	got, err := reader.Events(t.Context(), 0, 1000)
	require.NoError(t, err)
	require.Equal(t, want, got[:len(want)])

	stopWriter()
	require.NoError(t, writer.Close())
	p := must(w.provider.Account())
	w.send(p, cocoon.TON(1), nil, nil)
	w.settle()
	require.NoError(t, reader.WaitSeqno(t.Context(), must(w.client.Head(t.Context())).SeqNo))
	require.Positive(t, reader.store.lease.generation.Load())
	stopReader()
	require.NoError(t, reader.Close())
}

func TestRun_EndsWhereTheLeaseIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.config(newPath(t))
	cfg.term = 50 * time.Millisecond
	x, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- x.Run(t.Context()) }()
	require.NoError(t, x.WaitSeqno(t.Context(), must(w.client.Head(t.Context())).SeqNo)) // now it waits for a block
	_, err = x.store.write.ExecContext(t.Context(), `UPDATE lease SET generation = generation + 1`)
	require.NoError(t, err)
	require.ErrorIs(t, <-done, ErrOvertaken)
	require.NoError(t, x.Close())
}

// A commit that the database took and this process never heard of is no loss and no double.
func TestStep_GoesOnAfterACommitThatNobodyConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stakeProvider()
	w.settle()
	x := w.open(newPath(t))
	x.fault = func(moment string) error {
		if moment == "committed" {
			return cocoon.Unreachable.Errorf("connection lost")
		}
		return nil
	}
	for range 3 {
		require.Equal(t, cocoon.Unreachable, cocoon.KindOf(x.step(t.Context())))
	}
	require.Zero(t, x.Head().Seqno)
	x.fault = func(string) error { return nil }
	w.follow(x)
	alone := w.open(newPath(t))
	w.follow(alone)
	require.Equal(t, dump(t, alone, append(logged, projected...)...), dump(t, x, append(logged, projected...)...))
}

func TestStep_WaitsForASlowDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := newPath(t)
	x := w.open(path)
	other := w.open(path)
	tx, err := other.store.write.BeginTx(t.Context(), nil) // holds what the writer needs
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `UPDATE lease SET expires = expires`)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- x.step(context.WithoutCancel(t.Context())) }()
	select {
	case err := <-done:
		require.Fail(t, "it did not wait", "%v", err)
	case <-time.After(300 * time.Millisecond):
	}
	require.NoError(t, tx.Rollback())
	require.NoError(t, <-done)
	require.Positive(t, x.Head().Seqno)
}

// A program that holds the file for longer than a statement waits is outlasted.
func TestRun_OutlastsAFileThatAnotherHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var log journal
	cfg := w.config(filepath.Join(t.TempDir(), "index.db"))
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	x, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	other := w.open(cfg.Path)
	x.pause = 0
	_, err = x.store.write.ExecContext(t.Context(), `PRAGMA busy_timeout = 20`)
	require.NoError(t, err)
	tx, err := other.store.write.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `UPDATE lease SET expires = expires`)
	require.NoError(t, err)
	stop := runs(t, x)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "database is locked") }, time.Minute, time.Millisecond)
	require.Contains(t, log.String(), "another program has held "+cfg.Path)
	require.Zero(t, x.Head().Seqno)
	require.NoError(t, tx.Rollback())
	require.NoError(t, x.WaitSeqno(t.Context(), must(w.client.Head(t.Context())).SeqNo))
	stop()
	require.NoError(t, x.Close())
}
