package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// leavesWorth are n leaves that share total and a remainder in the first.
func leavesWorth(t *testing.T, n uint64, total cocoon.Nano) []wrappers.Leaf {
	t.Helper()
	each, err := total.MulDiv(1, n)
	require.NoError(t, err)
	most, err := each.Mul(n - 1)
	require.NoError(t, err)
	leaves := make([]wrappers.Leaf, n)
	for i := range leaves {
		leaves[i].Provider, leaves[i].Amount = providerAt(i), coins(each)
	}
	leaves[0].Amount = coins(minus(t, total, most))
	return leaves
}

// treeOf has to be as honest as NewEpochTree wants it.
func treeOf(t *testing.T, leaves []wrappers.Leaf) *wrappers.EpochTree {
	t.Helper()
	tree, err := wrappers.NewEpochTree(leaves)
	require.NoError(t, err)
	return tree
}

func TestRewards_OpensOneEpochWithinItsPot(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	pot := s.pot()
	// total and a hundredth of it are the whole pot
	total, err := pot.MulDiv(10_000, 10_100)
	require.NoError(t, err)
	for {
		share, err := epochTerms.NetworkShare(total)
		require.NoError(t, err)
		if plus(t, total, share).Cmp(pot) > 0 {
			total = less1(t, total)
			break
		}
		total = plus(t, total, cocoon.NanoOf(1))
	}
	over := treeOf(t, leavesWorth(t, 5, plus(t, total, cocoon.NanoOf(1))))
	s.requireRefused(t, errNotEnoughFree, s.rewards, func() trace { return try(s, s.owner, ton(9), openMessageOf(over)) })
	whole := openMessageOf(treeOf(t, leavesWorth(t, 5, total)))
	none, crowd := whole, whole
	none.Count, crowd.Count = 0, wrappers.MaxEpochLeaves+1
	s.requireRefused(t, errTooMany, s.rewards, func() trace { return try(s, s.owner, ton(9), none) })
	s.requireRefused(t, errTooMany, s.rewards, func() trace { return try(s, s.owner, ton(9), crowd) })
	tr := requireGuarded(s, s.owner, s.fees(5).OpenEpoch, whole)
	tr.requireOps(t, opOpenEpoch, opOpen, opExcesses)
	require.True(t, s.pot().Cmp(cocoon.NanoOf(2)) < 0)
	s.requireRefused(t, errPending, s.rewards, func() trace { return try(s, s.owner, ton(9), whole) })
	s.requireRefused(t, errPending, s.rewards, func() trace { return try(s, s.owner, ton(9), wrappers.Withdraw{}) })
	s.requireBooks()
}

func TestRewards_LargestEpochOpensForItsLeastValue(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	m := openMessageOf(treeOf(t, leavesWorth(t, 5, ton(50))))
	m.Count = wrappers.MaxEpochLeaves
	s.requireLeast(t, s.rewards, s.fees(wrappers.MaxEpochLeaves).OpenEpoch, func(value cocoon.Nano) trace { return try(s, s.owner, value, m) })
	require.Equal(t, 1, s.fees(wrappers.MaxEpochLeaves).OpenEpoch.Cmp(s.fees(1).OpenEpoch), "more leaves, more rent")
	s.requireBooks()
}

func TestRewards_OpensOnlyWithItsBond(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(cocoon.NanoOf(1))}).requireOK(t)
	m := openMessageOf(treeOf(t, leavesOf(3)))
	s.requireRefused(t, errNotEnoughBond, s.rewards, func() trace { return try(s, s.owner, ton(9), m) })
	try(s, s.owner, ton(2), wrappers.Bond{Amount: coins(cocoon.NanoOf(1)), Response: s.owner}).requireOK(t)
	try(s, s.owner, ton(9), m).requireOK(t)
	s.requireBooks()
}

// failPending lets the pending epoch fail unpublished.
func (s *rewardsStory) failPending(e *epochStory) {
	s.t.Helper()
	s.advance(time.Duration(epochTerms.Publish) * time.Second)
	tell(e, e.fees(0).Fail, wrappers.Fail{Response: wallet("change")}).requireOK(s.t)
}

// passNumber opens the epoch of this number, publishes it and lets it pass.
func (s *rewardsStory) passNumber() *epochStory {
	s.t.Helper()
	e, tr := s.openEpoch(leavesWorth(s.t, 3, ton(1)))
	tr.requireOK(s.t)
	e.publish()
	e.pass()
	return e
}

func TestRewards_RetryTakesNoMoreThanTheFirstAttemptCouldAndWhatWasFunded(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	first := s.pot()
	e, tr := s.openEpoch(leavesWorth(t, 5, ton(60)))
	tr.requireOK(t)
	require.Equal(t, first, s.state().Cap)
	try(s, wallet("stranger"), ton(31), wrappers.Fund{Amount: coins(ton(30)), Response: wallet("change")}).requireOK(t)
	require.Equal(t, first, s.state().Cap, "that is for the next number")
	s.failPending(e)
	require.Equal(t, 1, s.pot().Cmp(plus(t, first, ton(29))))
	greedy := openMessageOf(treeOf(t, leavesWorth(t, 5, ton(110))))
	s.requireRefused(t, errNotEnoughFree, s.rewards, func() trace { return try(s, s.owner, ton(9), greedy) })
	try(s, wallet("stranger"), ton(13), wrappers.Fund{Amount: coins(ton(12)), Response: wallet("change")}).requireOK(t)
	require.Equal(t, plus(t, first, ton(12)), s.state().Cap, "funding a retry is for the retry")
	try(s, s.owner, ton(9), greedy).requireOK(t)
	require.Equal(t, plus(t, first, ton(12)), s.state().Cap)
	require.EqualValues(t, 1, s.state().Number, "a failed number is not passed")
	s.requireBooks()
}

func TestRewards_OnlyThePendingEpochMovesTheNumber(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	e, tr := s.openEpoch(leavesWorth(t, 5, ton(10)))
	tr.requireOK(t)
	passed := wrappers.Passed{QueryID: 8, Number: 1, Response: wallet("change")}
	ignored := func(sender cocoon.Account, p wrappers.Passed) {
		t.Helper()
		before := s.data(s.rewards).Hash()
		s.requireLeastIgnored(sender, p)
		require.Equal(t, before, s.data(s.rewards).Hash())
	}
	ignored(wallet("stranger"), passed)
	ignored(s.owner, passed)
	ignored(cocoon.Account{}, passed)
	s.requireRefused(t, errWrongSender, s.rewards, func() trace { return try(s, wallet("stranger"), ton(1), wrappers.Failed{Number: 1}) })
	e.publish()
	e.pass()
	require.EqualValues(t, 2, s.state().Number)
	again := tell(e, e.fees(0).Pass, wrappers.Pass{QueryID: 8, Response: wallet("change")}).requireOK(t)
	again.requireOps(t, opPass, opPassed, opExcesses)
	require.EqualValues(t, 2, s.state().Number, "said again, it moves nothing")

	second, tr := s.openEpoch(leavesWorth(t, 5, ton(10)))
	tr.requireOK(t)
	tell(e, e.fees(0).Pass, wrappers.Pass{QueryID: 8, Response: wallet("change")}).requireOK(t)
	require.EqualValues(t, 2, s.state().Number, "nor does an earlier epoch")
	require.Equal(t, second.epoch, s.state().Pending)
	s.requireBooks()
}

// requireLeastIgnored sends p, which changes nothing, and wants its value back.
func (s *rewardsStory) requireLeastIgnored(sender cocoon.Account, p wrappers.Passed) {
	s.t.Helper()
	held := s.balance(s.rewards)
	tr := try(s, sender, ton(1), p).requireOK(s.t)
	tr.requireOps(s.t, opPassed, opExcesses)
	require.Equal(s.t, p.Response, tr.steps[1].to)
	require.Equal(s.t, held, s.balance(s.rewards))
}

func TestRewards_LateFailureOfAnotherEpochComesBackToIt(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	e, tr := s.openEpoch(leavesWorth(t, 5, ton(10)))
	tr.requireOK(t)
	s.failPending(e)
	before := s.data(s.rewards).Hash()
	s.send(wallet("stray"), chain.Message{To: e.epoch, Amount: ton(3)}).requireOK(t)
	tr = tell(e, e.fees(0).Fail, wrappers.Fail{Response: wallet("change")})
	tr.requireOps(t, opFail, opFailed, opExcesses, 0xffffffff)
	require.Equal(t, before, s.data(s.rewards).Hash())
	pot := s.pot()
	tell(e, e.fees(0).Finish, wrappers.Finish{Response: wallet("change")}).requireOK(t).requireOps(t, opFinish, opRemainder, opExcesses)
	require.Equal(t, 1, s.pot().Cmp(plus(t, pot, ton(2))), "finish sweeps it")
	s.requireBooks()
}

func TestRewards_PotIsWholeWhereAnEpochCannotBeBorn(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	s.terms.Rewards.EpochCode = cell.BeginCell().MustStoreUInt(0xf2ff, 16).EndCell() // throws
	s.takeTerms(s.terms)
	pot := s.pot()
	m := openMessageOf(treeOf(t, leavesWorth(t, 5, ton(60))))
	for attempt := range 3 {
		tr := try(s, s.owner, ton(2), m)
		require.True(t, tr.steps[len(tr.steps)-1].bounced)
		r := s.state()
		require.True(t, r.Pending.IsZero())
		require.EqualValues(t, attempt+1, r.Attempt)
		require.EqualValues(t, 1, r.Number)
		require.Equal(t, pot, r.Cap)
		require.NotEqual(t, -1, s.pot().Cmp(pot))
	}
	s.requireBooks()
}

func TestRewards_RemainderIsAGiftFromAnyone(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	before, pot := s.data(s.rewards).Hash(), s.pot()
	try(s, wallet("stranger"), ton(5), wrappers.Remainder{Number: 77}).requireOK(t).requireOps(t, opRemainder)
	require.Equal(t, before, s.data(s.rewards).Hash())
	require.Equal(t, 1, s.pot().Cmp(plus(t, pot, ton(4))))
	s.requireBooks()
}

// A word holds the claims of a thousand leaves, and each is paid for once.
func TestRewards_EpochBringsRentByTheWordOfClaims(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	word := s.fiveYears(constantOf(t, "cells::epoch_word"), constantOf(t, "bits::epoch_word"))
	one, two := s.fees(1).OpenEpoch, s.fees(1001).OpenEpoch
	require.Equal(t, one, s.fees(1000).OpenEpoch)
	require.Equal(t, two, s.fees(2000).OpenEpoch)
	most := plus(t, plus(t, one, word), cocoon.NanoOf(1)) // each rent is rounded up by itself
	require.Equal(t, -1, one.Cmp(two))
	require.NotEqual(t, 1, two.Cmp(most))
}
