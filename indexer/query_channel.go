package indexer

import (
	"context"
	"database/sql"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// ChannelFilter narrows a list of channels; what is nil or false does not count.
type ChannelFilter struct {
	Client  *cocoon.Account
	Rewards *cocoon.Account
	Open    bool
	account *cocoon.Account
}

// Channels are the channels that pass the filter, in the order of their births.
func (x *Indexer) Channels(ctx context.Context, f ChannelFilter) ([]market.Channel, error) {
	return items(x.channels(ctx, span{}, f))
}

// ChannelsOf are the channels that pay a rewards contract, closed ones included.
func (x *Indexer) ChannelsOf(ctx context.Context, rewards cocoon.Account) ([]market.Channel, error) {
	return x.Channels(ctx, ChannelFilter{Rewards: &rewards})
}

// Channel is the channel at a; NotFound where there is none.
func (x *Indexer) Channel(ctx context.Context, a cocoon.Account) (market.Channel, error) {
	list, err := x.channels(ctx, span{limit: 1}, ChannelFilter{account: &a})
	return only(list, err, "channel", a)
}

func (x *Indexer) channels(ctx context.Context, s span, f ChannelFilter) ([]numbered[market.Channel], error) {
	q := narrowed(narrowed(narrowed(x.fromStates("channels"), "t.account", f.account), "t.client", f.Client), "t.rewards", f.Rewards)
	if f.Open {
		q = q.Where("t.closed = 0")
	}
	return collect(ctx, x.store, q, "t.seq", s, func(rows *sql.Rows) (uint64, market.Channel, error) {
		r, err := scanState[channelRecord](rows)
		if err != nil {
			return r.seq, market.Channel{}, err
		}
		c, err := r.state.told(r.account, r.purse)
		return r.seq, c, err
	})
}

func (c *channelRecord) told(account cocoon.Account, held purse) (t market.Channel, err error) {
	t = market.Channel{Account: account, Client: c.Client, Rewards: c.Rewards, DispatcherKey: c.DispatcherKey.text(), OpenedAt: c.OpenedAt,
		CloseDelay: c.delay(), Settled: c.Settled, Key: c.Key.text(), Previous: c.Previous.text(), PreviousUntil: c.PreviousUntil,
		ClosesAt: c.ClosesAt, Closed: c.Closed, ToClient: c.ToClient, Demand: c.Demand}
	t.Balance, err = held.balance()
	return t, err
}
