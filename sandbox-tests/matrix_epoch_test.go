package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// onEpoch is the scene of v, with everyone who has to do with an epoch.
func onEpoch[T any](e *epochStory, from cocoon.Account, value cocoon.Nano, v T) *scene {
	e.t.Helper()
	return onStage(e.world, e.epoch, from, value, v, wallet("operator"), wallet("owner"), e.leaves[3].Provider)
}

// published is an epoch in its window.
func published(t *testing.T) (*rewardsStory, *epochStory) {
	t.Helper()
	s, e := running(t)
	e.publish()
	return s, e
}

// passedEpoch is one that pays.
func passedEpoch(t *testing.T) *epochStory {
	t.Helper()
	_, e := published(t)
	e.pass()
	return e
}

// refutation shows that the tree gives provider 3 less than its receipt does.
func (s *rewardsStory) refutation(e *epochStory) wrappers.Prove {
	s.t.Helper()
	o := s.oweOf(1)
	return wrappers.Prove{QueryID: 6, Response: wallet("change"), Signature: o.Signature, Index: 3, Receipt: o.Receipt, Proof: e.page(2, 2).Page}
}

// gaveUp is where a failed epoch stands whose money came back: it has it, and fail sends it again.
func (e *epochStory) gaveUp(s *rewardsStory) func() {
	held := e.balance(e.epoch)
	return func() {
		e.t.Helper()
		require.Equal(e.t, wrappers.EpochFailed, e.state().Phase)
		require.Equal(e.t, 1, plus(e.t, e.balance(e.epoch), cocoon.NanoOf(1_000_000)).Cmp(held), "it holds its money, less a day's rent")
		tell(e, e.fees(0).Fail, wrappers.Fail{QueryID: 7, Response: wallet("change")}).requireOK(e.t)
		s.retries()
	}
}

// epochShell is an epoch that a stranger has deployed, of a rewards contract that is not on chain.
func epochShell(t *testing.T) *epochStory {
	t.Helper()
	e := newEpochStory(t, leavesOf(20))
	e.rewards = rewardsUnder(t, e.world, wallet("registry")).rewards
	e.birth.Rewards = e.rewards
	var err error
	e.epoch, err = e.birth.Account()
	require.NoError(t, err)
	init, err := e.birth.Init()
	require.NoError(t, err)
	e.send(wallet("stranger"), chain.Message{To: e.epoch, Amount: cocoon.NanoOf(1_000_000), Init: init}).requireOK(t)
	return e
}

// leastOpen is what open must bring on top of what is paid out: the rent of the largest state, its gas and its change.
func (e *epochStory) leastOpen() cocoon.Nano {
	e.t.Helper()
	size := func(of string) int64 { return constantOf(e.t, of+"::epoch") + constantOf(e.t, of+"::epoch_word") }
	rent := e.fiveYears(size("cells"), size("bits"))
	change := plus(e.t, e.gasFee(constantOf(e.t, "gas::open")), e.price(getForwardFee, 0, 0, 0))
	return plus(e.t, rent, change)
}

var epochRows = []row{
	{wrappers.KindEpoch, "finish", anyone, idle, func(t *testing.T) *scene {
		e := passedEpoch(t)
		e.push()
		return onEpoch(e, wallet("crank"), e.fees(0).Finish, wrappers.Finish{QueryID: 6, Response: wallet("change")})
	}},
	{wrappers.KindEpoch, "finish, expired", anyone, idle, func(t *testing.T) *scene {
		e := passedEpoch(t)
		e.now = e.state().Until
		return onEpoch(e, wallet("crank"), e.fees(0).Finish, wrappers.Finish{QueryID: 6, Response: wallet("change")}).waited(errTooEarly)
	}},
	{wrappers.KindEpoch, "open", only, errWrongPhase, func(t *testing.T) *scene {
		e := epochShell(t)
		x := onEpoch(e, e.rewards, e.leastOpen(), wrappers.Open{QueryID: 1, Root: e.tree.Root(), Total: coins(e.tree.Total()), Count: 20,
			Response: wallet("operator"), ReceiptKey: publicOf("receipt"), Terms: &epochTerms}).with(e.needed())
		other, err := wrappers.RewardsBirth{Registry: wallet("registry"), Owner: wallet("owner"), Index: 4}.Account()
		require.NoError(t, err)
		x.others = append(x.others, other)
		return x
	}},
	{wrappers.KindEpoch, "publish", anyone, errWrongPage, func(t *testing.T) *scene {
		_, e := running(t)
		return onEpoch(e, wallet("crank"), e.fees(5).Publish, e.page(0, 5)).before(e.state().Until, errTooLate)
	}},
	{wrappers.KindEpoch, "publish, the last page", anyone, errWrongPhase, func(t *testing.T) *scene {
		_, e := running(t)
		tell(e, e.fees(5).Publish, e.page(0, 5)).requireOK(t)
		return onEpoch(e, wallet("crank"), e.fees(15).Publish, e.page(5, 15)).before(e.state().Until, errTooLate)
	}},
	{wrappers.KindEpoch, "prove", anywhere, errWrongPhase, func(t *testing.T) *scene {
		s, e := published(t)
		x := onEpoch(e, wallet("relay"), e.fees(0).Prove, s.refutation(e)).before(e.state().Until, errTooLate)
		x.road, x.back = opFailed, e.gaveUp(s)
		return x
	}},
	{wrappers.KindEpoch, "prove, of who has no leaf", anywhere, errWrongPhase, func(t *testing.T) *scene {
		s := staffed(t)
		leaves := leavesOf(20)
		e, tr := s.openEpoch(append(leaves[:3:3], leaves[4:]...))
		tr.requireOK(t)
		e.publish()
		x := onEpoch(e, wallet("relay"), e.fees(0).Prove, s.refutation(e)).before(e.state().Until, errTooLate)
		x.road, x.back = opFailed, e.gaveUp(s)
		return x
	}},
	{wrappers.KindEpoch, "fail", anyone, idle, func(t *testing.T) *scene {
		s, e := running(t)
		e.advance(time.Duration(epochTerms.Publish) * time.Second)
		x := onEpoch(e, wallet("crank"), e.fees(0).Fail, wrappers.Fail{QueryID: 5, Response: wallet("change")}).waited(errTooEarly)
		x.road, x.back = opFailed, e.gaveUp(s)
		return x
	}},
	{wrappers.KindEpoch, "pass", anyone, idle, func(t *testing.T) *scene {
		_, e := published(t)
		e.advance(time.Duration(epochTerms.Window) * time.Second)
		return onEpoch(e, wallet("crank"), e.fees(0).Pass, wrappers.Pass{QueryID: 5, Response: wallet("change")}).waited(errTooEarly)
	}},
	{wrappers.KindEpoch, "pass, said again", anyone, idle, func(t *testing.T) *scene {
		e := passedEpoch(t)
		return onEpoch(e, wallet("crank"), e.fees(0).Pass, wrappers.Pass{QueryID: 5, Response: wallet("change")})
	}},
	{wrappers.KindEpoch, "push", anyone, errWrongPage, func(t *testing.T) *scene {
		e := passedEpoch(t)
		return onEpoch(e, wallet("crank"), e.fees(20).Push, e.payout(0, 20))
	}},
	{wrappers.KindEpoch, "push, after claims", anyone, errWrongPage, func(t *testing.T) *scene {
		e := passedEpoch(t)
		tell(e, e.fees(0).Claim, e.claim(3)).requireOK(t)
		return onEpoch(e, wallet("crank"), e.fees(20).Push, e.payout(0, 20))
	}},
	{wrappers.KindEpoch, "claim", anywhere, errAlreadyClaimed, func(t *testing.T) *scene {
		e := passedEpoch(t)
		return onEpoch(e, wallet("crank"), e.fees(0).Claim, e.claim(3))
	}},
}
