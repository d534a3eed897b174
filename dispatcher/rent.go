package dispatcher

import (
	"context"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// rentFor is how long a measured rent is believed: it follows the network's
// configuration, which changes by vote.
const rentFor = time.Hour

// rents are what contracts keep back for their storage, as their get-methods
// show it. It is the same for all of a kind.
type rents struct {
	channel, rewards rent
	opening          cocoon.Nano // what open_epoch has to bring, measured with rewards
}

type rent struct {
	amount cocoon.Nano // 0 while none has shown it
	until  time.Time
}

// measureChannels measures the rent of a channel, if the last time is long ago,
// on the first that holds more than it.
func (r *rents) measureChannels(ctx context.Context, deps Deps, channels []market.Channel) error {
	for _, ch := range channels {
		if deps.Now().Before(r.channel.until) {
			return nil
		}
		if ch.Closed {
			continue
		}
		err := r.channel.measure(ctx, deps, ch.Account, func() (cocoon.Nano, error) { return wrappers.GetChannelFree(ctx, deps.Chain, ch.Account) })
		if err != nil {
			return err
		}
	}
	return nil
}

// measureRewards measures the rent of the rewards contract, which may pay its
// pot and its debts, and the price of opening an epoch.
func (r *rents) measureRewards(ctx context.Context, deps Deps, a cocoon.Account) error {
	if deps.Now().Before(r.rewards.until) {
		return nil
	}
	fees, err := wrappers.GetRewardsFees(ctx, deps.Chain, a, 1)
	if err != nil {
		return err
	}
	r.opening = fees.OpenEpoch
	return r.rewards.measure(ctx, deps, a, func() (cocoon.Nano, error) {
		pot, err := wrappers.GetPot(ctx, deps.Chain, a)
		if err != nil || pot.IsZero() {
			return cocoon.Nano{}, err
		}
		state, err := readRewards(ctx, deps.Chain, a)
		if err == nil {
			pot, err = pot.Add(state.Bond)
		}
		if err == nil {
			pot, err = pot.Add(state.Unbonding)
		}
		return pot, err
	})
}

// measure is a's balance less what it may pay, both of the same state. One that
// may pay nothing does not show it.
func (r *rent) measure(ctx context.Context, deps Deps, a cocoon.Account, may func() (cocoon.Nano, error)) error {
	before, err := deps.Chain.Account(ctx, a)
	if err != nil {
		return err
	}
	free, err := may()
	if err != nil || free.IsZero() {
		return err
	}
	after, err := deps.Chain.Account(ctx, a)
	if err != nil {
		return err
	}
	if before.LastLT != after.LastLT {
		return cocoon.Unreachable.Errorf("contract %s changed while it was read", a)
	}
	amount, err := after.Balance.Sub(free)
	if err == nil {
		r.amount, r.until = amount, deps.Now().Add(rentFor)
	}
	return err
}
