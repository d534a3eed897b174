package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// What users of the live network lose, and why they do not here. There, a user of a silent
// proxy asks for its refund, waits, asks again, and gets no more than the proxy's own stake
// covers, which nobody has to fund.

func TestLiveLoss_ForcedRefundWipesAStakeThatNoCounterStakeCovers(t *testing.T) {
	t.Parallel()
	s := deposited(t, 15)
	require.True(t, s.proxyState().Stake.IsZero(), "as on the live network")
	require.Zero(t, s.clientState().Tokens, "nothing was ever used")

	require.True(t, s.paid(s.requestRefund(s.user).requireOK(t)).IsZero(), "nothing lies above the stake")
	s.advance(liveClientDelay)
	tr := s.requestRefund(s.user).requireOK(t)

	tr.requireOps(t, liveRequestRefund, liveProxyRequest, livePayout, liveExcesses)
	require.True(t, s.paid(tr).IsZero(), "a payout of nothing")
	require.True(t, s.clientState().Balance.IsZero(), "and the client is owed nothing more")
	require.NotEqual(t, -1, s.balance(s.proxy).Cmp(ton(15)), "though the pool holds all of it")
	s.requireBooks()
}

func TestLiveLoss_NothingBringsItBack(t *testing.T) {
	t.Parallel()
	s := deposited(t, 15)
	s.requestRefund(s.user).requireOK(t)
	s.advance(liveClientDelay)
	s.requestRefund(s.user).requireOK(t)

	none := uint64(0)
	s.signed(s.client, liveGrantRefund, &none).requireExit(t, liveErrClosed) // the proxy is back, and willing
	s.requestRefund(s.user).requireExit(t, liveErrClosed)
	s.sayCoins(wallet("anyone"), s.proxy, ton(16), liveIncreaseStake, ton(15)).requireOK(t)
	s.requestRefund(s.user).requireExit(t, liveErrClosed)

	s.signed(s.proxy, liveCloseRequest, nil).requireOK(t)
	s.advance(liveProxyDelay)
	tr := s.signed(s.proxy, liveCloseComplete, nil).requireOK(t)
	require.Equal(t, 1, tr.paidTo(t, s.operator).Cmp(ton(30)), "the pool is the proxy owner's: the user's 15, and what came to help")
	s.requireBooks()
}

func TestLiveLoss_CounterStakeCoversNoMoreThanItIs(t *testing.T) {
	t.Parallel()
	s := deposited(t, 20)
	s.sayCoins(s.operator, s.proxy, ton(5), liveIncreaseStake, ton(4)).requireOK(t)
	require.Equal(t, ton(5), s.paid(s.requestRefund(s.user).requireOK(t)), "what lies above the stake")
	s.advance(liveClientDelay)
	require.Equal(t, ton(4), s.paid(s.requestRefund(s.user).requireOK(t)))
	require.True(t, s.clientState().Balance.IsZero(), "eleven are gone")
	s.requireBooks()
}

// The model loses money only where the original does: a proxy that answers gives everything back.
func TestLiveLoss_ProxyThatAnswersGivesItAllBack(t *testing.T) {
	t.Parallel()
	s := deposited(t, 15)
	s.requestRefund(wallet("thief")).requireExit(t, liveErrNotOwner)
	s.requestRefund(s.user).requireOK(t)
	s.advance(liveClientDelay - time.Second)
	s.requestRefund(s.user).requireExit(t, liveErrNotUnlocked)
	used := uint64(50_000_000) // tokens, 1 TON
	tr := s.signed(s.client, liveGrantRefund, &used).requireOK(t)
	require.Equal(t, ton(14), s.paid(tr))
	require.Equal(t, s.user, tr.step(t, livePayout).to)
	s.requireBooks()
}

// ourDispatchers are what a dispatcher of ours may look like to a client that wants its money.
var ourDispatchers = map[string]func(t *testing.T) (*world, cocoon.Account){
	"never on chain": func(t *testing.T) (*world, cocoon.Account) { return newWorld(t), wallet("nobody") },
	"a shell": func(t *testing.T) (*world, cocoon.Account) {
		r := unbornRewards(t)
		init, err := r.birth.Init()
		require.NoError(t, err)
		r.send(wallet("stranger"), chain.Message{To: r.rewards, Amount: ton(1), Init: init}).requireOK(t)
		return r.world, r.rewards
	},
	"without bond, its pot empty": func(t *testing.T) (*world, cocoon.Account) {
		r, _ := starvingRewards(t)
		return r.world, r.rewards
	},
	"frozen": func(t *testing.T) (*world, cocoon.Account) {
		r, _ := starvingRewards(t)
		r.advance(60 * 365 * 24 * time.Hour)
		r.touch(r.rewards)
		require.EqualValues(t, "FROZEN", r.status(r.rewards))
		return r.world, r.rewards
	},
	"bonded, and silent": func(t *testing.T) (*world, cocoon.Account) {
		r := withTerms(t)
		return r.world, r.rewards
	},
}

func TestLiveLoss_ChannelGivesAllBackWhateverTheDispatcherIs(t *testing.T) {
	t.Parallel()
	for name, dispatcher := range ourDispatchers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, rewards := dispatcher(t)
			c := channelIn(t, w, wrappers.ChannelBirth{Client: wallet("client"), ClientKey: publicOf("channel"), Rewards: rewards,
				DispatcherKey: publicOf("dispatcher"), CloseDelay: uint32(closeDelay / time.Second), Salt: 77})
			c.topUp(ton(15))
			held := c.balance(c.channel)
			post(c, c.birth.Client, c.fees().RequestClose, wrappers.RequestClose{QueryID: 1}).requireOK(t)
			c.advance(closeDelay)
			tr := post(c, wallet("stranger"), c.fees().Finish, finishTo("crank")).requireOK(t)
			c.requireAbout(held, tr.paidTo(t, c.birth.Client), "channel", closeDelay, cocoon.Nano{})
			c.requireNothingTakes(rewards)
		})
	}
}

// requireNothingTakes wants no message that anybody can send to a closed channel to bring money to others than its client.
func (c *channelStory) requireNothingTakes(rewards cocoon.Account) {
	c.t.Helper()
	c.topUp(ton(15)) // something to take
	before := c.balance(rewards)
	post(c, wallet("relay"), ton(1), c.voucher(ton(15))).requireExit(c.t, errWrongPhase)
	for _, a := range c.attempts() {
		c.send(a.by, a.m)
	}
	require.NotEqual(c.t, 1, c.balance(rewards).Cmp(before))
	require.True(c.t, c.state().Settled.IsZero())
}

// What was signed is taken, the rest is not, although nobody could have made the dispatcher pay a counter-stake.
func TestLiveLoss_ChannelGivesBackWhatWasNotSignedAway(t *testing.T) {
	t.Parallel()
	for name, dispatcher := range ourDispatchers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, rewards := dispatcher(t)
			c := channelIn(t, w, wrappers.ChannelBirth{Client: wallet("client"), ClientKey: publicOf("channel"), Rewards: rewards, CloseDelay: 86_400})
			c.topUp(ton(15))
			held, change := c.balance(c.channel), c.fees().Settle
			post(c, c.birth.Client, c.fees().RequestClose, wrappers.RequestClose{QueryID: 1}).requireOK(t)
			tr := post(c, wallet("relay"), c.fees().Settle, c.voucher(ton(4)))
			require.Equal(t, ton(4), tr.settled(t))
			c.advance(24 * time.Hour)
			tr = post(c, wallet("stranger"), c.fees().Finish, finishTo("crank")).requireOK(t)
			c.requireAbout(minus(t, held, ton(4)), tr.paidTo(t, c.birth.Client), "channel", 24*time.Hour, change)
		})
	}
}

func TestLiveLoss_JobGivesAllBackWhereNobodyTakesIt(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	held := s.balance(s.job)
	s.advance(jobAcceptIn)
	tr := request(s, wallet("stranger"), s.fees().Expire, wrappers.Expire{QueryID: 1}).requireOK(t)
	s.requireAbout(held, tr.paidTo(t, s.offer.Client), "job", jobAcceptIn, s.fees().Expire)
	require.True(t, s.balance(s.job).IsZero())
	s.requireSolvent()
}

// Whoever takes a job and falls silent pays the client: the bond lies in the job and not in a promise.
func TestLiveLoss_JobGivesMoreBackWhereItsProviderFallsSilent(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	held := s.balance(s.job)
	late := s.deliver(s.delivery(ton(7)))
	s.advance(jobWork)
	tr := request(s, wallet("stranger"), s.fees().Expire, wrappers.Expire{QueryID: 1}).requireOK(t)
	s.requireAbout(held, tr.paidTo(t, s.offer.Client), "job", jobWork, s.fees().Expire)
	require.Equal(t, 1, tr.paidTo(t, s.offer.Client).Cmp(ton(12)), "the budget, and a bond of two")
	refuse(s, errWrongPhase, wallet("relay"), late)
	refuse(s, errWrongPhase, s.provider, s.accept(ton(2)))
	s.requireSolvent()
}
