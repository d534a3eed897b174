package dispatcher_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher"
)

func openBlobs(t *testing.T) (*dispatcher.Blobs, string) {
	t.Helper()
	dir := t.TempDir()
	b, err := dispatcher.OpenBlobs(dir)
	require.NoError(t, err)
	return b, dir
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestBlobs_KeepWhatHasItsHash(t *testing.T) {
	t.Parallel()
	b, _ := openBlobs(t)
	text := []byte("encrypted")
	hash := sha256.Sum256(text)
	require.False(t, b.Has(hash))
	require.NoError(t, b.Put(hash, bytes.NewReader(text), len(text)))
	require.NoError(t, b.Put(hash, bytes.NewReader(text), len(text)), "again")
	got, err := b.Get(hash)
	require.NoError(t, err)
	require.Equal(t, text, got)
	part, err := b.Part(hash, 4, 100)
	require.NoError(t, err)
	require.Equal(t, text[4:], part)
	size, err := b.Size(hash)
	require.NoError(t, err)
	require.EqualValues(t, len(text), size)

	require.NoError(t, b.Delete(hash))
	require.NoError(t, b.Delete(hash), "again")
	_, err = b.Get(hash)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
	_, err = b.Size(hash)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
	_, err = b.Part(hash, 0, 1)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
}

// broken yields some bytes and then fails.
type broken struct{ err error }

func (b broken) Read(p []byte) (int, error) { return copy(p, "some"), b.err }

func TestBlobs_ARefusedOneLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	b, dir := openBlobs(t)
	text := []byte("encrypted")
	for name, c := range map[string]struct {
		body  io.Reader
		limit int
		kind  cocoon.Kind
	}{
		"other hash": {bytes.NewReader([]byte("something else")), 100, cocoon.Invalid},
		"too large":  {bytes.NewReader(text), len(text) - 1, cocoon.Invalid},
		"cut":        {broken{io.ErrUnexpectedEOF}, 100, cocoon.Internal},
		"lost":       {broken{errors.New("connection reset")}, 100, cocoon.Internal},
		"disk full":  {broken{syscall.ENOSPC}, 100, cocoon.Unreachable},
	} {
		err := b.Put(sha256.Sum256(text), c.body, c.limit)
		require.Equal(t, c.kind, cocoon.KindOf(err), name)
		require.Error(t, err, name)
		require.Equal(t, name == "disk full", cocoon.HintOf(err) != "", name)
		require.Empty(t, files(t, dir), name)
	}
}

func TestBlobs_DamageOnDiskIsNoticed(t *testing.T) {
	t.Parallel()
	b, dir := openBlobs(t)
	text := []byte("encrypted")
	hash := sha256.Sum256(text)
	require.NoError(t, b.Put(hash, bytes.NewReader(text), 100))
	require.NoError(t, os.WriteFile(filepath.Join(dir, files(t, dir)[0]), []byte("encryptec"), 0o600))
	_, err := b.Get(hash)
	require.ErrorContains(t, err, "damaged")
}

func TestBlobs_HalfWrittenOnesGoAtTheNextStart(t *testing.T) {
	t.Parallel()
	_, dir := openBlobs(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".part-1"), []byte("half"), 0o600))
	_, err := dispatcher.OpenBlobs(dir)
	require.NoError(t, err)
	require.Empty(t, files(t, dir))
}
