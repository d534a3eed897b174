package bus_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"hash/crc32"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

const localnet = -217

var notAfter = time.Unix(1_800_000_000, 0)

func envelopeKey(t testing.TB) envelope.PublicKey {
	t.Helper()
	k, err := envelope.ParsePrivateKey(bytes.Repeat([]byte{6}, 32))
	require.NoError(t, err)
	return k.Public()
}

func intent(t testing.TB) bus.Intent {
	t.Helper()
	c := bus.Certificate{GlobalID: localnet, Provider: provider, Boot: boot, NotAfter: uint32(notAfter.Unix())}
	return bus.SignIntent(key, c, job, envelopeKey(t))
}

func TestIntent_GivesTheKeyItsWorkerCertified(t *testing.T) {
	t.Parallel()
	got, err := again[bus.Intent](intent(t))
	require.NoError(t, err)
	i := got.(bus.Intent)
	public, err := i.Verify(localnet, job, notAfter.Add(-time.Second))
	require.NoError(t, err)
	require.Equal(t, envelopeKey(t).Bytes(), public.Bytes())
	require.Equal(t, worker, i.Certificate.Worker)
	require.Equal(t, provider, i.Certificate.Provider)
}

func TestIntent_AnyOtherIsForbidden(t *testing.T) {
	t.Parallel()
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	another, err := envelope.NewKeyPair()
	require.NoError(t, err)
	before := notAfter.Add(-time.Second)
	for name, change := range map[string]func(*bus.Intent){
		"provider":  func(i *bus.Intent) { i.Certificate.Provider[0] ^= 1 },
		"worker":    func(i *bus.Intent) { i.Certificate.Worker = bus.ID(other.Public().(ed25519.PublicKey)) },
		"key hash":  func(i *bus.Intent) { i.Certificate.KeyHash[0] ^= 1 },
		"boot":      func(i *bus.Intent) { i.Certificate.Boot[0] ^= 1 },
		"longer":    func(i *bus.Intent) { i.Certificate.NotAfter++ },
		"network":   func(i *bus.Intent) { i.Certificate.GlobalID++ },
		"job":       func(i *bus.Intent) { i.Job[0] ^= 1 },
		"certified": func(i *bus.Intent) { i.Certified[0] ^= 1 },
		"signature": func(i *bus.Intent) { i.Signature[0] ^= 1 },
		"swapped":   func(i *bus.Intent) { i.Certified, i.Signature = i.Signature, i.Certified },
		"other key": func(i *bus.Intent) { i.PublicKey = another.Public().Bytes() },
	} {
		i := intent(t)
		change(&i)
		_, err := i.Verify(localnet, job, before)
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), name)
	}
	i := intent(t)
	_, err = i.Verify(localnet, cocoon.Account{8}, before)
	require.ErrorContains(t, err, "intent is for job", "an intent is for one job")
	_, err = i.Verify(localnet+1, job, before)
	require.ErrorContains(t, err, "is for network")
	_, err = i.Verify(localnet, job, notAfter)
	require.ErrorContains(t, err, "has run out")
}

// The tags in the code are those of the declarations that people read.
func TestCertificate_TagsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/protocol/bus.md")
	require.NoError(t, err)
	code, err := os.ReadFile("certificate.go")
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^(\w+)#([0-9a-f]{8}) (.*);$`).FindAllSubmatch(doc, -1)
	require.Len(t, found, 2)
	for _, f := range found {
		declaration := string(f[1]) + " " + string(f[3])
		tag := crc32.ChecksumIEEE([]byte(declaration)) & 0x7fffffff
		require.Equal(t, string(f[2]), fmt.Sprintf("%08x", tag), declaration)
		require.Contains(t, string(code), "0x"+string(f[2]))
	}
}

func FuzzIntentVerify(f *testing.F) {
	raw, err := bus.Encode(intent(f))
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		i, err := bus.Decode[bus.Intent](raw)
		if err != nil {
			return
		}
		if _, err = i.Verify(localnet, job, notAfter.Add(-time.Second)); err != nil {
			require.Contains(t, []cocoon.Kind{cocoon.Invalid, cocoon.Forbidden}, cocoon.KindOf(err))
		}
	})
}
