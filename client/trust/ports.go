package trust

import (
	"context"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Chain reads proven state. Proven is the real one.
type Chain interface {
	// Provider is a provider's state, and the time of the masterchain block that it
	// is proven under; NotFound where there is no contract.
	Provider(ctx context.Context, a cocoon.Account) (wrappers.Provider, time.Time, error)
}

// Subject is a worker as the chain proves it to be.
type Subject struct {
	Registry cocoon.Account // that the provider is born under
	Provider cocoon.Account
	Worker   [32]byte
	Boot     stream.Boot
	Session  [32]byte // the key that the worker's certificate names
	GPUs     int      // as registered
	Proven   time.Time
	Tier     uint8 // asked for
}

// Judge verifies evidence. An error means that the worker is not to be trusted.
type Judge interface {
	Judge(ctx context.Context, evidence []byte, s Subject) (Verdict, error)
}

// Verdict is what evidence shows: it holds until just before NotAfter.
type Verdict struct {
	Session  [32]byte // made in the environment that is attested
	Keys     []Key
	NotAfter time.Time
	Proven   time.Time // of the block under which what it depends on was proven
}

// Key is one to encrypt prompts to. Leases name it by KeyID.
type Key struct {
	Public              envelope.PublicKey
	NotBefore, NotAfter time.Time
}

// Proven is Chain over a connection that checks proofs.
type Proven struct{ Client *chain.Client }

// Provider reads a provider at the newest masterchain block.
func (p Proven) Provider(ctx context.Context, a cocoon.Account) (wrappers.Provider, time.Time, error) {
	acc, err := p.Client.Account(ctx, a)
	if err != nil {
		return wrappers.Provider{}, time.Time{}, err
	}
	if acc.State != chain.Active {
		return wrappers.Provider{}, time.Time{}, cocoon.NotFound.Errorf("there is no contract at %s", a)
	}
	at, err := p.Client.Time(ctx, acc.Block)
	if err != nil {
		return wrappers.Provider{}, time.Time{}, err
	}
	v, err := wrappers.DecodeProvider(acc.Data)
	return v, at, err
}

// certified checks that the worker's key names a session key for this boot.
func certified(k stream.Keys, globalID int32, now time.Time) (receipt.Certificate, error) {
	c, err := receipt.ParseCertificate(k.Certificate)
	if err != nil {
		return receipt.Certificate{}, err
	}
	if c.GlobalID != globalID || c.Provider != k.Provider || c.Boot != [16]byte(k.Boot) {
		return receipt.Certificate{}, cocoon.Forbidden.Errorf("the certificate of worker %x is for another network, provider or boot", k.Worker[:4])
	}
	if now.Unix() >= int64(c.NotAfter) {
		return receipt.Certificate{}, cocoon.Forbidden.Errorf("the certificate of worker %x has expired", k.Worker[:4])
	}
	return c.Certificate, c.Verify(k.Worker)
}
