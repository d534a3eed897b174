package action

import (
	"context"
	"crypto/ed25519"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/voucher"
	"github.com/cocoon-network/cocoon/wrappers"
)

func (d Desk) channels() wrappers.ChannelDesk {
	return wrappers.ChannelDesk{Chain: d.Chain, GlobalID: d.GlobalID, Registry: d.Registry}
}

// OpenChannel is wrappers.ChannelDesk.Open for a model that the registry lists.
func (d Desk) OpenChannel(ctx context.Context, b wrappers.ChannelBirth, amount cocoon.Nano, model cocoon.ModelID, tokens uint64) (chain.Message, error) {
	if err := b.Validate(); err != nil {
		return chain.Message{}, err
	}
	if _, err := d.Model(ctx, model); err != nil {
		return chain.Message{}, err
	}
	return d.channels().Open(ctx, b, amount, model, tokens)
}

// TopUpChannel adds amount to the escrow of a channel.
func (d Desk) TopUpChannel(ctx context.Context, channel cocoon.Account, amount cocoon.Nano) (chain.Message, error) {
	return d.channels().TopUp(ctx, channel, amount)
}

// Settle redeems a voucher; the change goes to response.
func (d Desk) Settle(ctx context.Context, v voucher.Signed, response cocoon.Account) (chain.Message, error) {
	return d.channels().Settle(ctx, v, response)
}

// RotateChannel lets key sign the channel's vouchers.
func (d Desk) RotateChannel(ctx context.Context, channel cocoon.Account, key ed25519.PrivateKey) (chain.Message, error) {
	return d.channels().Rotate(ctx, channel, key)
}

// RequestClose starts the close delay of a channel.
func (d Desk) RequestClose(ctx context.Context, channel cocoon.Account) (chain.Message, error) {
	return d.channels().RequestClose(ctx, channel)
}

// CloseNow closes a channel at once, as its dispatcher has signed.
func (d Desk) CloseNow(ctx context.Context, channel cocoon.Account, promise wrappers.CloseNow) (chain.Message, error) {
	return d.channels().CloseNow(ctx, channel, promise)
}

// FinishChannel gives the client what no voucher has taken, after the close delay.
func (d Desk) FinishChannel(ctx context.Context, channel, response cocoon.Account) (chain.Message, error) {
	return d.channels().Finish(ctx, channel, response)
}
