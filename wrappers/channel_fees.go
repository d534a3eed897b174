package wrappers

import (
	"context"

	"github.com/cocoon-network/cocoon"
)

// ChannelFees are the least values a channel's operations must bring, in the
// schema's order, at the live prices. OpenChannel includes the rent that a
// channel keeps back from vouchers, and is the client's in the end; what the
// others do not use comes back.
type ChannelFees struct{ Finish, OpenChannel, Settle, Rotate, RequestClose, CloseNow cocoon.Nano }

// GetChannelFees asks the channel at a for its fees, which are the same for every channel.
func GetChannelFees(ctx context.Context, g Getter, a cocoon.Account) (f ChannelFees, err error) {
	err = getNanos(ctx, g, a, "get_fees", nil, &f.Finish, &f.OpenChannel, &f.Settle, &f.Rotate, &f.RequestClose, &f.CloseNow)
	return f, err
}

// GetChannelFree asks the channel at a how much vouchers may still take.
func GetChannelFree(ctx context.Context, g Getter, a cocoon.Account) (free cocoon.Nano, err error) {
	err = getNanos(ctx, g, a, "get_free", nil, &free)
	return free, err
}
