package action

import (
	"context"

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
