package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// refuted opens a tree of total that is short of a receipt of providerAt(3), and has it refuted.
func (s *rewardsStory) refuted(total cocoon.Nano) (*epochStory, trace) {
	s.t.Helper()
	e := s.cheating(total)
	return e, s.convict(e)
}

func (s *rewardsStory) cheating(total cocoon.Nano) *epochStory {
	s.t.Helper()
	leaves := oddLeaves(3)
	leaves[0].Amount = coins(minus(s.t, total, plus(s.t, leaves[1].Amount.Nano, leaves[2].Amount.Nano)))
	e, tr := s.openEpoch(leaves)
	tr.requireOK(s.t)
	e.publish()
	return e
}

func (s *rewardsStory) convict(e *epochStory) trace {
	s.t.Helper()
	return tell(e, e.fees(0).Prove, e.refute(1, providerAt(3), ton(5))).requireOK(s.t)
}

// bondAgain brings the bond back to what the terms ask for.
func (s *rewardsStory) bondAgain() {
	s.t.Helper()
	short := minus(s.t, s.terms.Rewards.MinBond.Nano, s.state().Bond)
	try(s, wallet("stranger"), plus(s.t, short, ton(1)), wrappers.Bond{Amount: coins(short), Response: wallet("change")}).requireOK(s.t)
}

// requirePenalty wants a quarter of it with the provider and the rest with the treasury.
func (s *rewardsStory) requirePenalty(tr trace, penalty cocoon.Nano) {
	s.t.Helper()
	quarter, err := penalty.MulDiv(1, 4)
	require.NoError(s.t, err)
	require.Equal(s.t, quarter, tr.paidTo(s.t, providerAt(3)))
	require.Equal(s.t, minus(s.t, penalty, quarter), tr.paidTo(s.t, wallet("treasury")))
}

// withPenalty has terms with that penalty, a bond of 500 TON and a pot of 2,100.
func withPenalty(t *testing.T, bps uint16, least cocoon.Nano) *rewardsStory {
	t.Helper()
	s := withKey(t)
	terms := rewardsTerms(t)
	of := epochTerms
	of.PenaltyBps, of.Penalty = bps, coins(least)
	terms.Rewards.Epoch = &of
	s.takeTerms(terms)
	try(s, wallet("stranger"), ton(2_001), wrappers.Fund{Amount: coins(ton(2_000)), Response: wallet("change")}).requireOK(t)
	return s
}

func TestRewards_PenaltyIsTheLeastOrAShareOfTheTotal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bps                uint16
		least, total, want cocoon.Nano
	}{
		"the least":                        {500, ton(50), ton(900), ton(50)},
		"as much as the least":             {500, ton(50), ton(1_000), ton(50)},
		"a share":                          {500, ton(50), ton(2_000), ton(100)},
		"rounded down":                     {500, cocoon.Nano{}, cocoon.NanoOf(900_000_000_019), cocoon.NanoOf(45_000_000_000)},
		"nothing":                          {0, cocoon.Nano{}, ton(900), cocoon.Nano{}},
		"too little for a quarter":         {0, cocoon.NanoOf(3), ton(900), cocoon.NanoOf(3)},
		"all that there is":                {0, ton(10_000), ton(900), ton(500)},
		"no more than the whole":           {1<<16 - 1, cocoon.Nano{}, ton(400), ton(400)},
		"the whole, and more than is left": {10_000, cocoon.Nano{}, ton(900), ton(500)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withPenalty(t, c.bps, c.least)
			pot := s.pot()
			_, tr := s.refuted(c.total)
			s.requirePenalty(tr, c.want)
			require.Equal(t, minus(t, ton(500), c.want), s.state().Bond)
			require.NotEqual(t, -1, s.pot().Cmp(pot), "the penalty is not taken from the pot")
			s.requireBooks()
		})
	}
}

// What was asked back is no safer than the bond: the newest leaves first, ripe or not.
func TestRewards_PenaltyReachesWhatIsLeaving(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		penalty, bond uint64
		left          []uint64 // of tranches of 100, 90 and 80 TON, oldest first
	}{
		"within the bond":       {229, 1, []uint64{100, 90, 80}},
		"the bond":              {230, 0, []uint64{100, 90, 80}},
		"some of the newest":    {240, 0, []uint64{100, 90, 70}},
		"the newest":            {310, 0, []uint64{100, 90}},
		"some of the second":    {311, 0, []uint64{100, 89}},
		"all but a little":      {499, 0, []uint64{1}},
		"everything":            {500, 0, nil},
		"more than there is":    {9_999, 0, nil},
		"nothing that is there": {0, 230, []uint64{100, 90, 80}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withPenalty(t, 0, ton(c.penalty))
			e := s.cheating(ton(900))
			for _, amount := range []uint64{100, 90, 80} {
				try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(ton(amount))}).requireOK(t)
				s.advance(time.Minute)
			}
			tr := s.convict(e)
			s.requirePenalty(tr, ton(min(c.penalty, 500)))
			r := s.state()
			require.Equal(t, ton(c.bond), r.Bond)
			require.Len(t, r.Tranches, len(c.left))
			for i, left := range c.left {
				require.Equal(t, ton(left), r.Tranches[i].Amount)
			}
			s.requireBooks()
		})
	}
}

// Who asks for everything the moment its tree is doubted is still convicted, and ripe is not safe.
func TestRewards_RipeBondIsStillThereForThePenalty(t *testing.T) {
	t.Parallel()
	s := withPenalty(t, 0, ton(60))
	try(s, wallet("stranger"), ton(51), wrappers.Bond{Amount: coins(ton(50)), Response: wallet("change")}).requireOK(t)
	try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(ton(50))}).requireOK(t)
	s.now = s.state().Tranches[0].At
	e := s.cheating(ton(900))
	try(s, s.owner, ton(1), wrappers.RequestUnbond{Amount: coins(ton(500))}).requireOK(t)
	s.requireRefused(t, errPending, s.rewards, func() trace { return try(s, s.owner, ton(1), wrappers.Withdraw{}) })
	s.requirePenalty(s.convict(e), ton(60))
	require.Equal(t, ton(490), s.state().Unbonding)
	require.Equal(t, ton(50), s.state().Tranches[0].Amount, "the newest goes first")
	tr := try(s, s.owner, ton(1), wrappers.Withdraw{}).requireOK(t)
	require.Equal(t, ton(50).Big(), tr.step(t, opPayout).value)
	s.requireBooks()
}

// Receipts of a number outlive its attempts, and every attempt costs: there is no way around them.
func TestRewards_ReceiptsStayGoodOverRetries(t *testing.T) {
	t.Parallel()
	s := withKey(t)
	first := s.pot()
	try(s, wallet("stranger"), ton(101), wrappers.Bond{Amount: coins(ton(90)), Response: wallet("change")}).requireOK(t)
	for attempt := range uint16(2) {
		require.Equal(t, attempt, s.state().Attempt)
		_, tr := s.refuted(ton(60))
		s.requirePenalty(tr, ton(50))
		require.Equal(t, []any{uint32(1), first}, []any{s.state().Number, s.state().Cap}, "neither number nor cap have moved")
	}
	retry := openMessageOf(treeOf(t, leavesWorth(t, 3, ton(60))))
	s.requireRefused(t, errNotEnoughBond, s.rewards, func() trace { return try(s, s.owner, ton(9), retry) })
	short := minus(t, s.terms.Rewards.MinBond.Nano, s.state().Bond)
	try(s, wallet("stranger"), ton(99), wrappers.Bond{Amount: coins(less1(t, short)), Response: wallet("change")}).requireOK(t)
	s.requireRefused(t, errNotEnoughBond, s.rewards, func() trace { return try(s, s.owner, ton(9), retry) })
	try(s, wallet("stranger"), ton(1), wrappers.Bond{Amount: coins(cocoon.NanoOf(1)), Response: wallet("change")}).requireOK(t)

	honest := oddLeaves(3)
	honest[1].Amount = coins(ton(5)) // what the receipt says
	e, tr := s.openEpoch(honest)
	tr.requireOK(t)
	e.publish()
	s.requireRefused(t, errWrongEvidence, e.epoch, func() trace { return tell(e, ton(1), e.refute(1, providerAt(3), ton(5))) })
	e.pass()
	require.EqualValues(t, 2, s.state().Number)
	require.Equal(t, ton(5), tell(e, e.fees(3).Push, e.payout(0, 3)).requireOK(t).paidTo(t, providerAt(3)))
	s.requireBooks()
}

func TestRewards_PenaltyIsThatOfTheEpochsOwnTerms(t *testing.T) {
	t.Parallel()
	s := withPenalty(t, 500, ton(50))
	e := s.cheating(ton(2_000))
	milder := rewardsTerms(t)
	of := epochTerms
	of.PenaltyBps, of.Penalty = 0, coins(ton(1))
	milder.Rewards.Epoch = &of
	s.takeTerms(milder)
	s.requirePenalty(s.convict(e), ton(100))
	s.bondAgain()
	_, tr := s.refuted(ton(900))
	tr.requireOps(t, opProve, opFailed, opIncome, opPayout)
	require.Equal(t, cocoon.NanoOf(1_000_000_000-250_000_000).Big(), tr.step(t, opPayout).value, "the next one is opened under the new terms")
	s.requireBooks()
}

func TestRewards_ConvictionComesFromThePendingEpochOnly(t *testing.T) {
	t.Parallel()
	s := withPenalty(t, 500, ton(50))
	conviction := wrappers.Failed{Number: 1, Penalty: coins(ton(50)), Proven: wallet("stranger")}
	failed := func(sender cocoon.Account) func() trace {
		return func() trace { return try(s, sender, ton(1), conviction) }
	}
	for _, sender := range []cocoon.Account{wallet("stranger"), s.owner} {
		s.requireRefused(t, errWrongSender, s.rewards, failed(sender))
	}
	old, _ := s.refuted(ton(900))
	s.bondAgain()
	e := s.cheating(ton(900))
	s.requireRefused(t, errWrongSender, s.rewards, failed(wallet("stranger")))
	tr := tell(old, old.fees(0).Fail, wrappers.Fail{Response: wallet("change")}) // with the penalty of the first attempt
	tr.requireOps(t, opFail, opFailed, opExcesses, 0xffffffff)
	require.Equal(t, e.epoch, s.state().Pending)
	require.Equal(t, ton(500), s.state().Bond, "it was paid once")
	require.Equal(t, providerAt(3), old.state().Last)
	s.requireBooks()
}
