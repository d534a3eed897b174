package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestRewards_OwnershipChangesInTwoSteps(t *testing.T) {
	t.Parallel()
	s := withTerms(t)
	next := wallet("next")
	accept := func() trace { return try(s, next, ton(1), wrappers.AcceptOwnership{}) }
	s.requireRefused(t, errWrongSender, s.rewards, accept)
	try(s, s.owner, ton(1), wrappers.SetHeir{Heir: wallet("heir")}).requireOK(t)
	requireGuarded(s, s.owner, s.fees(0).TransferOwnership, wrappers.TransferOwnership{Owner: next})
	require.Equal(t, []cocoon.Account{s.owner, next}, []cocoon.Account{s.state().Owner, s.state().NextOwner})
	try(s, s.owner, ton(1), wrappers.TransferOwnership{}).requireOK(t)
	s.requireRefused(t, errWrongSender, s.rewards, accept) // it was taken back
	s.requireRefused(t, errWrongSender, s.rewards, func() trace { return try(s, cocoon.Account{}, ton(1), wrappers.AcceptOwnership{}) })
	try(s, s.owner, ton(1), wrappers.TransferOwnership{Owner: next}).requireOK(t)
	s.requireRefused(t, errWrongSender, s.rewards, func() trace { return try(s, s.owner, ton(1), wrappers.AcceptOwnership{}) })
	s.advance(time.Hour)
	tr := requireGuarded(s, next, s.fees(0).AcceptOwnership, wrappers.AcceptOwnership{})
	require.Equal(t, next, tr.steps[1].to)
	r := s.state()
	require.Equal(t, []cocoon.Account{next, {}, {}, s.owner}, []cocoon.Account{r.Owner, r.NextOwner, r.Heir, r.Operator}, "the operator stays until another is appointed")
	require.Equal(t, s.now, r.SeenAt)
	require.Equal(t, s.birth, r.Birth, "the address is still known")
	s.requireRefused(t, errWrongSender, s.rewards, accept)
	s.requireRefused(t, errWrongSender, s.rewards, func() trace { return try(s, s.owner, ton(1), wrappers.Appoint{Operator: s.owner}) })
	try(s, next, ton(1), wrappers.Appoint{Operator: next}).requireOK(t)
	s.requireBooks()
}

// withHeir has an heir and terms.
func withHeir(t *testing.T) *rewardsStory {
	t.Helper()
	s := withKey(t)
	requireGuarded(s, s.owner, s.fees(0).SetHeir, wrappers.SetHeir{QueryID: 1, Heir: wallet("heir")})
	require.Equal(t, wallet("heir"), s.state().Heir)
	return s
}

// falls is the second from which on the heir may succeed.
func (s *rewardsStory) falls() uint32 { return s.state().SeenAt + s.state().Terms.HeirAfter }

func succeed(s *rewardsStory) trace {
	return try(s, wallet("heir"), ton(1), wrappers.Succeed{QueryID: 2})
}

func TestRewards_HeirSucceedsAfterALongSilence(t *testing.T) {
	t.Parallel()
	s := withHeir(t)
	try(s, s.owner, ton(1), wrappers.Appoint{Operator: wallet("operator")}).requireOK(t)
	try(s, s.owner, ton(1), wrappers.TransferOwnership{Owner: wallet("next")}).requireOK(t)
	s.now = s.falls() - 1
	s.requireRefused(t, errTooEarly, s.rewards, func() trace { return succeed(s) })
	s.advance(time.Second)
	heir := wallet("heir")
	tr := requireGuarded(s, heir, s.fees(0).Succeed, wrappers.Succeed{QueryID: 2})
	tr.requireOps(t, opSucceed, opExcesses)
	require.Equal(t, heir, tr.steps[1].to)
	r := s.state()
	require.Equal(t, []cocoon.Account{heir, {}, {}, heir}, []cocoon.Account{r.Owner, r.NextOwner, r.Heir, r.Operator})
	require.Equal(t, s.now, r.SeenAt)
	s.requireRefused(t, errWrongSender, s.rewards, func() trace { return succeed(s) })
	s.requireRefused(t, errWrongSender, s.rewards, func() trace { return try(s, wallet("next"), ton(1), wrappers.AcceptOwnership{}) })
	s.requireRefused(t, errWrongSender, s.rewards, func() trace { return try(s, s.owner, ton(1), wrappers.Withdraw{}) })
	s.requireRefused(t, errWrongSender, s.rewards, func() trace {
		return try(s, wallet("operator"), ton(9), openMessageOf(treeOf(t, leavesOf(3))))
	})
	s.passNumber() // by the heir, under the same key
	try(s, heir, ton(1), wrappers.RequestUnbond{Amount: coins(ton(500))}).requireOK(t)
	s.now = s.state().Tranches[0].At
	require.Equal(t, ton(500).Big(), try(s, heir, ton(1), wrappers.Withdraw{}).requireOK(t).step(t, opPayout).value)
	s.requireBooks()
}

func TestRewards_NobodySucceedsWhereNoHeirIsNamed(t *testing.T) {
	t.Parallel()
	s := withHeir(t)
	try(s, s.owner, ton(1), wrappers.SetHeir{}).requireOK(t)
	s.now = s.falls()
	s.requireRefused(t, errWrongSender, s.rewards, func() trace { return succeed(s) })
	s.requireRefused(t, errWrongSender, s.rewards, func() trace { return try(s, cocoon.Account{}, ton(1), wrappers.Succeed{}) })
}

func TestRewards_HeirNeedsTerms(t *testing.T) {
	t.Parallel()
	s := newRewards(t)
	try(s, s.owner, ton(1), wrappers.SetHeir{Heir: wallet("heir")}).requireOK(t)
	s.advance(400 * 24 * time.Hour)
	s.requireRefused(t, errNoTerms, s.rewards, func() trace { return succeed(s) })
}

// The clock begins again with whatever owner or operator say, and with nothing else.
func TestRewards_OwnerAndOperatorAreSeenByWhatTheyDo(t *testing.T) {
	t.Parallel()
	s := withHeir(t)
	operator := wallet("operator")
	sees := func(what string, seen bool, act func() trace) {
		t.Helper()
		s.advance(time.Hour)
		before := s.state().SeenAt
		act()
		require.Equal(t, seen, s.state().SeenAt == s.now, what)
		require.Equal(t, !seen, s.state().SeenAt == before, what)
	}
	owner := func(m func() trace) func() trace { return func() trace { return m().requireOK(t) } }
	sees("appoint", true, owner(func() trace { return try(s, s.owner, ton(1), wrappers.Appoint{Operator: operator}) }))
	sees("set_heir", true, owner(func() trace { return try(s, s.owner, ton(1), wrappers.SetHeir{Heir: wallet("heir")}) }))
	sees("transfer_ownership", true, owner(func() trace { return try(s, s.owner, ton(1), wrappers.TransferOwnership{}) }))
	sees("request_unbond", true, owner(func() trace { return try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(cocoon.NanoOf(5))}) }))
	sees("refresh_terms", true, owner(func() trace { return s.refresh([32]byte{1}) }))
	sees("set_endpoint", true, owner(func() trace { return try(s, s.owner, ton(1), wrappers.SetEndpoint{}) }))
	sees("rotate_key", true, owner(func() trace { return s.rotate("later receipts") }))
	sees("bond", false, owner(func() trace { return try(s, s.owner, ton(9), wrappers.Bond{Amount: coins(ton(1))}) }))
	sees("fund", false, owner(func() trace { return try(s, operator, ton(9), wrappers.Fund{Amount: coins(ton(1))}) }))
	sees("terms", false, func() trace { return s.answer(ton(1), s.terms) })
	sees("owe", false, owner(func() trace { return try(s, wallet("stranger"), ton(1), s.owing(1, "receipts")) }))
	sees("a plain transfer", false, func() trace { return s.from(s.owner, message(s, ton(1), wrappers.Settlement{})) })
	sees("what is refused", false, func() trace { return try(s, s.owner, ton(1), wrappers.Withdraw{}) })
	var e *epochStory
	sees("open_epoch", true, func() (tr trace) { e, tr = s.openEpoch(leavesOf(3)); return tr.requireOK(t) })
	sees("failed", false, func() trace { s.failPending(e); return trace{} })
	e, tr := s.openEpoch(leavesOf(3))
	tr.requireOK(t)
	e.publish()
	sees("passed", false, func() trace { return e.pass() })
	s.now = s.falls()
	succeed(s).requireOK(t)
	s.requireBooks()
}

func TestRewards_WithdrawingIsBeingSeen(t *testing.T) {
	t.Parallel()
	s := ripeBond(t)
	require.NotEqual(t, s.now, s.state().SeenAt)
	try(s, s.owner, ton(1), wrappers.Withdraw{}).requireOK(t)
	require.Equal(t, s.now, s.state().SeenAt)
}

// Who waits for its bond is silent: the heir comes later than that, whatever the terms say.
func TestRewards_HeirComesLaterThanTheBondLeaves(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ unbonding, heirAfter, want uint32 }{
		"as the terms say":       {14 * 86400, 30 * 86400, 30 * 86400},
		"never":                  {14 * 86400, 1<<32 - 1, 365 * 86400},
		"at once":                {14 * 86400, 0, 14*86400 + 1},
		"as soon as the bond":    {14 * 86400, 14 * 86400, 14*86400 + 1},
		"before the longest":     {1<<32 - 1, 60 * 86400, 60*86400 + 1},
		"where nothing is bound": {0, 0, 1},
	} {
		s := newRewards(t)
		terms := rewardsTerms(t)
		terms.Rewards.Unbonding, terms.Rewards.HeirAfter = c.unbonding, c.heirAfter
		s.takeTerms(terms)
		require.Equal(t, c.want, s.state().Terms.HeirAfter, name)
		require.Greater(t, s.state().Terms.HeirAfter, s.state().Terms.Unbonding, name)
	}
}
