package cli

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/wrappers"
)

type endpointOptions struct {
	certificate, hash string
	remove            bool
}

func newDispatcherEndpoint(e *env) *cobra.Command {
	o := endpointOptions{}
	c := dispatcherCommand(e, "endpoint [URL]", "Say on chain where clients and workers reach you", cobra.ArbitraryArgs,
		func(ctx context.Context, d *desk, b wrappers.RewardsBirth, args []string) error {
			url, hash, err := o.read(args)
			if err != nil {
				return err
			}
			m, err := d.SetEndpoint(ctx, b, url, hash)
			if err != nil {
				return err
			}
			return d.send(ctx, e, "set the endpoint", m)
		})
	c.Long = `Writes a URL and a hash of your server's TLS key into the rewards contract, so that
whoever dials you finds you there and knows that it is you. The hash is SHA-256 of
the certificate's SubjectPublicKeyInfo: it stays the same when a certificate is
renewed with its key. Without TLS clients come from the same machine only.`
	c.Example = `  cocoon dispatcher endpoint tls://dispatcher.example:4443 --tls-cert server.pem
  cocoon dispatcher endpoint nats://127.0.0.1:4222    # to try things out`
	f := c.Flags()
	f.StringVar(&o.certificate, "tls-cert", "", "PEM file of the server's certificate, whose key is hashed")
	f.StringVar(&o.hash, "tls-key-hash", "", "the hash itself, 64 hex digits, where the certificate is not here")
	f.BoolVar(&o.remove, "remove", false, "say nothing any more")
	return c
}

// read is what to say; no URL removes what is said.
func (o *endpointOptions) read(args []string) (url string, hash [32]byte, err error) {
	if o.remove {
		if len(args) > 0 || o.certificate != "" || o.hash != "" {
			return "", hash, cocoon.Invalid.Errorf("--remove goes alone")
		}
		return "", hash, nil
	}
	if len(args) == 1 && o.certificate == "" && o.hash == "" && onThisMachine(args[0]) {
		return args[0], hash, nil
	}
	if len(args) != 1 || (o.certificate == "") == (o.hash == "") {
		return "", hash, cocoon.WithHint(cocoon.Invalid.Errorf("an endpoint is a URL and either --tls-cert or --tls-key-hash"),
			"without TLS clients reach a dispatcher on their own machine only, as nats://127.0.0.1:4222")
	}
	if o.hash != "" {
		b, err := hex.DecodeString(o.hash)
		if err != nil || len(b) != len(hash) {
			return "", hash, cocoon.Invalid.Errorf("--tls-key-hash %q is not 64 hex digits", o.hash)
		}
		return args[0], [32]byte(b), nil
	}
	hash, err = tlsKeyHash(o.certificate)
	return args[0], hash, err
}

// onThisMachine reports whether clients dial the URL without TLS.
func onThisMachine(at string) bool {
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "nats" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// tlsKeyHash is SHA-256 of the SubjectPublicKeyInfo of the first certificate in a PEM file.
func tlsKeyHash(file string) ([32]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return [32]byte{}, cocoon.NotFound.Errorf("read --tls-cert: %w", err)
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return [32]byte{}, cocoon.Invalid.Errorf("read certificate %s: %w", file, err)
		}
		return bus.KeyHash(c), nil
	}
	return [32]byte{}, cocoon.Invalid.Errorf("%s holds no certificate", file)
}
