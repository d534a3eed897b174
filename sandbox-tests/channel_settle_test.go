package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/voucher"
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

func TestChannel_VoucherBeyondTheEscrowTakesWhatIsThereAndTheRestLater(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	free := c.free()
	big := c.voucher(ton(15))
	tr := post(c, wallet("relay"), c.fees().Settle, big).requireOK(t)
	require.Equal(t, free, tr.settled(t))
	require.Equal(t, free, c.state().Settled, "settled grows by what was paid")
	rent := minus(t, c.fees().OpenChannel, c.free())
	require.Equal(t, 1, plus(t, c.balance(c.channel), ton(1)).Cmp(rent), "the rent stays")
	deny(c, errWrongAmount, wallet("relay"), c.voucherBy("channel", voucher.Voucher{GlobalID: globalID, Channel: c.channel, Cumulative: free}))
	c.topUp(ton(20))
	tr = post(c, wallet("relay"), c.fees().Settle, big).requireOK(t)
	require.Equal(t, minus(t, ton(15), free), tr.settled(t))
	require.Equal(t, ton(15), c.state().Settled)
	c.requireBooks()
}

func TestChannel_TakesNoVoucherFromAnEscrowThatOnlyHoldsItsRent(t *testing.T) {
	t.Parallel()
	c := channelShell(t)
	require.True(t, c.free().IsZero())
	deny(c, errWrongAmount, wallet("relay"), c.voucher(ton(1)))
	c.requireBooks()
}

func TestChannel_ChargesNobodyWithoutTheirSignature(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	v := voucher.Voucher{GlobalID: globalID, Channel: c.channel, Cumulative: ton(1)}
	forged, network, elsewhere, more := v, v, v, c.voucher(ton(1))
	network.GlobalID, elsewhere.Channel = -3, wallet("other")
	more.Cumulative = coins(ton(2))
	_, promise, err := wrappers.Sign(wrappers.ClosePromise{GlobalID: globalID, Contract: c.channel, Final: coins(ton(1))}, keyOf("channel"))
	require.NoError(t, err)
	for name, m := range map[string]wrappers.Settle{
		"the dispatcher's key": c.voucherBy("dispatcher", forged),
		"another network":      c.voucherBy("channel", network),
		"another channel":      c.voucherBy("channel", elsewhere),
		"another amount":       more,
		"something else":       {QueryID: 1, Signature: promise.Bytes, Cumulative: coins(ton(1))},
		"nothing signed":       {QueryID: 1, Cumulative: coins(ton(1))},
	} {
		t.Log(name)
		deny(c, errWrongSignature, wallet("relay"), m)
	}
	post(c, wallet("relay"), c.fees().Settle, c.voucher(ton(1))).requireOK(t)
	c.requireBooks()
}

func TestChannel_BelievesNoWeakKey(t *testing.T) {
	t.Parallel()
	for _, weak := range [][32]byte{{}, {1}} {
		c := fundedChannel(t, func(b *wrappers.ChannelBirth) { b.ClientKey, b.DispatcherKey = weak, weak })
		for last := range byte(32) { // under the zero key a quarter of these would verify
			forged := wrappers.Settle{QueryID: 1, Response: wallet("thief"), Signature: [64]byte{1}, Cumulative: coins(cocoon.NanoOf(1_000_000 + uint64(last)))}
			tr := post(c, wallet("thief"), ton(1), forged)
			require.Contains(t, []int32{errWrongSignature, errWrongKey}, tr.steps[0].exit)
			require.True(t, tr.steps[0].aborted)
		}
		deny(c, errWrongKey, c.birth.Client, wrappers.CloseNow{QueryID: 1, Signature: [64]byte{1}, Final: coins(ton(1))})
		require.True(t, c.state().Settled.IsZero())
		c.requireBooks()
	}
}

func TestChannel_PotGetsAllOfEachVoucher(t *testing.T) {
	t.Parallel()
	r := newRewards(t)
	c := channelOf(r)
	pot := r.pot()
	tr := post(c, wallet("relay"), c.fees().Settle, c.voucher(ton(3))).requireOK(t)
	tr.requireOps(t, opSettle, opSettlement)
	require.NotEqual(t, -1, r.pot().Cmp(plus(t, pot, ton(3))))
	require.Equal(t, -1, r.pot().Cmp(plus(t, pot, plus(t, ton(3), cocoon.NanoOf(1_000_000)))), "and no more than the slack of its gas")
	c.requireBooks()
}

// Change that is worth no more than its message is not sent, down to the nanoTON.
func TestChannel_SettleGivesChangeThatIsWorthAMessage(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	change := plus(t, c.gasFee(constantOf(t, "gas::change")), c.price(getForwardFee, 0, 0, 0))
	for paid, more := range []cocoon.Nano{{}, cocoon.NanoOf(1), change, plus(t, change, cocoon.NanoOf(1))} {
		tr := post(c, wallet("relay"), plus(t, c.fees().Settle, more), c.voucher(ton(uint64(paid+1)))).requireOK(t)
		require.Equal(t, more.Cmp(change) > 0, len(tr.steps) == 3, "%s attached", more)
	}
	c.requireBooks()
}

func TestRewards_SettlementIsPotFromAnyone(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	before, pot := s.data(s.rewards).Hash(), s.pot()
	try(s, wallet("stranger"), ton(5), wrappers.Settlement{QueryID: 1, Amount: coins(ton(77))}).requireOK(t).requireOps(t, opSettlement)
	require.Equal(t, before, s.data(s.rewards).Hash())
	require.Equal(t, 1, s.pot().Cmp(plus(t, pot, ton(4))))
	s.requireBooks()
}

func TestChannel_SettlesToRewardsThatAreNotThere(t *testing.T) {
	t.Parallel()
	r := unbornRewards(t)
	c := channelOf(r)
	held := c.balance(c.channel)
	tr := post(c, wallet("relay"), c.fees().Settle, c.voucher(ton(3))).requireOK(t)
	tr.requireOps(t, opSettle, opSettlement)
	require.NotEqual(t, -1, c.balance(r.rewards).Cmp(ton(3)), "credited, for its birth to find")
	require.NotEqual(t, -1, c.balance(c.channel).Cmp(minus(t, held, ton(3))), "and nothing came back")
	c.requireBooks()
}
