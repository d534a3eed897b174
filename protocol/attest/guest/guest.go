// Package guest makes statements inside an Intel TDX guest: the quote comes from
// the kernel's configfs, the collateral from Intel's provisioning service or a
// mirror of it.
package guest

import (
	"context"

	"github.com/google/go-tdx-guest/client"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
)

// GPUs has NVIDIA's attestation service judge all GPUs of this machine.
type GPUs interface {
	// Token returns the service's answer, a detached EAT, for reports made with nonce.
	Token(ctx context.Context, nonce [32]byte) ([]byte, error)
}

// TDX makes statements of the guest it runs in. It is an attest.Quoter.
type TDX struct {
	Source     Source // of quotes
	Collateral Getter // fetches from Intel's service or a mirror
	GPUs       GPUs   // nil: the tier stays that of TDX alone
}

// Source has the platform sign report data.
type Source interface {
	IsSupported() error
	GetRawQuote(reportData [64]byte) ([]byte, error)
}

const hintGuest = "run inside a TDX guest with Linux 6.7 or newer and configfs mounted, or serve the open tier"

// Configfs is the source of quotes in a Linux guest. Whether this is one, its IsSupported says.
func Configfs() (Source, error) {
	p, err := client.GetQuoteProvider()
	if err != nil {
		return nil, cocoon.WithHint(cocoon.NotFound.Errorf("ask for TDX quotes: %w", err), hintGuest)
	}
	return p, nil
}

// Quote implements attest.Quoter.
func (t TDX) Quote(ctx context.Context, c attest.Claims) (s attest.Statement, err error) {
	if err := t.Source.IsSupported(); err != nil {
		return s, cocoon.WithHint(cocoon.NotFound.Errorf("ask for a TDX quote: %w", err), hintGuest)
	}
	raw, err := t.Source.GetRawQuote(c.ReportData())
	if err != nil {
		return s, cocoon.Unreachable.Errorf("ask for a TDX quote: %w", err)
	}
	s.TEE = attest.TEETDX
	if s.Quote, err = attest.TrimQuote(raw); err != nil {
		return s, err
	}
	if s.Collateral, err = Fetch(ctx, t.Collateral, s.Quote); err != nil || t.GPUs == nil {
		return s, err
	}
	if s.GPU, err = t.GPUs.Token(ctx, c.Hash()); err != nil {
		return s, cocoon.Unreachable.Errorf("ask for GPU tokens: %w", err)
	}
	return s, nil
}
