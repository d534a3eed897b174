package action

import (
	"context"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// NameOwner lets next become the owner, by TakeRewards; the zero account is nobody.
func (d Desk) NameOwner(ctx context.Context, b wrappers.RewardsBirth, next cocoon.Account) (chain.Message, error) {
	c, _, fees, err := d.owned(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, wrappers.TransferOwnership{Owner: next}, fees.TransferOwnership)
}

// NameHeir lets heir take over after a long silence of owner and operator, by
// TakeRewards; the zero account is nobody.
func (d Desk) NameHeir(ctx context.Context, b wrappers.RewardsBirth, heir cocoon.Account) (chain.Message, error) {
	c, _, fees, err := d.owned(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, wrappers.SetHeir{Heir: heir}, fees.SetHeir)
}

// TakeRewards makes me the owner, where the owner has named me, or was silent for so
// long at now, in unix seconds, that its heir may come. Where the owner opened epochs I
// do; another operator goes on under whom the owner has named.
func (d Desk) TakeRewards(ctx context.Context, b wrappers.RewardsBirth, me cocoon.Account, now uint32) ([]chain.Message, error) {
	c, state, fees, err := d.owned(ctx, b)
	if err != nil {
		return nil, err
	}
	if state.NextOwner != me {
		m, err := succeed(c, state, fees, me, now)
		return []chain.Message{m}, err
	}
	take, err := wrappers.NewMessage(c, wrappers.AcceptOwnership{}, fees.AcceptOwnership)
	if err != nil || state.Operator != state.Owner {
		return []chain.Message{take}, err
	}
	appoint, err := wrappers.NewMessage(c, wrappers.Appoint{Operator: me}, fees.Appoint)
	return []chain.Message{take, appoint}, err
}

// succeed says beforehand why the contract would refuse an heir.
func succeed(c wrappers.Target, state wrappers.Rewards, fees wrappers.RewardsFees, me cocoon.Account, now uint32) (m chain.Message, err error) {
	if state.Heir != me {
		return m, cocoon.WithHint(cocoon.Forbidden.Errorf("%s is owned by %s, who has not named %s", c.Account, state.Owner, me), "its owner sends: cocoon dispatcher owner %s", me)
	}
	if state.Terms == nil {
		return m, cocoon.Conflict.Errorf("%s has taken no terms, which say when its heir may come", c.Account)
	}
	if from := state.SeenAt + state.Terms.HeirAfter; now < from {
		return m, cocoon.Conflict.Errorf("owner or operator of %s sent something %s: the heir may come from %s on", c.Account, cocoon.UTC(state.SeenAt), cocoon.UTC(from))
	}
	return wrappers.NewMessage(c, wrappers.Succeed{}, fees.Succeed)
}

// owned is the state of a rewards contract that is there.
func (d Desk) owned(ctx context.Context, b wrappers.RewardsBirth) (c wrappers.Target, state wrappers.Rewards, fees wrappers.RewardsFees, err error) {
	if c, fees, err = d.rewards(ctx, b); err != nil {
		return c, state, fees, err
	}
	if c.Data == nil {
		return c, state, fees, cocoon.WithHint(cocoon.NotFound.Errorf("there is no rewards contract at %s", c.Account), "cocoon dispatcher init; where another wallet deployed it: --deployer ADDRESS")
	}
	state, err = wrappers.DecodeRewards(c.Data)
	return c, state, fees, err
}

// Unbond starts the unbonding of amount, 0 of all that is bonded.
func (d Desk) Unbond(ctx context.Context, b wrappers.RewardsBirth, amount cocoon.Nano) (chain.Message, error) {
	c, state, fees, err := d.owned(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	if amount.IsZero() {
		amount = state.Bond
	}
	if amount.IsZero() || amount.Cmp(state.Bond) > 0 {
		return chain.Message{}, cocoon.NoMoney.Errorf("cannot unbond %s: %s are bonded", amount, state.Bond)
	}
	return wrappers.NewMessage(c, wrappers.RequestUnbond{Amount: wrappers.Coins{Nano: amount}}, fees.RequestUnbond)
}

// WithdrawBond pays amount of what is unbonded at now, in unix seconds, to the owner; 0
// is all of it.
func (d Desk) WithdrawBond(ctx context.Context, b wrappers.RewardsBirth, amount cocoon.Nano, now uint32) (chain.Message, error) {
	c, state, fees, err := d.owned(ctx, b)
	if err != nil {
		return chain.Message{}, err
	}
	if err = mayWithdraw(state, amount, now); err != nil {
		return chain.Message{}, err
	}
	return wrappers.NewMessage(c, wrappers.Withdraw{Amount: wrappers.Coins{Nano: amount}}, fees.Withdraw)
}

// mayWithdraw says beforehand why the contract would refuse to pay.
func mayWithdraw(r wrappers.Rewards, amount cocoon.Nano, now uint32) error {
	ripe, waiting := wrappers.Ripe(r.Tranches, now)
	var free cocoon.Nano
	for _, t := range ripe {
		free = free.Plus(t.Amount)
	}
	switch {
	case !r.Pending.IsZero():
		return cocoon.Conflict.Errorf("epoch %d is pending: what is unbonded stays until it has passed", r.Number)
	case r.Number <= r.Owed:
		return cocoon.Conflict.Errorf("a provider has lodged a receipt of epoch %d, this is %d: nothing leaves before it was paid", r.Owed, r.Number)
	case len(r.Tranches) == 0:
		return cocoon.WithHint(cocoon.NoMoney.Errorf("nothing is unbonding"), "cocoon dispatcher unbond AMOUNT")
	case len(waiting) > 0 && (free.IsZero() || amount.Cmp(free) > 0):
		return cocoon.NoMoney.Errorf("%s are unbonded, the next %s %s", free, waiting[0].Amount, cocoon.UTC(waiting[0].At))
	case amount.Cmp(free) > 0:
		return cocoon.NoMoney.Errorf("%s are unbonded", free)
	}
	return nil
}
