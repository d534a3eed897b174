package ledger

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

// logged is a folder with one file of three batches of two records each, of
// which the last was written and not known to be synced by any later one.
func logged(t testing.TB) (dir string, content []byte) {
	t.Helper()
	dir = t.TempDir()
	j, err := beginJournal(dir, 0)
	require.NoError(t, err)
	for i := range 6 {
		_, err = j.append(fmt.Appendf(nil, "record %d", i+1))
		require.NoError(t, err)
		if i%2 == 1 {
			require.NoError(t, j.sync())
		}
	}
	require.NoError(t, j.close())
	content, err = os.ReadFile(segmentPath(dir, 1))
	require.NoError(t, err)
	return dir, bytes.TrimRight(content, "\x00") // no record ends with one
}

func read(dir string, seq uint64) (bodies []string, err error) {
	_, err = replay(dir, seq, func(b []byte) error {
		bodies = append(bodies, string(b))
		return nil
	})
	return bodies, err
}

func TestJournal_AfterAnyTornEndWhatIsWholeIsRead(t *testing.T) {
	t.Parallel()
	dir, content := logged(t)
	size := len(content) / 6
	for end := range len(content) + 1 {
		require.NoError(t, os.WriteFile(segmentPath(dir, 1), content[:end], 0o600))
		got, err := read(dir, 0)
		require.NoError(t, err)
		require.Len(t, got, end/size)
		require.NoError(t, os.WriteFile(segmentPath(dir, 1), append(content[:end:end], make([]byte, 2*size)...), 0o600))
		got, err = read(dir, 0)
		require.NoError(t, err)
		require.Len(t, got, end/size, "of what was torn the room is left")
	}
	require.NoError(t, os.WriteFile(segmentPath(dir, 1), content, 0o600))
	got, err := read(dir, 4)
	require.NoError(t, err)
	require.Equal(t, []string{"record 5", "record 6"}, got, "the tables have the others")
}

func TestJournal_TheRoomBehindTheLastRecordIsNone(t *testing.T) {
	t.Parallel()
	dir, content := logged(t)
	file, err := os.Stat(segmentPath(dir, 1))
	require.NoError(t, err)
	require.GreaterOrEqual(t, file.Size(), int64(roomSize+len(content)/3), "the first batch made it")
	got, err := read(dir, 0)
	require.NoError(t, err)
	require.Len(t, got, 6)
}

func TestJournal_DamageOfWhatWasDurableIsNoTornEnd(t *testing.T) {
	t.Parallel()
	dir, content := logged(t)
	size := len(content) / 6
	for at := range content {
		bad := append([]byte{}, content...)
		bad[at] ^= 1
		require.NoError(t, os.WriteFile(segmentPath(dir, 1), bad, 0o600))
		got, err := read(dir, 0)
		if hurt := at / size; hurt < 4 { // a later batch says that it was durable
			require.ErrorContains(t, err, "cannot be read", at)
			require.NotEmpty(t, cocoon.HintOf(err))
		} else {
			require.NoError(t, err)
			require.Len(t, got, hurt, "nothing behind a hole")
		}
	}
}

func TestJournal_FilesGoOnceTheTablesHaveThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := beginJournal(dir, 0)
	require.NoError(t, err)
	body := make([]byte, maxBody)
	for range 3 {
		for i := range segmentSize / maxBody {
			_, err = j.append(body)
			require.NoError(t, err)
			if i%64 == 63 {
				require.NoError(t, j.sync())
			}
		}
	}
	files, err := segments(dir)
	require.NoError(t, err)
	require.Len(t, files, 4)
	require.NoError(t, j.trim(files[2]))
	left, err := segments(dir)
	require.NoError(t, err)
	require.Equal(t, files[2:], left)
	n := 0
	last, err := replay(dir, files[2]-1, func([]byte) error { n++; return nil })
	require.NoError(t, err)
	require.Equal(t, j.last(), last)
	require.EqualValues(t, last+1-files[2], n)
	_, err = j.append(append(body, 0))
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	require.NoError(t, j.close())
}

func TestJournal_AStrangersFileIsNotRead(t *testing.T) {
	t.Parallel()
	dir, _ := logged(t)
	require.NoError(t, os.WriteFile(dir+"/log-7", nil, 0o600))
	_, err := read(dir, 0)
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
}

func TestLedger_AfterADiskFailureNothingIsPromised(t *testing.T) {
	t.Parallel()
	c := begun()
	l, err := Open(t.Context(), testConfig(t.TempDir(), c))
	require.NoError(t, err)
	w := &world{Ledger: l, T: t, clock: c}
	w.SetIndex(c.now)
	require.NoError(t, w.SetRewards(Rewards{Number: 1, Bond: cocoon.TON(500), Fees: 100}))
	w.opens(1, cocoon.TON(1))
	m := &machine{n: 1}
	ticket, err := w.Commit(t.Context(), m.states(w.ordered(m), used), m.certificate(), 4096)
	require.NoError(t, err)
	require.NoError(t, l.journal.file.Close())
	require.Error(t, l.Run(t.Context()))
	_, err = ticket.Wait(t.Context())
	require.ErrorContains(t, err, "cannot write")
	require.NotEmpty(t, cocoon.HintOf(err))
	require.ErrorContains(t, w.Admit(1, w.asks(1), nil), "cannot write")
	_, err = w.Earned(t.Context(), provider(1))
	require.Error(t, err)
	require.Error(t, l.Close(), "it was closed before")
}

func TestLedger_WhoWaitsMayGiveUp(t *testing.T) {
	t.Parallel()
	c := begun()
	l, err := Open(t.Context(), testConfig(t.TempDir(), c))
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, l.journal.wait(ctx, l.journal.pending()), context.Canceled)
}

func TestOpen_IsForOneProcessAndOneDispatcher(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := Open(t.Context(), w.cfg)
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.NotEmpty(t, cocoon.HintOf(err))
	w.stop()
	other := w.cfg
	other.Rewards[0]++
	_, err = Open(t.Context(), other)
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	for name, change := range map[string]func(*Config){
		"fee": func(c *Config) { c.Fee = cocoon.Nano{} }, "folder": func(c *Config) { c.Dir = "" }, "signer": func(c *Config) { c.Signer = nil }, "clock": func(c *Config) { c.Now = nil },
		"rewards": func(c *Config) { c.Rewards = cocoon.Account{} }, "linger": func(c *Config) { c.Linger = time.Second }, "keep": func(c *Config) { c.Keep = 0 },
	} {
		bad := w.cfg
		change(&bad)
		_, err = Open(t.Context(), bad)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

func TestOpen_ReadsNoRecordItDoesNotKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stop()
	dir := w.cfg.Dir
	files, err := segments(dir)
	require.NoError(t, err)
	last := files[len(files)-1]
	for _, body := range [][]byte{{}, {200}, {1, '{'}} {
		require.NoError(t, os.WriteFile(segmentPath(dir, last), appendFrame(nil, w.journal.last()+1, 0, body), 0o600))
		_, err = Open(t.Context(), w.cfg)
		require.Error(t, err)
	}
}
