package dispatcher

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/big"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

// certificate signs for itself; its hash is what the chain would name.
func certificate(t *testing.T) (tls.Certificate, [32]byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	shape := &x509.Certificate{SerialNumber: big.NewInt(1)}
	raw, err := x509.CreateCertificate(rand.Reader, shape, shape, key.Public(), key)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, bus.KeyHash(c)
}

func pin(hash [32]byte) nats.Option {
	return nats.Secure(bus.Pinned(func() ([32]byte, error) { return hash, nil }))
}

func TestLink_OffLoopbackListensWithTLSAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:4222", "dispatcher.example:4222", ":0"} {
		cfg := DefaultConfig()
		cfg.Listen = at
		_, err := openLink(cfg, w.roster, &daemons{}, slog.New(slog.DiscardHandler))
		require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), at)
		require.Contains(t, cocoon.HintOf(err), "--tls-cert")
	}
}

func TestLink_WithTLSIsReachedByThoseWhoKnowItsKey(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	var hash [32]byte
	cfg.TLS, hash = certificate(t)
	cfg.Listen = "0.0.0.0:0"
	w := newWorldWith(t, cfg)
	require.Contains(t, w.link.url(), "tls://")
	c, err := w.dial(key(1), key(1), pin(hash))
	require.NoError(t, err)
	require.True(t, c.TLSRequired())
	state, err := c.TLSConnectionState()
	require.NoError(t, err)
	require.Equal(t, uint16(tls.VersionTLS13), state.Version)
	one, boot := idOf(key(1)), bus.Boot{1}
	_, err = c.Subscribe(bus.ToWorker(one, boot, bus.GrantVerb), func(m *nats.Msg) {
		if answer, err := bus.Encode(bus.Ack{}); err == nil {
			_ = m.Respond(answer)
		}
	})
	require.NoError(t, err)
	require.NoError(t, c.Flush())
	ctx, stop := context.WithTimeout(t.Context(), patience30)
	defer stop()
	_, err = request[bus.Ack](ctx, w.link, one, boot, bus.GrantVerb, bus.Ack{})
	require.NoError(t, err, "our own connection needs none")

	_, other := certificate(t)
	_, err = w.dial(key(1), key(1), pin(other))
	require.ErrorContains(t, err, "not the one that its rewards contract names")
	_, err = w.dial(key(1), key(1))
	require.Error(t, err, "no root vouches for it")
	_, err = w.dial(key(9), key(9), pin(hash))
	require.ErrorIs(t, err, nats.ErrAuthorization)
	plain, err := nats.Connect("nats"+w.link.url()[len("tls"):], nats.NoReconnect(), nats.UserInfo("a", "b"))
	if err == nil {
		plain.Close()
	}
	require.Error(t, err, "nothing is said in clear")
}
