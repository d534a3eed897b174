package worker_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/worker/answer"
	"github.com/cocoon-network/cocoon/wrappers"
)

// certificate signs for itself.
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

// named has the chain name a TLS key for the dispatcher.
func (m *market) named(hash [32]byte) {
	m.chain.mu.Lock()
	defer m.chain.mu.Unlock()
	m.chain.dispatchers = map[cocoon.Account]answer.Dispatcher{rewards: {Rewards: wrappers.Rewards{Keys: wrappers.ReceiptKeys{
		Endpoint: &wrappers.Endpoint{TLSKeyHash: hash, URL: "tls://dispatcher.example:4443"}}}}}
}

// onTLS restarts the bus at its address with a certificate.
func (m *market) onTLS(c tls.Certificate) {
	m.t.Helper()
	addr := m.bus.Addr().String()
	m.bus.Shutdown()
	m.bus.WaitForShutdown()
	m.tls = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{c}}
	m.startBus(addr)
	m.cfg.Dispatcher, m.cfg.Pin = m.bus.ClientURL(), rewards
}

func TestPin_TheDispatchersKeyIsTheOneOnChainAlsoOnceItChanges(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	first, hash := certificate(t)
	m.named(hash)
	m.onTLS(first)
	m.run() // returns with a heartbeat
	second, next := certificate(t)
	m.onTLS(second) // somebody at the same address, whose key the chain does not name
	require.Eventually(t, func() bool {
		return strings.Count(m.log.String(), "not the one that its rewards contract names") > 2
	}, wait, tick, m.log)
	for len(m.beats) > 0 {
		<-m.beats
	}
	require.Empty(t, m.beats)
	m.named(next) // its owner says so
	m.heartbeat(func(bus.Heartbeat) bool { return true })
}

func TestPin_WithoutARewardsContractTheSystemsRootsVouch(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	c, _ := certificate(t)
	m.onTLS(c)
	m.cfg.Pin = cocoon.Account{}
	w := m.newWorker()
	go func() { _ = w.Run(t.Context()) }()
	require.Eventually(t, func() bool { return strings.Count(m.log.String(), "x509") > 0 }, wait, tick)
	require.Empty(t, m.beats)
}

func TestConfig_OffLoopbackTheDispatcherIsReachedByTLS(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	for url, ok := range map[string]bool{"nats://dispatcher.example:4222": false, "ws://192.0.2.1:80": false, "tls://dispatcher.example:4443": true,
		"wss://dispatcher.example": true, "nats://localhost:4222": true, "nats://[::1]:4222": true} {
		m.cfg.Dispatcher = url
		err := m.cfg.Validate()
		require.Equal(t, ok, err == nil, url)
		if !ok {
			require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), url)
		}
	}
}
