package market

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

// certify gives the dispatcher a TLS key, as it needs one off loopback: nobody has
// to vouch for the certificate, since the chain names the key.
func (m *Market) certify(cfg *dispatcher.Config) (hash [32]byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return hash, err
	}
	shape := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0)}
	raw, err := x509.CreateCertificate(rand.Reader, shape, shape, key.Public(), key)
	if err != nil {
		return hash, fmt.Errorf("make the dispatcher's certificate: %w", err)
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		return hash, err
	}
	cfg.TLS = tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
	return bus.KeyHash(c), nil
}

// tellEndpoint writes on chain where the dispatcher is, and which TLS key it has.
func (m *Market) tellEndpoint(ctx context.Context, hash [32]byte) error {
	endpoint, err := m.dispatcher.SetEndpoint(ctx, m.dispatcher.Rewards(m.dispatcher.wallet.Account(), 0), m.dispatch.WorkersURL(), hash)
	if err != nil {
		return err
	}
	if _, err = m.dispatcher.wallet.Send(ctx, endpoint); err != nil {
		return fmt.Errorf("name the dispatcher's endpoint: %w", err)
	}
	return nil
}
