package bus

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"

	"github.com/cocoon-network/cocoon"
)

// KeyHash is how the chain names a server's TLS key: SHA-256 of the certificate's
// SubjectPublicKeyInfo. A certificate renewed with its key has the same.
func KeyHash(c *x509.Certificate) [32]byte { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// Pinned accepts one public key, whoever signed a certificate for it: the one that
// hash names at each handshake.
func Pinned(hash func() ([32]byte, error)) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error { //nolint:gosec // the chain says which key
		want, err := hash()
		if err != nil {
			return err
		}
		if len(s.PeerCertificates) == 0 || KeyHash(s.PeerCertificates[0]) != want {
			return cocoon.WithHint(cocoon.Forbidden.Errorf("the server's key is not the one that its rewards contract names"),
				"whoever runs it writes the key there: cocoon dispatcher endpoint URL --tls-cert FILE")
		}
		return nil
	}}
}

// Loopback reports whether host is this machine: without TLS nobody else is spoken with.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Secured reports whether u asks for TLS.
func Secured(u *url.URL) bool { return u.Scheme == "tls" || u.Scheme == "wss" }
