package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestFlaw_C1_OverAllocatedTreeIsEmptyWhenTheHonestClaim(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "C1", func(t *testing.T, d design) spoils {
		f := newFraud(t, d)
		leaves := []wrappers.Leaf{f.leaf(f.victim, owedToVictim), f.leaf(f.accomplice, owedToVictim)}
		e, tr := f.openEpochOf(leaves, owedToVictim) // half of what its leaves add up to
		tr.requireOK(t)
		if d.stops(tell(e, ton(1), e.page(0, 2)), errWrongSum) {
			f.failPending(e)
			f.paysHonestly()
			return f.spoils()
		}
		f.proves(e, f.receipt(f.victim, owedToVictim), 0).requireExit(t, errWrongEvidence) // no leaf is wrong
		e.pass()
		tell(e, ton(1), e.claim(1)).requireOK(t)
		tell(e, ton(1), e.claim(0)).requireExit(t, errNotEnoughFree)
		return f.spoils()
	})
	require.Equal(t, spoils{thief: owedToVictim}, flawed)
	require.Equal(t, spoils{victim: owedToVictim}, ours)
}

func TestFlaw_C2_ChallengesOfSybilsTakeTheVictimsPlace(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "C2", func(t *testing.T, d design) spoils {
		f := newFraud(t, d)
		leaves := []wrappers.Leaf{f.leaf(f.victim, ton(1)), f.leaf(f.accomplice, ton(900))}
		for i := range 4 {
			leaves = append(leaves, f.leaf(providerAt(10+i), ton(1)))
		}
		e := f.opens(leaves...)
		for i, l := range leaves[2:] {
			d.stops(f.proves(e, f.receipt(l.Provider, ton(1)), 2+i), errWrongEvidence)
		}
		tr := f.victimProves(e)
		if !d.flawed {
			tr.requireOK(t)
			require.Equal(t, wrappers.EpochFailed, e.state().Phase)
			return f.spoils()
		}
		tr.requireExit(t, errTooMany)
		for i, l := range leaves[2:] { // at the last moment the dispatcher answers itself
			f.proves(e, f.receipt(l.Provider, ton(1)), 2+i).requireOK(t)
		}
		e.pass()
		e.push()
		return f.spoils()
	})
	require.Equal(t, spoils{thief: ton(900), victim: ton(1)}, flawed)
	require.Equal(t, spoils{victim: quarter}, ours)
}

func TestFlaw_C3_FailedEpochOrphansItsReceipts(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "C3", func(t *testing.T, d design) spoils {
		f := newFraud(t, d)
		f.victimProves(f.opens(f.leaf(f.accomplice, ton(900)))).requireOK(t)
		f.bonds(ton(50))
		again := f.opens(f.leaf(f.accomplice, ton(900)))
		tr := f.victimProves(again)
		if !d.flawed {
			tr.requireOK(t)
			f.bonds(ton(50))
			f.paysHonestly()
			return f.spoils()
		}
		tr.requireExit(t, errWrongNumber)
		again.pass()
		again.push()
		return f.spoils()
	})
	require.Equal(t, spoils{thief: ton(900), victim: quarter}, flawed, "the pot, for one penalty")
	require.Equal(t, spoils{victim: plus(t, owedToVictim, plus(t, quarter, quarter))}, ours)
}

func TestFlaw_C4_StakeLeavesByAJobWithOneself(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "C4", func(t *testing.T, d design) cocoon.Nano {
		p := workingProvider(t)
		p.setOperator("operator", ton(100)).requireOK(t)
		d.in(p.world)
		stake := p.state().Stake
		s := p.hire(func(o *wrappers.JobOffer) {
			o.Client, o.Money.MinBond, o.Money.Work = p.owner, coins(stake), 60
		}, offerKey)
		o := p.acceptOrder(s.job, stake)
		o.Pass = s.passBy("offer", asItIs)
		if !d.stops(p.acceptJob(o), errNotEnoughFree) {
			p.advance(time.Minute)
			tr := request(s, p.owner, s.fees().Expire, wrappers.Expire{}).requireOK(t)
			require.Equal(t, 1, tr.paidTo(t, p.owner).Cmp(plus(t, stake, ton(10))), "with the budget")
		}
		return minus(t, stake, p.state().Stake)
	})
	require.Equal(t, ton(100), flawed, "in a minute rather than in the time of unbonding")
	require.True(t, ours.IsZero())
}

func TestFlaw_C5_BondInALedgerIsLostWithTheMessageThatSlashesIt(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "C5", func(t *testing.T, d design) cocoon.Nano {
		p := workingProvider(t)
		d.in(p.world)
		s := p.hire(offerKey)
		p.take(s, ton(5)).requireOK(t)
		s.advance(jobWork) // nothing was delivered
		tr := request(s, p.owner, s.fees().Expire, wrappers.Expire{})
		require.Equal(t, wrappers.JobClosed, s.state().Phase)
		return tr.paidTo(t, s.offer.Client)
	})
	require.Equal(t, -1, flawed.Cmp(ton(11)), "the budget of 10 TON and no bond")
	require.Equal(t, 1, ours.Cmp(ton(15)))
}

func TestFlaw_C6_ShareIsTakenAgainByEachRetry(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "C6", func(t *testing.T, d design) (taken cocoon.Nano) {
		f := newFraud(t, d)
		for range 10 {
			most, err := f.pot().MulDiv(8, 10)
			require.NoError(t, err)
			e, tr := f.openEpoch([]wrappers.Leaf{f.leaf(f.accomplice, most)})
			taken = plus(t, taken, tr.requireOK(t).payouts(t, f.owner))
			f.failPending(e) // which was never published
		}
		return taken
	})
	require.Equal(t, 1, flawed.Cmp(ton(700)), "of 1,000 TON that were earned by others")
	require.True(t, ours.IsZero())
}

func TestFlaw_C7_ProviderWritesItsOwnTerms(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "C7", func(t *testing.T, d design) cocoon.Nano {
		p := stakedProvider(t, 100)
		d.in(p.world)
		own := p.terms
		own.Provider = &wrappers.ProviderTerms{Treasury: p.owner}
		d.stops(p.answer(p.owner, ton(1), own), errWrongSender)
		p.unstake(ton(100)).requireOK(t)
		p.withdraw(cocoon.Nano{}).requireOK(t)
		return minus(t, ton(100), plus(t, p.state().Stake, p.state().Unbonding))
	})
	require.Equal(t, ton(100), flawed, "in the second in which it was unlocked")
	require.True(t, ours.IsZero())
}

func TestFlaw_C8_BondGoesHomeWhileReceiptsAreOut(t *testing.T) {
	t.Parallel()
	flawed, ours := attacked(t, "C8", func(t *testing.T, d design) cocoon.Nano {
		f := newFraud(t, d)
		try(f.rewardsStory, f.victim, ton(1), oweOf(f.receipt(f.victim, owedToVictim))).requireOK(t)
		try(f.rewardsStory, f.owner, ton(1), wrappers.RequestUnbond{Amount: coins(ton(500))}).requireOK(t)
		f.advance(14 * 24 * time.Hour) // and not a word
		tr := try(f.rewardsStory, f.owner, ton(1), wrappers.Withdraw{})
		if d.stops(tr, errOwing) {
			f.bonds(ton(500))
			f.paysHonestly()
			try(f.rewardsStory, f.owner, ton(1), wrappers.Withdraw{}).requireOK(t)
			return cocoon.Nano{}
		}
		require.Equal(t, ton(500), tr.payouts(t, f.owner))
		return minus(t, owedToVictim, f.balance(f.victim))
	})
	require.Equal(t, owedToVictim, flawed, "owed, and nothing left that answers for it")
	require.True(t, ours.IsZero())
}
