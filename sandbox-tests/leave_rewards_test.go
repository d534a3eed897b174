package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// rewardsLeave is a state that a dispatcher leaves. Its registry never answers any more, and nobody else helps.
type rewardsLeave struct {
	name  string
	reach func(t *testing.T) *rewardsStory
	// held is the error that keeps the bond where it is, 0 where nothing does; then freed is what has to happen first.
	held  int32
	freed func(r *rewardsStory)
	bond  uint64        // TON that come back, with what had to be bonded again to honour a receipt
	takes time.Duration // where nothing holds it
}

const unbondingTime = 14 * 24 * time.Hour // of rewardsTerms

var rewardsLeaves = []rewardsLeave{
	{name: "bonded before any terms", bond: 500, reach: newRewards},
	{name: "bonded", bond: 500, takes: unbondingTime, reach: withTerms},
	{name: "unbonding already", bond: 500, takes: unbondingTime - 3*time.Hour, reach: func(t *testing.T) *rewardsStory {
		r := withTerms(t)
		r.unbond(ton(500))
		r.advance(3 * time.Hour)
		return r
	}},
	{name: "four tranches, and no room for the rest", bond: 500, takes: 2*unbondingTime - 3*time.Hour, reach: func(t *testing.T) *rewardsStory {
		r := withTerms(t)
		for i := range 4 {
			if i > 0 {
				r.advance(time.Hour)
			}
			r.unbond(ton(1))
		}
		return r
	}},
	{name: "another operator, heir and owner named, a key and an endpoint set", bond: 500, takes: unbondingTime, reach: func(t *testing.T) *rewardsStory {
		r := withTerms(t)
		try(r, r.owner, ton(1), wrappers.Appoint{Operator: wallet("operator")}).requireOK(t)
		try(r, r.owner, ton(1), wrappers.SetHeir{Heir: wallet("heir")}).requireOK(t)
		try(r, r.owner, ton(1), wrappers.TransferOwnership{Owner: wallet("next owner")}).requireOK(t)
		try(r, r.owner, ton(1), wrappers.SetEndpoint{Endpoint: &wrappers.Endpoint{URL: "https://example.org"}}).requireOK(t)
		r.signsReceipts()
		return r
	}},
	{name: "terms awaited from a registry that never answers", bond: 500, takes: unbondingTime, reach: func(t *testing.T) *rewardsStory {
		r := withTerms(t)
		r.refresh([32]byte{1}).requireOK(t)
		return r
	}},
	{name: "an epoch failed", bond: 500, takes: unbondingTime, reach: func(t *testing.T) *rewardsStory {
		r := withTerms(t)
		r.opens().crank()
		require.EqualValues(t, 1, r.state().Attempt)
		return r
	}},
	{name: "an epoch pending, unpublished", bond: 500, held: errPending, freed: (*rewardsStory).crankPending, reach: func(t *testing.T) *rewardsStory {
		r := withTerms(t)
		r.opens()
		return r
	}},
	{name: "an epoch pending, published", bond: 500, held: errPending, freed: (*rewardsStory).crankPending, reach: func(t *testing.T) *rewardsStory {
		r := withTerms(t)
		r.publishes()
		return r
	}},
	{name: "a receipt of this number lodged", bond: 1000, held: errOwing, freed: (*rewardsStory).honoursReceipt, reach: func(t *testing.T) *rewardsStory {
		r := withTerms(t)
		r.signsReceipts()
		r.lodge(1)
		return r
	}},
	{name: "a receipt of the next number lodged", bond: 1000, held: errOwing, reach: func(t *testing.T) *rewardsStory {
		r := withTerms(t)
		r.signsReceipts()
		r.lodge(2)
		return r
	}, freed: func(r *rewardsStory) {
		r.honoursReceipt()
		require.EqualValues(r.t, 2, r.state().Number)
		r.requireRefused(r.t, errOwing, r.rewards, r.withdraws)
		r.honoursReceipt()
	}},
	{name: "taken over by the heir", bond: 500, takes: unbondingTime, reach: func(t *testing.T) *rewardsStory {
		r := withTerms(t)
		r.succeededBy("heir")
		return r
	}},
}

func (s *rewardsStory) unbond(amount cocoon.Nano) {
	s.t.Helper()
	try(s, s.state().Owner, s.fees(0).RequestUnbond, wrappers.RequestUnbond{QueryID: 1, Amount: coins(amount)}).requireOK(s.t)
}

func (s *rewardsStory) withdraws() trace {
	s.t.Helper()
	return try(s, s.state().Owner, s.fees(0).Withdraw, wrappers.Withdraw{QueryID: 2})
}

// lodge has anyone show a receipt of that number.
func (s *rewardsStory) lodge(number uint32) {
	s.t.Helper()
	receipt := s.receiptOf(number, providerAt(0), ton(1))
	m := wrappers.Owe{QueryID: 3, Response: wallet("change"), Signature: receipt.Signature, Receipt: receipt.Signed}
	try(s, wallet("provider's owner"), s.fees(0).Owe, m).requireOK(s.t)
	require.Equal(s.t, number, s.state().Owed)
}

// crankPending has strangers bring the pending epoch to its end.
func (s *rewardsStory) crankPending() {
	s.t.Helper()
	e := &epochStory{world: s.world, t: s.t, rewards: s.rewards, epoch: s.state().Pending, leaves: leavesOf(leavingLeaves)}
	e.tree = treeOf(s.t, e.leaves)
	e.crank()
}

// honoursReceipt opens what the receipt names, which is all that frees the bond.
func (s *rewardsStory) honoursReceipt() {
	s.t.Helper()
	if s.state().Bond.IsZero() { // it has to be there while an epoch can be refuted
		try(s, wallet("stranger"), ton(501), wrappers.Bond{Amount: coins(ton(500)), Response: wallet("change")}).requireOK(s.t)
	}
	e, tr := s.openEpoch([]wrappers.Leaf{{Provider: providerAt(0), Amount: coins(ton(1))}})
	tr.requireOK(s.t)
	e.publish()
	e.crank()
}

func (s *rewardsStory) succeededBy(name string) {
	s.t.Helper()
	try(s, s.owner, ton(1), wrappers.SetHeir{Heir: wallet(name)}).requireOK(s.t)
	s.waitUntil(s.state().SeenAt + s.terms.Rewards.HeirAfter)
	try(s, wallet(name), s.fees(0).Succeed, wrappers.Succeed{QueryID: 1}).requireOK(s.t)
	require.Equal(s.t, wallet(name), s.state().Owner)
}

func TestLeave_Rewards_DispatcherGetsItsBondUnlessItOwes(t *testing.T) {
	t.Parallel()
	var reached met
	t.Run("from", func(t *testing.T) {
		for _, s := range rewardsLeaves {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				s.leave(t, &reached)
			})
		}
	})
	reached.requireAll(t, wrappers.Rewards{})
}

func (s rewardsLeave) leave(t *testing.T, reached *met) {
	r := s.reach(t)
	reached.note(r.state())
	began, owner := r.now, r.state().Owner
	if s.held != 0 {
		r.unbond(r.state().Bond)
		r.waitUntil(r.state().Tranches[0].At)
		r.requireRefused(t, s.held, r.rewards, r.withdraws)
		s.freed(r)
	}
	got := r.leaves()
	if s.held == 0 {
		require.Equal(t, s.takes, r.since(began), "no sooner and no later")
	}
	require.Equal(t, ton(s.bond), got, "the whole bond, to the nanoTON")
	state := r.state()
	require.True(t, state.Bond.IsZero() && state.Unbonding.IsZero())
	require.Equal(t, owner, state.Owner)
	r.requireBooks()
}

// leaves has the owner take the whole bond out, alone; returns what was paid.
func (s *rewardsStory) leaves() (got cocoon.Nano) {
	s.t.Helper()
	for range 10 {
		r := s.state()
		if r.Bond.IsZero() && r.Unbonding.IsZero() {
			return got
		}
		if !r.Bond.IsZero() && len(r.Tranches) < 4 {
			s.unbond(r.Bond)
			r = s.state()
		}
		if at := r.Tranches[0].At; at > s.now {
			s.now = at - 1
			s.requireRefused(s.t, errNotEnoughFree, s.rewards, s.withdraws)
			s.now = at
		}
		got = plus(s.t, got, fromPayout(s.t, s.withdraws().requireOK(s.t)))
	}
	require.Fail(s.t, "the dispatcher cannot leave")
	return got
}

// fromPayout is what the payout of tr brings.
func fromPayout(t *testing.T, tr trace) cocoon.Nano {
	t.Helper()
	n, err := cocoon.NanoFromBig(tr.step(t, opPayout).value)
	require.NoError(t, err)
	return n
}
