package chain

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

func testKey(fill byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = fill
	return ed25519.NewKeyFromSeed(seed)
}

func TestKey_IsLoadedAsItWasSaved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "owner.key")
	require.NoError(t, SaveKey(path, testKey(1)))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	key, err := LoadKey(path)
	require.NoError(t, err)
	require.True(t, key.Equal(testKey(1)))
}

func TestKey_IsNeverOverwritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "owner.key")
	require.NoError(t, SaveKey(path, testKey(1)))
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(SaveKey(path, testKey(2))))
	key, err := LoadKey(path)
	require.NoError(t, err)
	require.True(t, key.Equal(testKey(1)))
}

func TestKey_FileOfOthersIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "owner.key")
	require.NoError(t, SaveKey(path, testKey(1)))
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := LoadKey(path)
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err))
		require.Contains(t, cocoon.HintOf(err), "chmod 600")
	}
	_, err := LoadKey(filepath.Join(t.TempDir(), "none"))
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
	_, err = LoadKey(t.TempDir())
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
}

func TestKey_EveryFormIsTheSameKey(t *testing.T) {
	t.Parallel()
	key := testKey(3)
	for _, text := range []string{
		hex.EncodeToString(key.Seed()), hex.EncodeToString(key) + "\n", strings.ToUpper(hex.EncodeToString(key.Seed())),
		base64.StdEncoding.EncodeToString(key.Seed()), " " + base64.StdEncoding.EncodeToString(key),
	} {
		got, err := ParseKey(text)
		require.NoError(t, err)
		require.True(t, got.Equal(key))
	}
}

func TestKey_WordsAreThoseOfOtherWallets(t *testing.T) {
	t.Parallel()
	words := NewMnemonic()
	require.Len(t, words, 24)
	key, err := KeyFromMnemonic(words)
	require.NoError(t, err)
	same, err := ParseKey(strings.ToUpper(strings.Join(words, "  ")) + "\n")
	require.NoError(t, err)
	require.True(t, same.Equal(key))

	path := filepath.Join(t.TempDir(), "words.key")
	require.NoError(t, SaveMnemonic(path, words))
	same, err = LoadKey(path)
	require.NoError(t, err)
	require.True(t, same.Equal(key))
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(SaveMnemonic(path, words)))
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(SaveMnemonic(path+"2", words[:23])))
	require.NoFileExists(t, path+"2")
}

func TestKey_ErrorsKeepTheSecret(t *testing.T) {
	t.Parallel()
	mixed := append(append([]byte{}, testKey(1)[:32]...), testKey(2)[32:]...)
	for _, text := range []string{"", "swordfish", strings.Repeat("swordfish ", 24), hex.EncodeToString(testKey(1)[:31]), hex.EncodeToString(mixed), strings.Repeat("swordfish", 200)} {
		_, err := ParseKey(text)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
		require.NotContains(t, err.Error()+cocoon.HintOf(err), "swordfish")
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("")
	f.Add(hex.EncodeToString(testKey(1)))
	f.Add(base64.StdEncoding.EncodeToString(testKey(1).Seed()))
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseKey(text)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		again, err := ParseKey(hex.EncodeToString(key.Seed()))
		require.NoError(t, err)
		require.True(t, again.Equal(key))
	})
}
