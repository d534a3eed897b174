package bus_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

var nonce = []byte("Zm9vYmFyYmF6cXV") // 15 characters, as nats-server draws them

func login(t testing.TB) (user, signature string) {
	t.Helper()
	user, err := bus.UserKey(worker)
	require.NoError(t, err)
	sig, err := bus.SignNonce(key, nonce)
	require.NoError(t, err)
	return user, base64.RawURLEncoding.EncodeToString(sig)
}

func TestLogin_ProvesTheWorkersKey(t *testing.T) {
	t.Parallel()
	user, sig := login(t)
	got, err := bus.VerifyLogin(user, sig, nonce)
	require.NoError(t, err)
	require.Equal(t, worker, got)

	stranger, err := bus.UserKey(bus.ID(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32)).Public().(ed25519.PublicKey)))
	require.NoError(t, err)
	for name, try := range map[string][3]string{
		"other user":    {stranger, sig, string(nonce)},
		"no user":       {"", sig, string(nonce)},
		"account key":   {"A" + user[1:], sig, string(nonce)},
		"other nonce":   {user, sig, "Zm9vYmFyYmF6cXW"},
		"no signature":  {user, "", string(nonce)},
		"not base64":    {user, "!!", string(nonce)},
		"cut signature": {user, sig[:20], string(nonce)},
	} {
		_, err := bus.VerifyLogin(try[0], try[1], []byte(try[2]))
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), name)
	}
}

// The key that logs in also signs deliveries: a server must not be able to
// have one signed by calling its hash a challenge.
func TestLogin_SignsNoHash(t *testing.T) {
	t.Parallel()
	hash := sha256.Sum256([]byte("a delivery"))
	for name, challenge := range map[string][]byte{
		"hash": hash[:], "32 characters": bytes.Repeat([]byte{'A'}, 32), "empty": {}, "short": []byte("abc"),
		"long": bytes.Repeat([]byte{'A'}, 25), "not base64": []byte("Zm9vYmFyYmF6cX\n"),
	} {
		_, err := bus.SignNonce(key, challenge)
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), name)
	}
}

func FuzzVerifyLogin(f *testing.F) {
	user, sig := login(f)
	f.Add(user, sig, nonce)
	f.Add("U", "AA==", []byte{})
	f.Fuzz(func(t *testing.T, user, sig string, challenge []byte) {
		w, err := bus.VerifyLogin(user, sig, challenge)
		if err == nil {
			require.Equal(t, worker, w)
			require.Equal(t, nonce, challenge)
		}
	})
}
