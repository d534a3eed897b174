package bus_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon/protocol/bus"
)

// shake is what a client that expects a key by its hash says to a server with that key.
func shake(t *testing.T, server *ecdsa.PrivateKey, hash [32]byte) error {
	t.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{}, server.Public(), server)
	require.NoError(t, err)
	a, b := net.Pipe()
	var g errgroup.Group
	g.Go(func() error {
		s := tls.Server(b, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: server}}})
		return errors.Join(s.Handshake(), b.Close())
	})
	err = tls.Client(a, bus.Pinned(func() ([32]byte, error) { return hash, nil })).Handshake()
	require.NoError(t, a.Close())
	_ = g.Wait() // it fails where the client does
	return err
}

func TestPinned_OneKeyIsTheServersWhoeverSignedForIt(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	hash := sha256.Sum256(spki)
	require.NoError(t, shake(t, key, hash))
	hash[0]++
	require.ErrorContains(t, shake(t, key, hash), "not the one that its rewards contract names")
	require.Error(t, shake(t, key, [32]byte{}))
}
