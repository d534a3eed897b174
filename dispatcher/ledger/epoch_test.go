package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// earns serves a request and lets its client agree.
func (w *world) earns(m *machine) {
	w.Helper()
	require.NoError(w, w.OK(w.Context(), 1, w.serves(m), cost))
}

// covered opens channel 1, with cover for all of its deposit.
func (w *world) covered() {
	w.Helper()
	w.opens(1, cocoon.TON(1))
	_, err := w.Hello(account(1), 1, promises(1, cocoon.TON(1)), 0)
	require.NoError(w, err)
}

func (w *world) earned(m *machine) []receipt.SignedEarned {
	w.Helper()
	all, err := w.Earned(w.Context(), provider(m.n))
	require.NoError(w, err)
	for _, e := range all {
		require.NoError(w, e.Verify(public(keyOf('l', int(e.Number)))))
		require.Equal(w, provider(m.n), e.Provider)
	}
	return all
}

func TestEarned_IsSignedByTheKeyOfItsNumberAndCumulative(t *testing.T) {
	t.Parallel()
	l, err := Open(t.Context(), testConfig(t.TempDir(), begun()))
	require.NoError(t, err)
	_, err = l.Book(1)
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err), "nothing is known yet")
	require.NoError(t, l.Close())
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	require.Empty(t, w.earned(m))
	w.earns(m)
	require.Empty(t, w.Ripe(w.clock.now))
	w.clock.pass(10 * time.Second)
	require.Equal(t, []cocoon.Account{provider(1)}, w.Ripe(w.clock.now), "after 10 s")
	require.Equal(t, cocoon.NanoOf(17_820), w.earned(m)[0].Amount)
	require.Empty(t, w.Ripe(w.clock.now.Add(time.Hour)))
	w.SetIndex(w.clock.now)
	w.earns(m)
	require.Equal(t, cocoon.NanoOf(2*17_820), w.earned(m)[0].Amount)
	w = w.reopened()
	all := w.earned(m)
	require.Len(t, all, 1)
	require.Equal(t, cocoon.NanoOf(2*17_820), all[0].Amount, "again, for one that lost it")
	require.Equal(t, ours, all[0].Rewards)
	require.EqualValues(t, network, all[0].GlobalID)
}

func TestLeaves_CloseANumberAndTheNextWaitsUntilItIsOpen(t *testing.T) {
	t.Parallel()
	w, m, other := newWorld(t), &machine{n: 1}, &machine{n: 2}
	w.covered()
	w.earns(m)
	w.earns(other)
	w.earned(m)
	_, err := w.Leaves(t.Context(), 2)
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err), "it is not next")
	want := []Leaf{{provider(1), cocoon.NanoOf(17_820)}, {provider(2), cocoon.NanoOf(17_820)}}
	for range 2 {
		leaves, err := w.Leaves(t.Context(), 1)
		require.NoError(t, err)
		require.Equal(t, want, leaves, "for every attempt the same, unsigned earnings too")
		w.earns(m)
		require.Len(t, w.earned(m), 1, "nothing of number 2")
		require.Empty(t, w.Ripe(w.clock.now.Add(time.Minute))[1:], "only what is left of number 1")
		w = w.reopened()
	}
	require.EqualValues(t, 1, w.earned(other)[0].Number)
	pending := Rewards{Number: 1, Pending: true, Bond: cocoon.TON(500), Pot: cocoon.TON(100), Fees: 100}
	require.NoError(t, w.SetRewards(pending))
	all := w.earned(m)
	require.Len(t, all, 2)
	require.EqualValues(t, 2, all[1].Number)
	require.Equal(t, cocoon.NanoOf(2*17_820), all[1].Amount)
	book, err := w.Book(7)
	require.NoError(t, err)
	require.Equal(t, cocoon.NanoOf(2*17_820), book.Earned, "L leaves out what is open")
	failed := pending
	failed.Pending = false
	require.NoError(t, w.SetRewards(failed))
	book, err = w.Book(8)
	require.NoError(t, err)
	require.Equal(t, cocoon.NanoOf(4*17_820), book.Earned, "and counts it again once it failed")
	require.NoError(t, book.Verify(public(keyOf('l', 2))))
	require.Equal(t, cocoon.NanoOf(4*18_000), book.Unsettled)
	failed.Number = 2
	require.NoError(t, w.SetRewards(failed))
	require.Len(t, w.earned(m), 1, "what has passed is over")
	require.Equal(t, cocoon.Nano{}, w.Owed(1))
}

func TestSetRewards_WhatAnotherOpenedTakesNoUnsignedEarningsAway(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	w.earns(m)
	w.earned(m)
	w.earns(m)
	r := Rewards{Number: 1, Pending: true, Bond: cocoon.TON(500), Pot: cocoon.TON(100), Fees: 100}
	require.NoError(t, w.SetRewards(r))
	require.Equal(t, cocoon.NanoOf(17_820), w.Owed(1))
	require.Equal(t, cocoon.NanoOf(17_820), w.Owed(2))
	require.Len(t, w.earned(m), 2)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(w.SetRewards(Rewards{})))
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(w.SetRewards(Rewards{Number: 1, Fees: 10_000})))
}

func TestLeaves_WaitForAPotThatPaysThem(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	w.earns(m)
	poor := Rewards{Number: 1, Bond: cocoon.TON(500), Pot: cocoon.NanoOf(17_820), Fees: 100}
	require.NoError(t, w.SetRewards(poor))
	_, err := w.Leaves(t.Context(), 1)
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.NotEmpty(t, cocoon.HintOf(err))
	poor.Pot = cocoon.NanoOf(18_000)
	require.NoError(t, w.SetRewards(poor))
	_, err = w.Leaves(t.Context(), 1)
	require.NoError(t, err)
}

func TestEarned_StopsWhereBondAndPotEnd(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	w.earns(m)
	w.earns(m)
	require.NoError(t, w.SetRewards(Rewards{Number: 1, Bond: cocoon.NanoOf(20_000), Fees: 100}))
	all, err := w.Earned(t.Context(), provider(1))
	require.ErrorIs(t, err, ErrStopped)
	require.Equal(t, cocoon.NanoOf(20_000), all[0].Amount, "as far as the bond goes")
	err = w.Admit(1, w.asks(1), nil)
	require.ErrorIs(t, err, ErrStopped)
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))
	require.NoError(t, w.SetRewards(Rewards{Number: 1, Bond: cocoon.NanoOf(20_000), Pot: cocoon.NanoOf(36_000), Fees: 100}))
	require.Equal(t, cocoon.NanoOf(2*17_820), w.earned(m)[0].Amount)
	require.NoError(t, w.Admit(1, w.asks(1), nil))
}

func TestEarned_NeverPassesWhatClientsCovered(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	require.NoError(t, w.SetRewards(Rewards{Number: 1, Bond: cocoon.TON(500), Fees: 100}))
	w.opens(1, cocoon.TON(1))
	r := w.asks(1)
	require.NoError(t, w.Admit(1, r, promises(1, reserve)))
	require.NoError(t, w.Assign(r.ID, m.attempt()))
	w.commits(m, m.states(r.ID, much))
	require.NoError(t, w.Dispute(t.Context(), 1, r.ID, cocoon.Usage{}, cocoon.MaxNano), "the cover is free for more, and the worker is paid")
	w.serves(m)
	all, err := w.Earned(t.Context(), provider(1))
	require.ErrorIs(t, err, ErrStopped)
	require.Equal(t, bound.Fees(100).Rest(reserve), all[0].Amount)
	require.ErrorIs(t, w.Admit(1, w.asks(1), nil), ErrStopped)
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(w.Admit(1, w.asks(1), promisesBy(1, keyOf('c', 2), ton("0.5")))))
	require.NoError(t, w.Admit(1, w.asks(1), promises(1, ton("0.5"))), "more cover helps")
	require.Equal(t, bound.Fees(100).Rest(dear.Plus(cost)), w.earned(m)[0].Amount)
}

func TestEarned_ALossIsBackedByWhatTheDispatcherFunds(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	poor := Rewards{Number: 1, Bond: cocoon.TON(500), Fees: 100}
	require.NoError(t, w.SetRewards(poor))
	w.opens(1, cocoon.TON(1))
	r := w.asks(1)
	require.NoError(t, w.Admit(1, r, promises(1, reserve)))
	require.NoError(t, w.Assign(r.ID, m.attempt()))
	w.commits(m, m.states(r.ID, much))
	require.NoError(t, w.Dispute(t.Context(), 1, r.ID, cocoon.Usage{}, cocoon.MaxNano))
	f := facts(1, cocoon.TON(1))
	f.Closed = true
	require.NoError(t, w.SetChannel(f))
	all, err := w.Earned(t.Context(), provider(1))
	require.ErrorIs(t, err, ErrStopped)
	require.Empty(t, all)
	poor.Pot = dear
	require.NoError(t, w.SetRewards(poor))
	require.Equal(t, bound.Fees(100).Rest(dear), w.earned(m)[0].Amount)
}
