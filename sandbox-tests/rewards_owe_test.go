package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestRewards_ReceiptOfThisNumberOrTheNextIsLodged(t *testing.T) {
	t.Parallel()
	s := withKey(t)
	stranger := wallet("stranger")
	tr := requireLeastAndWhole(s, stranger, s.fees(0).Owe, s.owing(1, "receipts"))
	require.Equal(t, wallet("change"), tr.steps[1].to)
	require.EqualValues(t, 1, s.state().Owed)
	try(s, stranger, ton(1), s.owing(2, "receipts")).requireOK(t)
	require.EqualValues(t, 2, s.state().Owed)
	for range 2 { // again, and an earlier one: nothing is owed less
		before := s.data(s.rewards).Hash()
		try(s, stranger, ton(1), s.owing(1, "receipts")).requireOK(t)
		require.Equal(t, before, s.data(s.rewards).Hash())
	}
	for _, number := range []uint32{0, 3, 1<<32 - 1} {
		s.requireRefused(t, errWrongNumber, s.rewards, func() trace { return try(s, stranger, ton(1), s.owing(number, "receipts")) })
	}
	s.passNumber()
	s.requireRefused(t, errWrongNumber, s.rewards, func() trace { return try(s, stranger, ton(1), s.owing(1, "receipts")) })
	try(s, stranger, ton(1), s.owing(3, "receipts")).requireOK(t)
	require.EqualValues(t, 3, s.state().Owed)
	s.requireBooks()
}

func TestRewards_OnlyItsOwnReceiptsAreLodged(t *testing.T) {
	t.Parallel()
	s := withKey(t)
	honest := earnedIn(s.rewards, 1, providerAt(1), ton(1))
	for name, r := range notOf(t, honest) {
		s.requireRefused(t, r.code, s.rewards, func() trace { return try(s, wallet("stranger"), ton(1), oweOf(r.signedReceipt)) })
		require.Zero(t, s.state().Owed, name)
	}
	without := withTerms(t)
	other := earnedIn(without.rewards, 1, providerAt(1), ton(1))
	without.requireRefused(t, errWrongKey, without.rewards, func() trace {
		return try(without, wallet("stranger"), ton(1), oweOf(signedBy(t, "receipts", other)))
	})
	s.requireBooks()
}

// ripeBond has 30 TON of the bond ripe, and 500 TON left.
func ripeBond(t *testing.T) *rewardsStory {
	t.Helper()
	s := withKey(t)
	try(s, wallet("stranger"), ton(31), wrappers.Bond{Amount: coins(ton(30)), Response: wallet("change")}).requireOK(t)
	try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(ton(30))}).requireOK(t)
	s.now = s.state().Tranches[0].At
	return s
}

func TestRewards_WhoOwesCannotLeave(t *testing.T) {
	t.Parallel()
	s := ripeBond(t)
	withdraw := func() trace { return try(s, s.owner, ton(1), wrappers.Withdraw{Amount: coins(ton(1))}) }
	withdraw().requireOK(t)
	try(s, wallet("stranger"), ton(1), s.owing(2, "receipts")).requireOK(t)
	s.requireRefused(t, errOwing, s.rewards, withdraw)
	e, tr := s.openEpoch(leavesOf(3))
	tr.requireOK(t)
	s.requireRefused(t, errPending, s.rewards, withdraw)
	s.failPending(e)
	s.requireRefused(t, errOwing, s.rewards, withdraw)
	s.passNumber()
	s.requireRefused(t, errOwing, s.rewards, withdraw)
	s.passNumber()
	require.EqualValues(t, 3, s.state().Number)
	withdraw().requireOK(t)
	require.EqualValues(t, 2, s.state().Owed, "remembered, but passed")
	s.requireBooks()
}

func TestRewards_WhoOwesMayStillAskForItsBond(t *testing.T) {
	t.Parallel()
	s := withKey(t)
	try(s, wallet("stranger"), ton(1), s.owing(1, "receipts")).requireOK(t)
	try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(ton(500))}).requireOK(t)
	s.now = s.state().Tranches[0].At
	s.requireRefused(t, errOwing, s.rewards, func() trace { return try(s, s.owner, ton(1), wrappers.Withdraw{}) })
	require.Equal(t, ton(500), s.state().Unbonding)
	s.requireRefused(t, errNotEnoughBond, s.rewards, func() trace {
		return try(s, s.owner, ton(9), openMessageOf(treeOf(t, leavesOf(3))))
	})
	require.NotEqual(t, -1, s.balance(s.rewards).Cmp(plus(t, ton(500), cocoon.NanoOf(1))))
	s.requireBooks()
}

func TestRewards_HeirInheritsWhatIsOwed(t *testing.T) {
	t.Parallel()
	s := ripeBond(t)
	heir := wallet("heir")
	try(s, s.owner, ton(1), wrappers.SetHeir{Heir: heir}).requireOK(t)
	try(s, wallet("stranger"), ton(1), s.owing(1, "receipts")).requireOK(t)
	s.now = s.state().SeenAt + s.state().Terms.HeirAfter
	try(s, heir, ton(1), wrappers.Succeed{}).requireOK(t)
	s.requireRefused(t, errOwing, s.rewards, func() trace { return try(s, heir, ton(1), wrappers.Withdraw{}) })
	s.passNumber()
	tr := try(s, heir, ton(1), wrappers.Withdraw{}).requireOK(t)
	require.Equal(t, heir, tr.step(t, opPayout).to)
	require.Equal(t, ton(30).Big(), tr.step(t, opPayout).value)
	s.requireBooks()
}
