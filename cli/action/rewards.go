package action

import (
	"context"
	"crypto/ed25519"
	"net/url"
	"strings"
	"unicode"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Rewards is the birth of owner's rewards contract number index under this network's registry.
func (d Desk) Rewards(owner cocoon.Account, index uint32) wrappers.RewardsBirth {
	return wrappers.RewardsBirth{Registry: d.Registry, Owner: owner, Index: index}
}

func (d Desk) rewards(ctx context.Context, b wrappers.RewardsBirth) (wrappers.Target, wrappers.RewardsFees, error) {
	c, err := wrappers.Find(ctx, d.Chain, b)
	if err != nil {
		return c, wrappers.RewardsFees{}, err
	}
	fees, err := wrappers.GetRewardsFees(ctx, c.Fees, c.Account, 1)
	return c, fees, err
}

// RewardsTerms consents to the terms that the registry publishes now, and
// deploys the rewards contract where it is not there yet.
func (d Desk) RewardsTerms(ctx context.Context, b wrappers.RewardsBirth) (chain.Message, error) {
	c, fees, err := d.rewards(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	hash, err := d.termsHash(ctx)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, wrappers.RefreshTerms{Hash: hash}, fees.RefreshTerms)
}

// Bond adds amount to the dispatcher's bond; the change goes to response.
func (d Desk) Bond(ctx context.Context, b wrappers.RewardsBirth, amount cocoon.Nano, response cocoon.Account) (chain.Message, error) {
	if amount.IsZero() {
		return chain.Message{}, cocoon.Invalid.Errorf("a bond of nothing bonds nothing")
	}
	c, fees, err := d.rewards(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, wrappers.Bond{Amount: wrappers.Coins{Nano: amount}, Response: response}, fees.Bond, amount)
}

// Fund adds amount to the pot, for good; the change goes to response.
func (d Desk) Fund(ctx context.Context, b wrappers.RewardsBirth, amount cocoon.Nano, response cocoon.Account) (chain.Message, error) {
	if amount.IsZero() {
		return chain.Message{}, cocoon.Invalid.Errorf("funding with nothing adds nothing")
	}
	c, fees, err := d.rewards(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, wrappers.Fund{Amount: wrappers.Coins{Nano: amount}, Response: response}, fees.Fund, amount)
}

// Appoint lets operator open epochs in the owner's place.
func (d Desk) Appoint(ctx context.Context, b wrappers.RewardsBirth, operator cocoon.Account) (chain.Message, error) {
	c, fees, err := d.rewards(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, wrappers.Appoint{Operator: operator}, fees.Appoint)
}

// RotateKey lets key sign receipts, from two numbers later on; the first key of
// a contract at once.
func (d Desk) RotateKey(ctx context.Context, b wrappers.RewardsBirth, key ed25519.PrivateKey) (chain.Message, error) {
	c, fees, err := d.rewards(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	if c.Data != nil {
		state, err := wrappers.DecodeRewards(c.Data)
		if err == nil {
			err = mayRotate(state, wrappers.PublicKey(key))
		}
		if err != nil {
			return chain.Message{}, err
		}
	}
	proof, err := wrappers.ProvePossession(key, d.GlobalID, c.Account)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, wrappers.RotateKey{Key: wrappers.PublicKey(key), Possession: &proof}, fees.RotateKey)
}

// mayRotate says beforehand what the contract would refuse, or what would change nothing.
func mayRotate(r wrappers.Rewards, key [32]byte) error {
	switch {
	case r.Keys.Of(r.Number+2) == key:
		return cocoon.Conflict.Errorf("key %x signs the receipts already, or will", key)
	case r.Keys.NextFrom > r.Number:
		return cocoon.Conflict.Errorf("another key counts from epoch %d on, this is %d: none can come before it", r.Keys.NextFrom, r.Number)
	}
	return nil
}

// SetEndpoint says where the dispatcher is reached, and the SHA-256 of the
// SubjectPublicKeyInfo that its TLS server shows there. No url removes it.
func (d Desk) SetEndpoint(ctx context.Context, b wrappers.RewardsBirth, at string, tlsKeyHash [32]byte) (chain.Message, error) {
	c, fees, err := d.rewards(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	if at == "" {
		return wrappers.NewMessage(c, wrappers.SetEndpoint{}, fees.SetEndpoint)
	}
	if err = checkEndpoint(at); err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, wrappers.SetEndpoint{Endpoint: &wrappers.Endpoint{TLSKeyHash: tlsKeyHash, URL: wrappers.Text(at)}}, fees.SetEndpoint)
}

// checkEndpoint wants a URL with a scheme and a host that the contract takes.
func checkEndpoint(at string) error {
	u, err := url.Parse(at)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return cocoon.Invalid.Errorf("%q is not a URL, as in tls://dispatcher.example:4443", at)
	}
	if len(at) > wrappers.MaxNameBytes || strings.ContainsFunc(at, func(r rune) bool { return r > unicode.MaxASCII }) {
		return cocoon.Invalid.Errorf("URL %q is not ASCII of at most %d bytes", at, wrappers.MaxNameBytes)
	}
	return nil
}

// Claim pays the leaf at index ahead of the dispatcher's pushes; the change goes to response.
func (d Desk) Claim(ctx context.Context, epoch cocoon.Account, tree *wrappers.EpochTree, index int, response cocoon.Account) (chain.Message, error) {
	proof, err := tree.Proof(index, 1)
	if err != nil {
		return chain.Message{}, err
	}
	fees, err := wrappers.GetEpochFees(ctx, d.Chain, epoch, 1)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(wrappers.Target{Account: epoch}, wrappers.Claim{Response: response, Index: uint32(index), Proof: proof}, fees.Claim)
}
