package indexer

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

// mountVolume makes folder a disk of so many MiB, until the test ends. Who may
// not skips the test.
func mountVolume(t *testing.T, folder string, mib int) {
	t.Helper()
	require.NoError(t, os.MkdirAll(folder, 0o777))
	if out, err := mount("-t", "tmpfs", "-o", fmt.Sprintf("size=%dm,mode=0777", mib), "tmpfs", folder); err != nil {
		t.Skipf("no small disk to fill: mounting one needs Linux and root: %v: %s", err, out)
	}
	t.Cleanup(func() {
		out, err := exec.Command("umount", "-l", folder).CombinedOutput()
		require.NoError(t, err, string(out))
	})
}

func mount(args ...string) ([]byte, error) { return exec.Command("mount", args...).CombinedOutput() }

// fillVolume writes until the disk takes no more, and returns how to make room again.
func fillVolume(t *testing.T, folder string) (free func()) {
	t.Helper()
	path := filepath.Join(folder, "filler")
	f, err := os.Create(path)
	require.NoError(t, err)
	for block := make([]byte, 1<<12); err == nil; {
		_, err = f.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, f.Close())
	return func() { require.NoError(t, os.Remove(path)) }
}

// fillsUp follows until the disk that holds the database is full, wants that to be
// said, gives room again and wants the same log and tables as without all that.
func fillsUp(t *testing.T, w *world, path, volume string) {
	t.Helper()
	clean := w.open(filepath.Join(t.TempDir(), "index.db"))
	w.follow(clean)
	want := dump(t, clean, append(logged, projected...)...)

	cfg := w.config(path)
	cfg.batch, cfg.term = 1, killTerm // there is no room to give a lease back
	x, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	require.NoError(t, x.step(t.Context()))
	free := fillVolume(t, volume)
	for err == nil && x.Head().Seqno < clean.Head().Seqno {
		err = x.step(t.Context())
	}
	stopped := x.Head()
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err), "%v", err)
	require.Contains(t, cocoon.HintOf(err), "free some disk space")
	require.Less(t, stopped.Seqno, clean.Head().Seqno)
	require.NoError(t, x.Close())
	x, err = Open(t.Context(), cfg) // started again while it is still full
	if err == nil {
		err = errors.Join(x.Run(t.Context()), x.Close())
	}
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err), "%v", err)
	require.Contains(t, cocoon.HintOf(err), "free some disk space")
	free()
	x = w.open(path)
	require.GreaterOrEqual(t, x.Head().Seqno, stopped.Seqno, "nothing is lost")
	require.NoError(t, x.lead(t.Context()))
	w.follow(x)
	require.Equal(t, want, dump(t, x, append(logged, projected...)...))
}

// longStory is one that needs more pages than a new database has to spare.
func longStory(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.finish(w.play())
	return w
}

func TestRun_AFullVolumeLosesNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	mountVolume(t, folder, 16)
	fillsUp(t, longStory(t), filepath.Join(folder, "index.db"), folder)
}

// The tables are on the small disk, the server's log of writes is on another.
func TestRun_AFullVolumeOfTheServerLosesNothing(t *testing.T) {
	t.Parallel()
	server := requirePostgres(t)
	folder := filepath.Join(server.Folder, "small")
	mountVolume(t, folder, 32)
	tables := filepath.Join(folder, "tables")
	require.NoError(t, os.Mkdir(tables, 0o777))
	if os.Geteuid() == 0 {
		out, err := exec.Command("chown", "postgres", tables).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	require.NoError(t, administer(server.DSN("postgres"), `CREATE TABLESPACE small LOCATION '`+tables+`'`))
	require.NoError(t, administer(server.DSN("postgres"), `CREATE DATABASE cramped TABLESPACE small`))
	fillsUp(t, longStory(t), server.DSN("cramped"), folder)
}

func TestOpen_SaysThatTheDiskTakesNoWrites(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	mountVolume(t, folder, 16)
	w := newWorld(t)
	path := filepath.Join(folder, "index.db")
	x := w.open(path)
	w.follow(x)
	want := dump(t, x, append(logged, projected...)...)
	require.NoError(t, x.Close())
	out, err := mount("-o", "remount,ro", folder)
	require.NoError(t, err, string(out))
	_, err = Open(t.Context(), w.config(path))
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err), "%v", err)
	require.Contains(t, cocoon.HintOf(err), "is the disk mounted, and may this user write to the folder of "+path)
	out, err = mount("-o", "remount,rw", folder)
	require.NoError(t, err, string(out))
	require.Equal(t, want, dump(t, w.open(path), append(logged, projected...)...))
}
