package envelope_test

import (
	"crypto/hpke"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/envelope"
)

const encapsulationSize = 1120

// Go's standard library reads what is written here, and writes what is read here:
// two implementations that nobody of us wrote agree on every byte.
func TestContext_IsTheStandardLibrarysHPKE(t *testing.T) {
	t.Parallel()
	ours, info, aad := newKey(t), []byte("cocoon request v1"), []byte("binding")
	seed, err := ours.Bytes()
	require.NoError(t, err)
	theirs, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	require.NoError(t, err)
	require.Equal(t, theirs.PublicKey().Bytes(), ours.Public().Bytes())
	body := envelope.Key{1, 2, 3}

	c, err := ours.Public().Prepare()
	require.NoError(t, err)
	wrap, secret, err := c.Wrap(body, aad)
	require.NoError(t, err)
	r, err := hpke.NewRecipient(wrap[:encapsulationSize], theirs, hpke.HKDFSHA256(), hpke.AES256GCM(), info)
	require.NoError(t, err)
	key, err := r.Open(aad, wrap[encapsulationSize:])
	require.NoError(t, err)
	require.Equal(t, body[:], key)
	exported, err := r.Export("cocoon answer v1", len(secret))
	require.NoError(t, err)
	require.Equal(t, secret[:], exported)

	enc, s, err := hpke.NewSender(theirs.PublicKey(), hpke.HKDFSHA256(), hpke.AES256GCM(), info)
	require.NoError(t, err)
	sealed, err := s.Seal(aad, body[:])
	require.NoError(t, err)
	got, secret, err := ours.Unwrap(append(enc, sealed...), aad)
	require.NoError(t, err)
	require.Equal(t, body, got)
	exported, err = s.Export("cocoon answer v1", len(secret))
	require.NoError(t, err)
	require.Equal(t, secret[:], exported)
}

// What a prompt costs to encrypt, for each candidate, and to open.
func BenchmarkPrepare(b *testing.B) {
	k := newKey(b).Public()
	for b.Loop() {
		if _, err := k.Prepare(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnwrap(b *testing.B) {
	k := newKey(b)
	c, err := k.Public().Prepare()
	require.NoError(b, err)
	wrap, _, err := c.Wrap(envelope.Key{1}, nil)
	require.NoError(b, err)
	for b.Loop() {
		if _, _, err := k.Unwrap(wrap, nil); err != nil {
			b.Fatal(err)
		}
	}
}
