package guest

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/url"

	"github.com/google/go-tdx-guest/abi"
	"github.com/google/go-tdx-guest/pcs"
	"github.com/google/go-tdx-guest/verify"
	"github.com/google/go-tdx-guest/verify/trust"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
)

// Getter fetches a URL: its headers and its body. Those of the library's package
// trust fit; give up when ctx ends by implementing trust.ContextHTTPSGetter too.
type Getter = trust.HTTPSGetter

// Fetch gets the collateral that a quote needs. What it gets is not verified: a
// client does that.
func Fetch(ctx context.Context, g Getter, quote []byte) (c attest.Collateral, err error) {
	parsed, err := abi.QuoteToProto(quote)
	if err != nil {
		return c, cocoon.Invalid.Errorf("read a TDX quote: %w", err)
	}
	chain, err := verify.ExtractChainFromQuote(parsed)
	if err != nil {
		return c, cocoon.Invalid.Errorf("read the certificates of a TDX quote: %w", err)
	}
	pck, err := pcs.PckCertificateExtensions(chain.PCKCertificate)
	if err != nil {
		return c, cocoon.Invalid.Errorf("read the certificate of a TDX platform: %w", err)
	}
	if c.TCBInfo, err = signed(ctx, g, pcs.TcbInfoURL(pck.FMSPC), pcs.TcbInfoIssuerChainPhrase, "tcbInfo"); err != nil {
		return c, err
	}
	if c.QEIdentity, err = signed(ctx, g, pcs.QeIdentityURL(), pcs.SgxQeIdentityIssuerChainPhrase, "enclaveIdentity"); err != nil {
		return c, err
	}
	if _, c.PCKCRL, err = get(ctx, g, pcs.PckCrlURL("platform")); err != nil { // the library knows no TDX under the other CA
		return c, err
	}
	for _, at := range attest.IntelRoot().CRLDistributionPoints {
		if _, c.RootCRL, err = get(ctx, g, at); err == nil {
			break
		}
	}
	return c, err
}

func get(ctx context.Context, g Getter, at string) (map[string][]string, []byte, error) {
	header, body, err := trust.GetWith(ctx, g, at)
	if err != nil {
		return nil, nil, cocoon.WithHint(cocoon.Unreachable.Errorf("fetch collateral from %s: %w", at, err), "let the machine reach Intel's provisioning service, or name a mirror of it")
	}
	return header, body, nil
}

// signed fetches a document whose answer is {name: body, "signature": hex}, with
// the signer and the root in a header.
func signed(ctx context.Context, g Getter, at, issuers, name string) (s attest.Signed, err error) {
	header, body, err := get(ctx, g, at)
	if err != nil {
		return s, err
	}
	var parts map[string]json.RawMessage
	var signature string
	if json.Unmarshal(body, &parts) != nil || json.Unmarshal(parts["signature"], &signature) != nil || hex.DecodedLen(len(signature)) != len(s.Signature) {
		return s, cocoon.Invalid.Errorf("read %s from %s: not a signed document", name, at)
	}
	if _, err := hex.Decode(s.Signature[:], []byte(signature)); err != nil {
		return s, cocoon.Invalid.Errorf("read %s from %s: %w", name, at, err)
	}
	s.Body = parts[name]
	s.Signer, err = firstCertificate(header[issuers])
	return s, err
}

func firstCertificate(header []string) ([]byte, error) {
	if len(header) != 1 {
		return nil, cocoon.Invalid.Errorf("read the signer of collateral: %d headers", len(header))
	}
	text, err := url.QueryUnescape(header[0])
	if err != nil {
		return nil, cocoon.Invalid.Errorf("read the signer of collateral: %w", err)
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, cocoon.Invalid.Errorf("read the signer of collateral: not PEM")
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return nil, cocoon.Invalid.Errorf("read the signer of collateral: %w", err)
	}
	return block.Bytes, nil
}
