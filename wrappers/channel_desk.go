package wrappers

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// ChannelDesk prepares messages for the channels of one network: with the fee that
// the contracts ask for at the live prices, and a check that what is asked can
// succeed. It sends nothing.
type ChannelDesk struct {
	Chain    Reader
	GlobalID int32
	Registry cocoon.Account
}

// Open escrows amount in the channel of that birth, deploys it where it
// is not there yet, and declares that its client expects to need so many tokens
// of model a day.
func (d ChannelDesk) Open(ctx context.Context, b ChannelBirth, amount cocoon.Nano, model cocoon.ModelID, tokens uint64) (chain.Message, error) {
	if amount.IsZero() {
		return chain.Message{}, cocoon.Invalid.Errorf("a channel of nothing pays nothing")
	}
	if err := b.Validate(); err != nil {
		return chain.Message{}, err
	}
	if _, err := d.MayPay(ctx, b.Rewards); err != nil {
		return chain.Message{}, err
	}
	c, err := Find(ctx, d.Chain, b)
	if err == nil && c.Data != nil {
		_, _, _, err = d.open(ctx, c.Account)
	}
	if err != nil {
		return chain.Message{}, err
	}
	fees, err := GetChannelFees(ctx, c.Fees, c.Account)
	if err != nil {
		return chain.Message{}, err
	}
	return NewMessage(c, OpenChannel{Model: model, Tokens: tokens}, fees.OpenChannel, amount)
}

// MayPay wants a rewards contract of this network: what a channel pays elsewhere no epoch gives to providers.
func (d ChannelDesk) MayPay(ctx context.Context, rewards cocoon.Account) (Rewards, error) {
	acc, err := d.Chain.Account(ctx, rewards)
	if err != nil {
		return Rewards{}, fmt.Errorf("read rewards contract %s: %w", rewards, err)
	}
	if acc.Data == nil {
		return Rewards{}, cocoon.WithHint(cocoon.NotFound.Errorf("there is no rewards contract at %s", rewards), "its dispatcher deploys it with: cocoon dispatcher init")
	}
	state, err := DecodeRewards(acc.Data)
	if err != nil {
		return Rewards{}, fmt.Errorf("read rewards contract %s: %w", rewards, err)
	}
	born, err := state.Birth.Account()
	if err != nil {
		return Rewards{}, err
	}
	if born != rewards || state.Birth.Registry != d.Registry {
		return Rewards{}, cocoon.Invalid.Errorf("%s is not a rewards contract under registry %s", rewards, d.Registry)
	}
	return state, nil
}

// channel is a channel that is there, whoever deployed it, with its state.
func (d ChannelDesk) channel(ctx context.Context, a cocoon.Account) (Target, ChannelFees, Channel, error) {
	acc, err := d.Chain.Account(ctx, a)
	if err != nil {
		return Target{}, ChannelFees{}, Channel{}, fmt.Errorf("read channel %s: %w", a, err)
	}
	c := Target{Account: a, Fees: d.Chain, Data: acc.Data}
	if err = c.Missing("channel"); err != nil {
		return c, ChannelFees{}, Channel{}, err
	}
	state, err := DecodeChannel(c.Data)
	if err != nil {
		return c, ChannelFees{}, state, err
	}
	if born, err := state.Birth.Account(); err != nil || born != a {
		return c, ChannelFees{}, state, cocoon.Invalid.Errorf("what is at %s is not a channel that this program knows", a)
	}
	fees, err := GetChannelFees(ctx, c.Fees, a)
	return c, fees, state, err
}

// open is channel for what a closed one refuses.
func (d ChannelDesk) open(ctx context.Context, a cocoon.Account) (Target, ChannelFees, Channel, error) {
	c, fees, s, err := d.channel(ctx, a)
	if err == nil && s.Closed {
		err = cocoon.WithHint(cocoon.Conflict.Errorf("channel %s is closed for ever", a), "open another one, with another salt")
	}
	return c, fees, s, err
}

// TopUp adds amount to the escrow of a channel.
func (d ChannelDesk) TopUp(ctx context.Context, channel cocoon.Account, amount cocoon.Nano) (chain.Message, error) {
	if amount.IsZero() {
		return chain.Message{}, cocoon.Invalid.Errorf("a top-up of nothing adds nothing")
	}
	_, _, _, err := d.open(ctx, channel)
	return chain.Message{To: channel, Amount: amount, Bounce: true}, err
}

// Settle redeems a voucher; the change goes to response.
func (d ChannelDesk) Settle(ctx context.Context, v voucher.Signed, response cocoon.Account) (chain.Message, error) {
	c, fees, s, err := d.open(ctx, v.Channel)
	if err == nil {
		err = d.mayRedeem(ctx, s, v)
	}
	if err != nil {
		return chain.Message{}, fmt.Errorf("settle a voucher over %s: %w", v.Cumulative, err)
	}
	return NewMessage(c, NewSettle(v, 0, response), fees.Settle)
}

// mayRedeem says beforehand what the contract would refuse. Whether the key
// before the last rotation still counts it decides alone.
func (d ChannelDesk) mayRedeem(ctx context.Context, s Channel, v voucher.Signed) error {
	if v.GlobalID != d.GlobalID {
		return cocoon.Invalid.Errorf("it was signed for network %d, this is network %d", v.GlobalID, d.GlobalID)
	}
	if err := v.Verify(s.Key); err != nil && v.Verify(s.Previous) != nil {
		return err
	}
	if v.Cumulative.Cmp(s.Settled) <= 0 {
		return cocoon.Conflict.Errorf("the channel has paid %s already", s.Settled)
	}
	free, err := GetChannelFree(ctx, d.Chain, v.Channel)
	if err == nil && free.IsZero() {
		err = cocoon.NoMoney.Errorf("the channel holds nothing to pay it from")
	}
	return err
}

// Rotate lets key sign the channel's vouchers. Those of the key before
// count for one close delay more, in which the contract takes no other.
func (d ChannelDesk) Rotate(ctx context.Context, channel cocoon.Account, key ed25519.PrivateKey) (chain.Message, error) {
	c, fees, _, err := d.open(ctx, channel)
	if err != nil {
		return chain.Message{}, err
	}
	body, err := NewRotate(key, d.GlobalID, channel, 0)
	if err != nil {
		return chain.Message{}, err
	}
	return NewMessage(c, body, fees.Rotate)
}
