package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Nobody has a way to the pot but through an epoch: what was never opened stays there, and with a receipt lodged so does the bond.
func TestLeave_Rewards_WhatWasNeverOpenedStaysInThePot(t *testing.T) {
	t.Parallel()
	r := withTerms(t)
	r.signsReceipts()
	pot := r.pot()
	r.lodge(1)
	r.unbond(ton(500))
	began := r.now
	for range 20 { // years
		r.advance(365 * 24 * time.Hour)
		r.requireRefused(t, errOwing, r.rewards, r.withdraws)
		r.requireRefused(t, errWrongSender, r.rewards, func() trace { return try(r, wallet("thief"), ton(1), wrappers.Withdraw{}) })
	}
	r.touch(r.rewards)
	require.NotEqual(t, -1, plus(t, r.pot(), r.rent("rewards", r.since(began))).Cmp(pot))
	require.Equal(t, ton(500), r.state().Unbonding)
	r.requireBooks()
}

// The heir comes when the silence is long enough, and pays what the pot holds to those who have earned it.
func TestLeave_Rewards_HeirPaysWhatTheSilentDispatcherOwed(t *testing.T) {
	t.Parallel()
	r := withTerms(t)
	r.signsReceipts()
	try(r, r.owner, ton(1), wrappers.SetHeir{Heir: wallet("heir")}).requireOK(t)
	r.lodge(1)
	takeOver := func() trace { return try(r, wallet("heir"), r.fees(0).Succeed, wrappers.Succeed{QueryID: 1}) }
	r.now = r.state().SeenAt + r.terms.Rewards.HeirAfter - 1
	r.requireRefused(t, errTooEarly, r.rewards, takeOver)
	r.advance(time.Second)
	takeOver().requireOK(t)
	r.requireRefused(t, errWrongSender, r.rewards, func() trace { return try(r, r.owner, ton(1), wrappers.Withdraw{}) })
	e := r.opens()
	e.publish()
	e.crank()
	for i := range e.leaves {
		e.requirePaid(i, true)
	}
	require.EqualValues(t, 2, r.state().Number, "so that the bond is free again")
	require.Equal(t, ton(500), r.leaves())
	r.requireBooks()
}

// What a stranger sends to a shell is pot once it is born: it was for providers.
func TestLeave_Rewards_ShellIsItsOwnersToBear(t *testing.T) {
	t.Parallel()
	r := unbornRewards(t)
	init, err := r.birth.Init()
	require.NoError(t, err)
	r.send(wallet("stranger"), chain.Message{To: r.rewards, Amount: ton(3), Init: init}).requireOK(t)
	r.requireRefused(t, errNotEnoughFree, r.rewards, func() trace { return try(r, r.owner, ton(9), wrappers.Withdraw{}) })
	try(r, r.owner, ton(9), wrappers.Bond{Amount: coins(ton(5)), Response: wallet("change")}).requireOK(t)
	require.NotEqual(t, -1, r.pot().Cmp(minus(t, ton(3), cocoon.NanoOf(1_000_000))))
	require.Equal(t, ton(5), r.leaves())
	r.requireBooks()
}

// A penalty may leave less of a bond than it takes to open an epoch: anyone may add what is missing, and the cheated are paid by the retry.
func TestLeave_Rewards_AnyoneReplacesWhatAPenaltyTook(t *testing.T) {
	t.Parallel()
	r := withTerms(t)
	r.signsReceipts()
	e := r.publishes()
	tell(e, e.fees(0).Prove, e.proof(7, plus(t, e.leaves[7].Amount.Nano, ton(1)))).requireOK(t)
	missing := minus(t, r.terms.Rewards.MinBond.Nano, r.state().Bond)
	require.Equal(t, ton(50), missing)
	tree := openMessageOf(e.tree)
	r.requireRefused(t, errNotEnoughBond, r.rewards, func() trace { return try(r, r.owner, ton(9), tree) })
	add := wrappers.Bond{QueryID: 1, Amount: coins(missing), Response: wallet("change")}
	try(r, wallet("anyone"), plus(t, missing, r.fees(0).Bond), add).requireOK(t)
	r.passes().crank()
	require.EqualValues(t, 2, r.state().Number)
	r.requireBooks()
}
