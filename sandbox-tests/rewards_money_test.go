package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// try sends v from sender with that value.
func try[T any](s *rewardsStory, sender cocoon.Account, value cocoon.Nano, v T) trace {
	s.t.Helper()
	return s.from(sender, message(s, value, v))
}

// requireGuarded wants v to be refused from all but sender, one nanoTON short, and with a bit too many.
func requireGuarded[T any](s *rewardsStory, sender cocoon.Account, fee cocoon.Nano, v T) trace {
	s.t.Helper()
	for _, other := range []cocoon.Account{wallet("stranger"), wallet("treasury"), {}} {
		s.requireRefused(s.t, errWrongSender, s.rewards, func() trace { return try(s, other, fee, v) })
	}
	return requireLeastAndWhole(s, sender, fee, v)
}

func requireLeastAndWhole[T any](s *rewardsStory, sender cocoon.Account, fee cocoon.Nano, v T) trace {
	s.t.Helper()
	s.requireRefused(s.t, errTrailing, s.rewards, func() trace {
		return s.from(sender, chain.Message{To: s.rewards, Amount: fee, Bounce: true, Body: longer(body(s.t, v))})
	})
	return s.requireLeast(s.t, s.rewards, fee, func(value cocoon.Nano) trace { return try(s, sender, value, v) })
}

func TestRewards_FirstMessageBringsTheRent(t *testing.T) {
	t.Parallel()
	s := unbornRewards(t)
	init, err := s.birth.Init()
	require.NoError(t, err)
	s.send(wallet("stranger"), chain.Message{To: s.rewards, Init: init, Amount: ton(1)}).requireOK(t) // a shell
	require.Equal(t, wrappers.Rewards{Birth: s.birth, Owner: s.owner, Number: 1, Operator: s.owner}, s.state())
	lay := s.balance(s.rewards)
	fee := plus(t, s.fees(0).Bond, ton(2))
	born := s.requireLeast(t, s.rewards, fee, func(value cocoon.Nano) trace {
		return try(s, wallet("stranger"), value, wrappers.Bond{Amount: coins(ton(2)), Response: wallet("change")})
	})
	require.Equal(t, wallet("change"), born.steps[1].to)
	require.Equal(t, 1, fee.Cmp(plus(t, s.fees(0).Bond, ton(2))), "only the first brings it")
	require.Equal(t, lay, s.pot(), "what lay in the shell is pot, the rent is not")
	require.Equal(t, ton(2), s.state().Bond)
	s.requireBooks()
}

func TestRewards_StrangerCanDoNothingToAShell(t *testing.T) {
	t.Parallel()
	s := unbornRewards(t)
	init, err := s.birth.Init()
	require.NoError(t, err)
	s.send(wallet("stranger"), chain.Message{To: s.rewards, Init: init, Amount: ton(1)}).requireOK(t)
	stranger, ton9 := wallet("stranger"), ton(9)
	for _, act := range []func() trace{
		func() trace { return try(s, stranger, ton9, wrappers.RefreshTerms{Hash: [32]byte{1}}) },
		func() trace { return try(s, stranger, ton9, wrappers.TermsAnswer{Terms: body(t, s.terms)}) },
		func() trace { return try(s, stranger, ton9, wrappers.Withdraw{}) },
		func() trace { return try(s, stranger, ton9, wrappers.RequestUnbond{Amount: coins(ton(1))}) },
		func() trace { return try(s, stranger, ton9, wrappers.Appoint{Operator: stranger}) },
		func() trace { return try(s, stranger, ton9, wrappers.OpenEpoch{Count: 1}) },
		func() trace { return try(s, stranger, ton9, wrappers.Failed{Number: 1}) },
	} {
		s.requireRefused(t, errWrongSender, s.rewards, act)
	}
	for _, act := range []func() trace{
		func() trace { return try(s, stranger, ton9, wrappers.Passed{Number: 1, Response: stranger}) },
		func() trace { return try(s, stranger, ton9, wrappers.Remainder{Number: 1}) },
	} {
		before := s.data(s.rewards).Hash()
		act().requireOK(t)
		require.Equal(t, before, s.data(s.rewards).Hash())
	}
	try(s, s.owner, ton9, wrappers.Appoint{Operator: wallet("operator")}).requireOK(t)
	require.Equal(t, wallet("operator"), s.state().Operator)
	s.requireBooks()
}

func TestRewards_BondAndFundTakeExactlyTheirAmount(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	bond, pot := s.state().Bond, s.pot()
	tr := requireLeastAndWhole(s, wallet("stranger"), plus(t, s.fees(0).Bond, ton(7)), wrappers.Bond{Amount: coins(ton(7)), Response: wallet("change")})
	require.Equal(t, wallet("change"), tr.steps[1].to)
	require.Equal(t, plus(t, bond, ton(7)), s.state().Bond)
	require.Equal(t, pot, s.pot())
	tr = try(s, wallet("stranger"), ton(100), wrappers.Fund{Amount: coins(ton(7)), Response: wallet("change")}).requireOK(t)
	require.Equal(t, 1, tr.paidTo(t, wallet("change")).Cmp(minus(t, ton(93), s.fees(0).Fund)), "the change")
	requireLeastAndWhole(s, wallet("stranger"), plus(t, s.fees(0).Fund, ton(1)), wrappers.Fund{Amount: coins(ton(1)), Response: wallet("change")})
	require.Equal(t, plus(t, pot, ton(8)), s.pot())
	require.True(t, s.state().Cap.IsZero(), "only a retry has a cap")
	s.requireRefused(t, errWrongAmount, s.rewards, func() trace { return try(s, s.owner, ton(1), wrappers.Bond{}) })
	s.requireRefused(t, errWrongAmount, s.rewards, func() trace { return try(s, s.owner, ton(1), wrappers.Fund{}) })
	s.requireBooks()
}

func TestRewards_BondLeavesOnlyWhenItIsRipe(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	withdraw := func(n cocoon.Nano) func() trace {
		return func() trace { return try(s, s.owner, s.fees(0).Withdraw, wrappers.Withdraw{Amount: coins(n)}) }
	}
	s.requireRefused(t, errNotEnoughFree, s.rewards, withdraw(cocoon.Nano{}))
	s.requireRefused(t, errNotEnoughBond, s.rewards, func() trace {
		return try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(plus(t, s.state().Bond, cocoon.NanoOf(1)))})
	})
	s.requireRefused(t, errWrongAmount, s.rewards, func() trace { return try(s, s.owner, ton(1), wrappers.RequestUnbond{}) })
	requireGuarded(s, s.owner, s.fees(0).RequestUnbond, wrappers.RequestUnbond{Amount: coins(ton(30))})
	require.Equal(t, []wrappers.Tranche{{At: s.now + s.terms.Rewards.Unbonding, Amount: ton(30)}}, s.state().Tranches)
	s.advance(time.Hour)
	try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(ton(20))}).requireOK(t)
	s.now = s.state().Tranches[0].At - 1
	s.requireRefused(t, errNotEnoughFree, s.rewards, withdraw(cocoon.Nano{}))
	s.advance(time.Second)
	pot := s.pot()
	s.requireRefused(t, errNotEnoughFree, s.rewards, withdraw(plus(t, ton(30), cocoon.NanoOf(1))))
	tr := requireGuarded(s, s.owner, s.fees(0).Withdraw, wrappers.Withdraw{Amount: coins(ton(10))})
	tr.requireOps(t, opWithdraw, opPayout, opExcesses)
	require.Equal(t, ton(10).Big(), tr.step(t, opPayout).value)
	require.Equal(t, s.owner, tr.step(t, opPayout).to)
	require.Equal(t, ton(40), s.state().Unbonding)
	tr = withdraw(cocoon.Nano{})().requireOK(t)
	require.Equal(t, ton(20).Big(), tr.step(t, opPayout).value)
	s.advance(time.Hour)
	withdraw(ton(20))().requireOK(t)
	require.True(t, s.state().Unbonding.IsZero())
	require.Empty(t, s.state().Tranches)
	require.Equal(t, ton(450), s.state().Bond)
	require.NotEqual(t, 1, s.pot().Cmp(pot), "the pot pays no rent out of thin air")
	require.Equal(t, 1, s.pot().Cmp(ton(99)), "and is never withdrawn")
	s.requireBooks()
}

func TestRewards_UnbondsInFourTranchesAtMost(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	request := func() trace { return try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(ton(1))}) }
	for range 4 {
		request().requireOK(t)
		request().requireOK(t) // of the same second, so no tranche of its own
		s.advance(time.Minute)
	}
	s.requireRefused(t, errTooMany, s.rewards, request)
	r := s.state()
	require.Len(t, r.Tranches, 4)
	for _, tranche := range r.Tranches {
		require.Equal(t, ton(2), tranche.Amount)
	}
	s.now = r.Tranches[0].At
	try(s, s.owner, ton(1), wrappers.Withdraw{}).requireOK(t)
	request().requireOK(t)
	require.Equal(t, ton(7), s.state().Unbonding)
	s.requireBooks()
}

func TestRewards_WithoutTermsItOnlyFillsAndGivesBack(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	s.requireRefused(t, errNoTerms, s.rewards, func() trace { return try(s, s.owner, ton(9), wrappers.OpenEpoch{Count: 1}) })
	try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(ton(500))}).requireOK(t)
	tr := try(s, s.owner, ton(1), wrappers.Withdraw{}).requireOK(t)
	require.Equal(t, ton(500).Big(), tr.step(t, opPayout).value)
	s.requireBooks()
}

func TestRewards_OwnerAppointsWhoOpens(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	require.Equal(t, s.owner, s.state().Operator)
	requireGuarded(s, s.owner, s.fees(0).Appoint, wrappers.Appoint{Operator: wallet("operator")})
	tree, err := wrappers.NewEpochTree(leavesOf(3))
	require.NoError(t, err)
	s.requireRefused(t, errWrongSender, s.rewards, func() trace { return try(s, s.owner, ton(9), openMessageOf(tree)) })
	_, tr := s.openEpoch(leavesOf(3))
	tr.requireOK(t)
	require.Equal(t, wallet("operator"), tr.steps[2].to, "the change goes to who opened")
	s.requireBooks()
}

func TestRewards_KnowsNoOtherOperation(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	pot := s.pot()
	s.requireRefused(t, errUnknownOp, s.rewards, func() trace { return try(s, s.owner, ton(1), wrappers.Claim{Proof: body(t, s.birth)}) })
	s.send(wallet("stranger"), chain.Message{To: s.rewards, Amount: ton(1), Bounce: true}).requireOK(t)
	require.Equal(t, 1, s.pot().Cmp(pot), "a plain transfer is pot")
	s.requireBooks()
}
