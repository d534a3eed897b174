package cli

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

func TestEndpoint_HashesTheKeyOfTheCertificateAndNotItself(t *testing.T) {
	t.Parallel()
	public, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	spki, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	want := sha256.Sum256(spki)
	dir := t.TempDir()
	for serial := range int64(2) { // renewed
		raw, err := x509.CreateCertificate(nil, &x509.Certificate{SerialNumber: big.NewInt(serial + 1)}, &x509.Certificate{}, public, key)
		require.NoError(t, err)
		file := filepath.Join(dir, "server.pem")
		text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})...)
		require.NoError(t, os.WriteFile(file, text, 0o600))
		o := endpointOptions{certificate: file}
		url, hash, err := o.read([]string{"tls://there:1"})
		require.NoError(t, err)
		require.Equal(t, "tls://there:1", url)
		require.Equal(t, want, hash)
		o = endpointOptions{hash: hex.EncodeToString(want[:])}
		_, hash, err = o.read([]string{"tls://there:1"})
		require.NoError(t, err)
		require.Equal(t, want, hash)
	}
}

func TestEndpoint_RefusesWhatSaysNothing(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, []byte("-----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----\n"), 0o600))
	some, there := hex.EncodeToString(make([]byte, 32)), []string{"tls://there:1"}
	for name, c := range map[string]struct {
		o    endpointOptions
		args []string
		kind cocoon.Kind
	}{
		"no URL":             {endpointOptions{hash: some}, nil, cocoon.Invalid},
		"no key":             {endpointOptions{}, there, cocoon.Invalid},
		"both":               {endpointOptions{hash: some, certificate: empty}, there, cocoon.Invalid},
		"a short hash":       {endpointOptions{hash: some[2:]}, there, cocoon.Invalid},
		"no certificate":     {endpointOptions{certificate: empty}, there, cocoon.Invalid},
		"no file":            {endpointOptions{certificate: empty + "2"}, there, cocoon.NotFound},
		"removal of another": {endpointOptions{remove: true}, there, cocoon.Invalid},
	} {
		_, _, err := c.o.read(c.args)
		require.Equal(t, c.kind, cocoon.KindOf(err), name)
	}
	url, _, err := (&endpointOptions{remove: true}).read(nil)
	require.NoError(t, err)
	require.Empty(t, url)
}
