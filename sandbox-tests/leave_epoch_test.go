package sandboxtests

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// epochLeave is a state in which the dispatcher leaves an epoch alone.
type epochLeave struct {
	name  string
	phase string // as the contract names it
	reach func(r *rewardsStory) *epochStory
	// paid tells which leaves reach their providers by what strangers do from there on; nil is none of them, and then all money goes back to the pot.
	paid func(leaf int) bool
	ends wrappers.EpochPhase
}

func everyLeaf(int) bool { return true }

const leavingLeaves = 40 // of each of these epochs

var epochLeaves = []epochLeave{
	{name: "opened", phase: "publishing", ends: wrappers.EpochFailed, reach: (*rewardsStory).opens},
	{name: "published in part", phase: "publishing", ends: wrappers.EpochFailed, reach: func(r *rewardsStory) *epochStory {
		e := r.opens()
		tell(e, e.fees(10).Publish, e.page(0, 10)).requireOK(r.t)
		return e
	}},
	{name: "never published, and nobody looks for a year", phase: "publishing", ends: wrappers.EpochFailed, reach: after((*rewardsStory).opens, 365*24*time.Hour)},
	{name: "in its window", phase: "window", paid: everyLeaf, ends: wrappers.EpochFinished, reach: (*rewardsStory).publishes},
	{name: "published in part by the dispatcher, the rest by a stranger", phase: "window", paid: everyLeaf, ends: wrappers.EpochFinished,
		reach: func(r *rewardsStory) *epochStory {
			e := r.opens()
			tell(e, e.fees(10).Publish, e.page(0, 10)).requireOK(r.t)
			tell(e, e.fees(30).Publish, e.page(10, 30)).requireOK(r.t)
			return e
		}},
	{name: "over its window, and nobody passes for a year", phase: "window", paid: everyLeaf, ends: wrappers.EpochFinished,
		reach: after((*rewardsStory).publishes, 365*24*time.Hour)},
	{name: "passed", phase: "paying", paid: everyLeaf, ends: wrappers.EpochFinished, reach: (*rewardsStory).passes},
	{name: "pushed by half", phase: "paying", paid: everyLeaf, ends: wrappers.EpochFinished, reach: func(r *rewardsStory) *epochStory {
		e := r.passes()
		tell(e, e.fees(20).Push, e.payout(0, 20)).requireOK(r.t)
		return e
	}},
	{name: "claimed here and there", phase: "paying", paid: everyLeaf, ends: wrappers.EpochFinished, reach: func(r *rewardsStory) *epochStory {
		e := r.passes()
		e.claims(3, 38)
		return e
	}},
	{name: "pushed by half, claimed here and there", phase: "paying", paid: everyLeaf, ends: wrappers.EpochFinished, reach: func(r *rewardsStory) *epochStory {
		e := r.passes()
		e.claims(3, 21, 38)
		tell(e, e.fees(20).Push, e.payout(0, 20)).requireOK(r.t)
		return e
	}},
	{name: "pushed to the end", phase: "paying", paid: everyLeaf, ends: wrappers.EpochFinished, reach: func(r *rewardsStory) *epochStory {
		e := r.passes()
		e.push()
		return e
	}},
	{name: "expired, and nobody has finished it", phase: "paying", paid: everyLeaf, ends: wrappers.EpochFinished,
		reach: after((*rewardsStory).passes, 2*time.Duration(epochTerms.Expiry)*time.Second)},
	{name: "expired and finished with leaves unpaid", phase: "finished", ends: wrappers.EpochFinished,
		paid: func(leaf int) bool { return leaf < 20 || leaf == 38 }, reach: func(r *rewardsStory) *epochStory {
			e := r.passes()
			e.claims(38)
			tell(e, e.fees(20).Push, e.payout(0, 20)).requireOK(r.t)
			e.advance(time.Duration(epochTerms.Expiry) * time.Second)
			tell(e, e.fees(0).Finish, wrappers.Finish{Response: wallet("change")}).requireOK(r.t)
			return e
		}},
	{name: "finished, money sent after", phase: "finished", paid: everyLeaf, ends: wrappers.EpochFinished, reach: func(r *rewardsStory) *epochStory {
		e := r.passes()
		e.crank()
		e.send(wallet("stray"), chain.Message{To: e.epoch, Amount: ton(5)}).requireOK(r.t)
		return e
	}},
	{name: "failed", phase: "failed", ends: wrappers.EpochFailed, reach: func(r *rewardsStory) *epochStory {
		e := r.opens()
		e.crank()
		return e
	}},
	{name: "refuted by a receipt", phase: "failed", ends: wrappers.EpochFailed, reach: func(r *rewardsStory) *epochStory {
		r.signsReceipts()
		e := r.publishes()
		tell(e, e.fees(0).Prove, e.proof(7, plus(r.t, e.leaves[7].Amount.Nano, ton(1)))).requireOK(r.t)
		return e
	}},
}

func TestLeave_Epoch_StrangersPayWhatWasPublishedAndGiveBackTheRest(t *testing.T) {
	t.Parallel()
	var reached met
	phases := map[string]bool{}
	t.Run("from", func(t *testing.T) {
		for _, s := range epochLeaves {
			phases[s.phase] = true
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				s.leave(t, &reached)
			})
		}
	})
	reached.requireAll(t, wrappers.Epoch{})
	for _, phase := range phasesOf(t, "epoch") {
		require.True(t, phases[phase], "nobody has left an epoch that is %s", phase)
	}
}

func (s epochLeave) leave(t *testing.T, reached *met) {
	r := withTerms(t)
	began, pot := r.now, r.pot()
	e := s.reach(r)
	require.Equal(t, s.phase, phasesOf(t, "epoch")[fmt.Sprint(uint8(e.state().Phase))])
	reached.note(e.state())
	e.crank()
	require.Equal(t, s.ends, e.state().Phase)

	paid := cocoon.Nano{}
	for i := range e.leaves {
		due := s.paid != nil && s.paid(i)
		if s.name != "refuted by a receipt" || i != 7 { // its provider has a quarter of the penalty
			e.requirePaid(i, due)
		}
		if due {
			paid = plus(t, paid, e.leaves[i].Amount.Nano)
		}
	}
	share, err := epochTerms.NetworkShare(paid)
	require.NoError(t, err)
	left := minus(t, pot, plus(t, paid, share))
	rent := plus(t, r.rent("rewards", r.since(began)), r.rent("epoch", r.since(began)))
	require.NotEqual(t, -1, plus(t, r.pot(), rent).Cmp(left), "everything else is pot again")
	require.True(t, r.state().Pending.IsZero(), "and nothing stands in the way of another epoch")
	r.requireBooks()
}

// A provider's contract gets its leaf, and its owner what is in it, from nobody but strangers.
func TestLeave_Epoch_LeafReachesAProvidersOwner(t *testing.T) {
	t.Parallel()
	r := withTerms(t)
	p := providerUnder(t, r.world, r.registry)
	p.stake(ton(1)).requireOK(t)
	leaves := []wrappers.Leaf{{Provider: providerAt(0), Amount: coins(ton(2))}, {Provider: p.provider, Amount: coins(ton(9))}}
	if slices.Compare(p.provider[:], leaves[0].Provider[:]) < 0 {
		slices.Reverse(leaves)
	}
	e, tr := r.openEpoch(leaves)
	tr.requireOK(t)
	e.publish()
	free := p.free()
	e.crank()
	require.NotEqual(t, -1, p.free().Cmp(plus(t, free, ton(8))))
	got := p.withdraw(cocoon.Nano{}).requireOK(t).paidTo(t, p.owner)
	require.Equal(t, 1, got.Cmp(ton(8)))
	r.requireBooks()
}

// An epoch brings rent for five years. After that it owes what it cannot pay in full: the page that is short changes nothing,
// and goes through once somebody has topped the epoch up.
func TestLeave_Epoch_WhatRentHasEatenAnyoneReplaces(t *testing.T) {
	t.Parallel()
	r := newRewards(t)
	bare := epochTerms
	bare.NetworkBps = 0 // or the network's share would pay the rent of decades
	r.terms.Rewards.Epoch = &bare
	r.takeTerms(r.terms)
	e := r.passes()
	e.advance(12 * 365 * 24 * time.Hour)
	tell(e, e.fees(20).Push, e.payout(0, 20)).requireOK(t)
	tr := tell(e, e.fees(20).Push, e.payout(20, 20))
	require.True(t, tr.steps[0].aborted)
	require.EqualValues(t, 5, tr.steps[0].exit, "it would have to keep less than nothing")
	require.EqualValues(t, 20, e.state().Cursor)
	e.requirePaid(20, false)
	e.send(wallet("anyone"), chain.Message{To: e.epoch, Amount: ton(1)}).requireOK(t)
	e.crank()
	for i := range e.leaves {
		e.requirePaid(i, true)
	}
	r.requireBooks()
}
