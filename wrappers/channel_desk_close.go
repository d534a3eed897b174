package wrappers

import (
	"context"
	"crypto/ed25519"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// RequestClose starts the close delay of a channel, which its client needs nobody for.
func (d ChannelDesk) RequestClose(ctx context.Context, channel cocoon.Account) (chain.Message, error) {
	c, fees, s, err := d.open(ctx, channel)
	if err != nil {
		return chain.Message{}, err
	}
	if s.ClosesAt != 0 {
		return chain.Message{}, cocoon.Conflict.Errorf("that was asked already: the channel may be finished from %s on", cocoon.UTC(s.ClosesAt))
	}
	return NewMessage(c, RequestClose{}, fees.RequestClose)
}

// CloseNow closes a channel at once, as its dispatcher has signed.
func (d ChannelDesk) CloseNow(ctx context.Context, channel cocoon.Account, promise CloseNow) (chain.Message, error) {
	c, fees, s, err := d.open(ctx, channel)
	if err != nil {
		return chain.Message{}, err
	}
	signed, err := Cell(ClosePromise{GlobalID: d.GlobalID, Contract: channel, Final: promise.Final})
	if err != nil {
		return chain.Message{}, err
	}
	if !ed25519.Verify(s.Birth.DispatcherKey[:], signed.Hash(), promise.Signature[:]) {
		return chain.Message{}, cocoon.Forbidden.Errorf("the channel's dispatcher did not sign that %s is all that it is paid", promise.Final)
	}
	rest, err := promise.Final.Sub(s.Settled)
	if err != nil {
		return chain.Message{}, cocoon.Conflict.Errorf("the channel has paid %s already, more than the %s agreed", s.Settled, promise.Final)
	}
	free, err := GetChannelFree(ctx, d.Chain, channel)
	if err != nil {
		return chain.Message{}, err
	}
	if rest.Cmp(free) > 0 {
		return chain.Message{}, cocoon.NoMoney.Errorf("%s more are agreed, the channel can pay %s", rest, free)
	}
	return NewMessage(c, promise, fees.CloseNow)
}

// Finish gives the client what no voucher has taken, once the close
// delay is over; of a closed channel, what came to it since. The change goes to
// response.
func (d ChannelDesk) Finish(ctx context.Context, channel, response cocoon.Account) (chain.Message, error) {
	c, fees, s, err := d.channel(ctx, channel)
	if err != nil {
		return chain.Message{}, err
	}
	if !s.Closed && s.ClosesAt == 0 {
		return chain.Message{}, cocoon.Conflict.Errorf("the client has not asked to close channel %s", channel)
	}
	return NewMessage(c, Finish{Response: response}, fees.Finish)
}
