package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func (w *world) status(a cocoon.Account) tlb.AccountStatus {
	if state := w.account(a).State(); state != nil && state.IsValid {
		return state.Status
	}
	return tlb.AccountStatusNonExist
}

// lastState is what a holds, to be sent along where rent has frozen it: the network keeps but the hash.
func (w *world) lastState(a cocoon.Account) *tlb.StateInit {
	w.t.Helper()
	state := w.account(a).State()
	return &tlb.StateInit{Code: state.StateInit.Code, Data: w.data(a)}
}

// starvingRewards has opened an epoch with all of its pot and holds no bond, as foreign terms allow: rent alone is left.
func starvingRewards(t *testing.T) (*rewardsStory, *epochStory) {
	t.Helper()
	r := unbornRewards(t)
	init, err := r.birth.Init()
	require.NoError(t, err)
	m := message(r, ton(101), wrappers.Fund{QueryID: 1, Amount: coins(ton(100)), Response: wallet("change")})
	m.Init = init
	r.send(r.owner, m).requireOK(t)
	bare := *r.terms.Rewards
	bare.MinBond = coins(cocoon.Nano{})
	r.terms.Rewards = &bare
	r.takeTerms(r.terms)
	total, err := r.pot().MulDiv(10_000, 10_100)
	require.NoError(t, err)
	e, tr := r.openEpoch(leavesWorth(t, 5, total))
	tr.requireOK(t)
	return r, e
}

// Nobody looks for decades. Rewards is frozen when the failed epoch's money arrives, which goes back; thawed by anyone
// with its last state, it takes the money when fail is sent again.
func TestLeave_Epoch_FailedComesBackFromFrozenRewards(t *testing.T) {
	t.Parallel()
	r, e := starvingRewards(t)
	state, held := r.lastState(r.rewards), e.balance(e.epoch)
	e.advance(60 * 365 * 24 * time.Hour)
	tr := tell(e, e.fees(0).Fail, wrappers.Fail{Response: wallet("change")})
	tr.requireOps(t, opFail, opFailed, opExcesses, 0xffffffff)
	require.EqualValues(t, tlb.AccountStatusFrozen, r.status(r.rewards))
	require.Equal(t, wrappers.EpochFailed, e.state().Phase)
	require.NotEqual(t, -1, plus(t, e.balance(e.epoch), e.rent("epoch", 60*365*24*time.Hour)).Cmp(held), "the epoch has its money again")

	r.send(wallet("anyone"), chain.Message{To: r.rewards, Amount: ton(2), Init: state}) // without bounce
	require.EqualValues(t, tlb.AccountStatusActive, r.status(r.rewards))
	require.Equal(t, e.epoch, r.state().Pending)
	tell(e, e.fees(0).Fail, wrappers.Fail{Response: wallet("change")}).requireOK(t).requireOps(t, opFail, opFailed, opExcesses)
	require.True(t, r.state().Pending.IsZero())
	require.Equal(t, 1, r.pot().Cmp(ton(99)), "all of it is pot again, but for the rent of 60 years")
}

// A transfer without bounce pays the rent before it is asked for, so that rewards is never frozen.
func TestLeave_Epoch_TopUpKeepsRewardsFromFreezing(t *testing.T) {
	t.Parallel()
	r, e := starvingRewards(t)
	e.advance(60 * 365 * 24 * time.Hour)
	r.send(wallet("anyone"), chain.Message{To: r.rewards, Amount: ton(2)}).requireOK(t)
	require.EqualValues(t, tlb.AccountStatusActive, r.status(r.rewards))
	e.crank()
	require.True(t, r.state().Pending.IsZero())
	require.Equal(t, 1, r.pot().Cmp(ton(99)))
}

// passed that does not reach frozen rewards is said again.
func TestLeave_Epoch_PassedIsSaidAgainOnceRewardsIsThawed(t *testing.T) {
	t.Parallel()
	r, e := starvingRewards(t)
	e.publish()
	state := r.lastState(r.rewards)
	e.advance(60 * 365 * 24 * time.Hour)
	tr := tell(e, e.fees(0).Pass, wrappers.Pass{Response: wallet("change")})
	tr.requireOps(t, opPass, opPassed)
	require.EqualValues(t, tlb.AccountStatusFrozen, r.status(r.rewards), "so that it has heard nothing")
	require.Equal(t, wrappers.EpochPaying, e.state().Phase, "leaves are paid whatever rewards hears")
	e.push()
	for i := range e.leaves {
		e.requirePaid(i, true)
	}
	r.send(wallet("anyone"), chain.Message{To: r.rewards, Amount: ton(2), Init: state})
	require.EqualValues(t, 1, r.state().Number)
	tell(e, e.fees(0).Pass, wrappers.Pass{Response: wallet("change")}).requireOK(t)
	require.EqualValues(t, 2, r.state().Number)
}

// Frozen for centuries an account is deleted, state and all. Born again it knows no epoch, so that failed is refused for
// ever; finish brings the money home, as a remainder.
func TestLeave_Epoch_FinishBringsTheMoneyToRewardsBornAgain(t *testing.T) {
	t.Parallel()
	r, e := starvingRewards(t)
	e.advance(60 * 365 * 24 * time.Hour)
	delete(r.accounts, r.rewards) // as 1 TON of rent in debt would have it, after two centuries
	tr := tell(e, e.fees(0).Fail, wrappers.Fail{Response: wallet("change")})
	require.True(t, tr.steps[len(tr.steps)-1].bounced)

	init, err := r.birth.Init()
	require.NoError(t, err)
	m := message(r, ton(2), wrappers.Fund{QueryID: 1, Amount: coins(ton(1)), Response: wallet("change")})
	m.Init = init
	r.send(wallet("anyone"), m).requireOK(t)
	tr = tell(e, e.fees(0).Fail, wrappers.Fail{Response: wallet("change")})
	require.EqualValues(t, errWrongSender, tr.step(t, opFailed).exit)
	tell(e, e.fees(0).Finish, wrappers.Finish{Response: wallet("change")}).requireOK(t).requireOps(t, opFinish, opRemainder, opExcesses)
	require.Equal(t, 1, r.pot().Cmp(ton(90)), "but for the rent of 60 years")
}
