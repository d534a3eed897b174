package dispatcher

import (
	"context"
	"slices"
	"sync"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/voucher"
	"github.com/cocoon-network/cocoon/wrappers"
)

// settleOf names the settlement of a channel.
func settleOf(a cocoon.Account) string { return "settle of channel " + a.String() }

// settle sends what the ledger wants settled now. It wants it until the index
// has the settlement; the relay does not send it twice meanwhile.
func (c *clerk) settle(ctx context.Context) error {
	if c == nil {
		return nil
	}
	due, err := c.ledger.Due(c.now(), c.present())
	if err == nil {
		c.redeem(ctx, due)
	}
	return err
}

// collect sends all that can be settled now, so that an epoch can be paid.
func (c *clerk) collect(ctx context.Context) {
	c.redeem(ctx, c.ledger.Settleable(c.now(), c.present()))
}

// redeem sends settlements, those first that cannot wait. The wallet sends
// together what comes at the same time.
func (c *clerk) redeem(ctx context.Context, due []ledger.Settlement) {
	if len(due) == 0 {
		return
	}
	slices.SortStableFunc(due, func(a, b ledger.Settlement) int { return urgency(b) - urgency(a) })
	fee := sync.OnceValues(func() (cocoon.Nano, error) { // every channel asks the same
		fees, err := wrappers.GetChannelFees(ctx, c.deps.Chain, due[0].Channel)
		return fees.Settle, err
	})
	for _, s := range due {
		c.relay.once(ctx, settleOf(s.Channel), func(context.Context) (chain.Message, error) {
			v, err := voucher.Parse(s.Voucher)
			if err != nil {
				return chain.Message{}, cocoon.Internal.Errorf("kept voucher of channel %s: %w", s.Channel, err)
			}
			value, err := fee()
			if err != nil {
				return chain.Message{}, err
			}
			c.log.Info("settling", "channel", s.Channel, "amount_nano", s.Amount.Text(), "reason", string(s.Reason), "cover", s.Cover)
			return message(s.Channel, value, wrappers.NewSettle(v, 0, c.deps.Sender.Account()))
		})
	}
}

func urgency(s ledger.Settlement) int {
	if s.Reason == ledger.Leaving {
		return 1
	}
	return 0
}
