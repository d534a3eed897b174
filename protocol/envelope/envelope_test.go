package envelope_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

// seeded is a repeatable source of bytes.
func seeded(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

func noise(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	_, err := seeded(9).Read(b)
	require.NoError(t, err)
	return b
}

func TestEnvelope_OpensToWhatWasEncrypted(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 7, 1000, 64<<10 - 9, 64<<10 - 8, 64<<10 - 7, 200_000, envelope.MaxPlaintext} {
		text := noise(t, n)
		blob, key, err := envelope.Encrypt(seeded(1), text)
		require.NoError(t, err)
		require.LessOrEqual(t, len(blob), envelope.MaxBlob)
		got, err := envelope.Open(blob, key)
		require.NoError(t, err)
		require.True(t, bytes.Equal(text, got), "%d bytes", n)
	}
}

func TestEnvelope_TooMuchIsRefused(t *testing.T) {
	t.Parallel()
	big := make([]byte, envelope.MaxPlaintext+1)
	_, _, err := envelope.Encrypt(seeded(1), big)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	k := newKey(t)
	_, err = envelope.EncryptResult(seeded(1), big, cocoon.Account{1}, k.Public())
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
}

func TestEnvelope_DrawsAFreshKeyAndReportsAnEmptySource(t *testing.T) {
	t.Parallel()
	source := seeded(1)
	_, a, err := envelope.Encrypt(source, nil)
	require.NoError(t, err)
	_, b, err := envelope.Encrypt(source, nil)
	require.NoError(t, err)
	require.NotEqual(t, [32]byte(a), [32]byte(b))
	_, _, err = envelope.Encrypt(bytes.NewReader(make([]byte, 31)), nil)
	require.ErrorContains(t, err, "draw a body key")
}

func TestEnvelope_EveryFlippedBitIsRefused(t *testing.T) {
	t.Parallel()
	blob, key, err := envelope.Encrypt(seeded(1), []byte("a prompt"))
	require.NoError(t, err)
	for bit := range len(blob) * 8 {
		bad := bytes.Clone(blob)
		bad[bit/8] ^= 1 << (bit % 8)
		_, err := envelope.Open(bad, key)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "bit %d", bit)
	}
	key[0] ^= 1
	_, err = envelope.Open(blob, key)
	require.ErrorContains(t, err, "wrong key")
}

func TestEnvelope_CutsAndReorderedChunksAreRefused(t *testing.T) {
	t.Parallel()
	const chunk = 64<<10 + 16
	blob, key, err := envelope.Encrypt(seeded(1), noise(t, 150_000))
	require.NoError(t, err)
	head, body := blob[:8], blob[8:]
	join := func(parts ...[]byte) []byte { return bytes.Join(append([][]byte{head}, parts...), nil) }
	for name, bad := range map[string][]byte{
		"nothing":            {},
		"header":             head,
		"first chunk":        join(body[:chunk]),
		"two chunks":         join(body[:2*chunk]),
		"last chunk":         join(body[2*chunk:]),
		"one byte less":      blob[:len(blob)-1],
		"one byte more":      append(bytes.Clone(blob), 0),
		"swapped":            join(body[chunk:2*chunk], body[:chunk], body[2*chunk:]),
		"doubled":            join(body[:chunk], body[:chunk], body[chunk:]),
		"final chunk twice":  join(body, body[2*chunk:]),
		"far over the limit": join(make([]byte, envelope.MaxBlob)),
	} {
		_, err := envelope.Open(bad, key)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

func TestEnvelope_SizesShowOnlyTheirBucket(t *testing.T) {
	t.Parallel()
	sizes := map[int]bool{}
	for n := range 5000 {
		blob, _, err := envelope.Encrypt(seeded(1), make([]byte, n))
		require.NoError(t, err)
		require.LessOrEqual(t, len(blob)-24, (n+8)*112/100+1)
		sizes[len(blob)] = true
	}
	require.Less(t, len(sizes), 150)
}

func FuzzOpen(f *testing.F) {
	blob, key, err := envelope.Encrypt(seeded(1), []byte("a prompt"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(blob, key[:])
	f.Add(blob[:20], key[:])
	f.Add([]byte("CCN\x01\x01\x00\x00\x00"), key[:])
	f.Fuzz(func(t *testing.T, blob, key []byte) {
		if len(key) != 32 {
			return
		}
		text, err := envelope.Open(blob, envelope.Key(key))
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		again, _, err := envelope.Encrypt(bytes.NewReader(key), text)
		require.NoError(t, err)
		require.Equal(t, blob, again)
	})
}
