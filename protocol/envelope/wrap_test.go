package envelope_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

var job, otherJob = cocoon.Account{1}, cocoon.Account{2}

func newKey(t testing.TB) envelope.PrivateKey {
	t.Helper()
	k, err := envelope.NewKeyPair()
	require.NoError(t, err)
	return k
}

func TestKeyPair_SurvivesItsBytes(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	seed, err := k.Bytes()
	require.NoError(t, err)
	again, err := envelope.ParsePrivateKey(seed)
	require.NoError(t, err)
	require.Equal(t, k.Public().Bytes(), again.Public().Bytes())
	pub, err := envelope.ParsePublicKey(k.Public().Bytes())
	require.NoError(t, err)
	require.Equal(t, k.Public().Hash(), pub.Hash())
	require.Len(t, pub.Bytes(), envelope.PublicKeySize)

	_, err = envelope.ParsePrivateKey(seed[1:])
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	for _, bad := range [][]byte{nil, pub.Bytes()[1:], bytes.Repeat([]byte{0xff}, envelope.PublicKeySize)} {
		_, err = envelope.ParsePublicKey(bad)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
}

func TestKeys_DoNotPrint(t *testing.T) {
	t.Parallel()
	key, k := envelope.Key{0xab, 0xcd}, newKey(t)
	seed, err := k.Bytes()
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%s", "%+v", "%#v"} {
		text := fmt.Sprintf(verb+verb, key, k)
		require.NotContains(t, text, "abcd")
		require.NotContains(t, text, fmt.Sprintf("%x", seed[:4]))
		require.NotContains(t, text, "171")
	}
}

func TestGrant_OpensForItsJobPayloadAndWorkerOnly(t *testing.T) {
	t.Parallel()
	worker, other := newKey(t), newKey(t)
	key, payload := envelope.Key{7}, [32]byte{8}
	wrap, err := envelope.Grant(key, job, payload, worker.Public())
	require.NoError(t, err)
	require.Len(t, wrap, envelope.WrapSize)

	got, err := envelope.OpenGrant(wrap, job, payload, worker)
	require.NoError(t, err)
	require.Equal(t, [32]byte(key), [32]byte(got))
	for name, open := range map[string]func() (envelope.Key, error){
		"other worker":  func() (envelope.Key, error) { return envelope.OpenGrant(wrap, job, payload, other) },
		"other job":     func() (envelope.Key, error) { return envelope.OpenGrant(wrap, otherJob, payload, worker) },
		"other payload": func() (envelope.Key, error) { return envelope.OpenGrant(wrap, job, [32]byte{9}, worker) },
		"cut":           func() (envelope.Key, error) { return envelope.OpenGrant(wrap[1:], job, payload, worker) },
		"nothing":       func() (envelope.Key, error) { return envelope.OpenGrant(nil, job, payload, worker) },
	} {
		_, err := open()
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
	for i := 0; i < len(wrap); i += 61 {
		bad := bytes.Clone(wrap)
		bad[i] ^= 0x10
		_, err := envelope.OpenGrant(bad, job, payload, worker)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "byte %d", i)
	}
}

func TestResult_OpensForItsJobAndClientOnly(t *testing.T) {
	t.Parallel()
	client, text := newKey(t), noise(t, 100_000)
	blob, err := envelope.EncryptResult(seeded(1), text, job, client.Public())
	require.NoError(t, err)
	got, err := envelope.OpenResult(blob, job, client)
	require.NoError(t, err)
	require.Equal(t, text, got)

	_, err = envelope.OpenResult(blob, otherJob, client)
	require.ErrorContains(t, err, "does not open")
	_, err = envelope.OpenResult(blob, job, newKey(t))
	require.ErrorContains(t, err, "does not open")
	for i := 0; i < len(blob); i += 997 {
		bad := bytes.Clone(blob)
		bad[i] ^= 1
		_, err := envelope.OpenResult(bad, job, client)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "byte %d", i)
		_, err = envelope.OpenResult(blob[:i], job, client)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "cut at %d", i)
	}
}

func TestResult_AndGrantAreNotInterchangeable(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	blob, err := envelope.EncryptResult(seeded(1), nil, job, k.Public())
	require.NoError(t, err)
	_, err = envelope.OpenGrant(blob[8:8+envelope.WrapSize], job, envelope.Hash(blob), k)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	_, err = envelope.Open(blob, envelope.Key{})
	require.ErrorContains(t, err, "not a payload")
}

func FuzzOpenGrant(f *testing.F) {
	k := newKey(f)
	wrap, err := envelope.Grant(envelope.Key{7}, job, [32]byte{8}, k.Public())
	require.NoError(f, err)
	f.Add(wrap[1:])
	f.Add(wrap[:len(wrap)-1])
	f.Add(make([]byte, envelope.WrapSize))
	f.Fuzz(func(t *testing.T, wrap []byte) {
		_, err := envelope.OpenGrant(wrap, job, [32]byte{8}, k)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	})
}

func FuzzOpenResult(f *testing.F) {
	k := newKey(f)
	blob, err := envelope.EncryptResult(seeded(1), []byte("an answer"), job, k.Public())
	require.NoError(f, err)
	f.Add(blob[:len(blob)-1])
	f.Add(blob[:8+envelope.WrapSize])
	f.Add(append([]byte("CCN\x01\x02\x00\x00\x00"), make([]byte, 2000)...))
	f.Fuzz(func(t *testing.T, blob []byte) {
		_, err := envelope.OpenResult(blob, job, k)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	})
}

func FuzzParsePublicKey(f *testing.F) {
	k := newKey(f)
	f.Add(k.Public().Bytes())
	f.Add(bytes.Repeat([]byte{0xff}, envelope.PublicKeySize))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := envelope.ParsePublicKey(b)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		require.Equal(t, b, p.Bytes())
		_, err = envelope.Grant(envelope.Key{1}, job, [32]byte{}, p) // may be refused, never panics
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
		}
	})
}
