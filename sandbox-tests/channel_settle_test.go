package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func topUpOf(c *channelStory) chain.Message {
	return chain.Message{To: c.channel, Amount: ton(1), Bounce: true}
}

// channelOf is a funded channel that pays to r, a contract on chain.
func channelOf(r *rewardsStory) *channelStory {
	r.t.Helper()
	c := channelIn(r.t, r.world, wrappers.ChannelBirth{Client: wallet("client"), ClientKey: publicOf("channel"), Rewards: r.rewards,
		DispatcherKey: publicOf("dispatcher"), CloseDelay: 86400, Salt: 1})
	c.topUp(ton(10))
	return c
}

func TestChannel_SettlePaysTheDifference(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	tr := postLeast(c, wallet("relay"), c.fees().Settle, c.voucher(ton(2)))
	tr.requireOps(t, opSettle, opSettlement)
	require.Equal(t, ton(2), tr.settled(t))
	held := c.balance(c.channel)
	tr = post(c, wallet("relay"), ton(1), c.voucher(ton(3))).requireOK(t)
	tr.requireOps(t, opSettle, opSettlement, opExcesses)
	require.Equal(t, ton(1), tr.settled(t))
	require.NotEqual(t, -1, tr.paidTo(t, c.birth.Rewards).Cmp(ton(1)), "the gas of receiving it comes on top")
	require.Equal(t, 1, tr.paidTo(t, wallet("change")).Cmp(cocoon.NanoOf(980_000_000)), "what is above the price")
	require.Equal(t, ton(3), c.state().Settled)
	require.NotEqual(t, -1, c.balance(c.channel).Cmp(minus(t, held, ton(1))), "the escrow pays vouchers and no fees")
	c.requireBooks()
}

func TestChannel_TakesEachVoucherOnce(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	post(c, wallet("relay"), ton(1), c.voucher(ton(2))).requireOK(t)
	deny(c, errWrongAmount, wallet("relay"), c.voucher(ton(2)))
	deny(c, errWrongAmount, wallet("relay"), c.voucher(ton(1)))
	deny(c, errWrongAmount, wallet("relay"), c.voucher(cocoon.Nano{}))
	c.requireBooks()
}
