package ledger

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

func TestAnswer_ClientPaysWhatItAgreesToOnce(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.opens(1, cocoon.TON(1))
	id := w.ordered(m)
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(w.OK(t.Context(), 1, id, cost)), "there is no receipt")
	w.commits(m, m.states(id, used))
	require.Equal(t, cost, w.state(1).Reserved, "the rest of the slice is free again")
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(w.OK(t.Context(), 1, id, cocoon.NanoOf(1))))
	require.ErrorIs(t, w.OK(t.Context(), 2, id, cost), ErrFenced)
	for range 2 {
		for range 2 {
			require.NoError(t, withPay(w, 1, w.OK(t.Context(), 1, id, cost), promises(1, cost)))
			s := w.state(1)
			require.Equal(t, cost, s.Agreed)
			require.Equal(t, cocoon.Nano{}, s.Reserved)
			require.Equal(t, promises(1, cost).Bytes(), s.Paid)
			require.Empty(t, s.Receipts)
		}
		w = w.reopened()
	}
	require.ErrorIs(t, w.OK(t.Context(), 1, ID{99}, cost), ErrRequest)
}

func TestAnswer_PaidAheadWaitsUntilItIsAgreed(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.opens(1, cocoon.TON(1))
	a, b := w.ordered(m), w.ordered(m)
	w.commits(m, m.states(a, used))
	w.commits(m, m.states(b, used))
	both := cost.Plus(cost)
	require.NoError(t, withPay(w, 1, w.OK(t.Context(), 1, b, cost), promises(1, both)), "its answers crossed")
	require.Nil(t, w.state(1).Paid)
	require.NoError(t, withPay(w, 1, w.OK(t.Context(), 1, a, cost), promises(1, cost)))
	require.Equal(t, promises(1, both).Bytes(), w.state(1).Paid)
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(func() error {
		id := w.ordered(m)
		w.commits(m, m.states(id, used))
		return withPay(w, 1, w.OK(t.Context(), 1, id, cost), promisesBy(1, keyOf('c', 2), cocoon.TON(1)))
	}()))
	require.Equal(t, promises(1, both).Bytes(), w.state(1).Paid)
	_, err := voucher.Parse(w.state(1).Paid)
	require.NoError(t, err)
}

// One voucher pays what was agreed in several answers, and is kept where all of them
// were given before.
func TestPay_IsForAllThatWasAgreed(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.opens(1, cocoon.TON(1))
	for range 2 {
		id := w.ordered(m)
		w.commits(m, m.states(id, used))
		require.NoError(t, w.OK(t.Context(), 1, id, cost))
	}
	require.Nil(t, w.state(1).Paid)
	both := promises(1, cost.Plus(cost))
	require.ErrorIs(t, w.Pay(2, *both), ErrFenced)
	require.ErrorIs(t, w.Pay(1, *promises(2, cost)), ErrUnknown)
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(w.Pay(1, *promisesBy(1, keyOf('c', 2), cost))))
	require.NoError(t, w.Pay(1, *both))
	require.NoError(t, w.Pay(1, *promises(1, cost)), "late, and no fault")
	require.Equal(t, both.Bytes(), w.state(1).Paid)
	w = w.reopened()
	require.Equal(t, both.Bytes(), w.state(1).Paid)
}

func TestAnswer_AClientIsChargedNoMoreThanItPays(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.opens(1, cocoon.TON(1))
	id, pays := w.ordered(m), cost.Minus(cocoon.NanoOf(1))
	w.commits(m, m.states(id, used))
	require.NoError(t, withPay(w, 1, w.Dispute(t.Context(), 1, id, used, pays), promises(1, pays)), "it had set aside less")
	require.Equal(t, pays, w.state(1).Agreed, "or its books would call ours a lie")
	require.Equal(t, promises(1, pays).Bytes(), w.state(1).Paid)
}

// much is dear for its size: 900 * 20 + 500 * 160.
var much, dear = cocoon.Usage{Prompt: 900, Completion: 500}, cocoon.NanoOf(98_000)

// runs lets m serve a dear request of channel n.
func (w *world) runs(n int, m *machine) (ID, error) {
	w.Helper()
	r := w.asks(n)
	if err := w.Admit(1, r, promises(n, cocoon.TON(1))); err != nil {
		return r.ID, err
	}
	require.NoError(w, w.Assign(r.ID, m.attempt()))
	require.Empty(w, w.commits(m, m.states(r.ID, much)).Void)
	return r.ID, nil
}

func TestDispute_WhoDeniesAllIsRefusedWithinTheAllowance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.opens(1, cocoon.TON(1))
	var workers [20]machine
	for i := 0; ; i++ {
		m := &workers[i%len(workers)]
		m.n = i % len(workers)
		id, err := w.runs(1, m)
		if err != nil {
			require.ErrorIs(t, err, ErrDisputed)
			require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err))
			break
		}
		require.NoError(t, w.Dispute(t.Context(), 1, id, cocoon.Usage{}, cocoon.MaxNano))
	}
	s := w.state(1)
	require.Equal(t, cocoon.Nano{}, s.Agreed)
	require.LessOrEqual(t, s.Disputed.Cmp(bound.Base().Plus(dear)), 0, "one reserve above it at most")
	require.Equal(t, bound.Fees(100).Rest(s.Disputed), w.Owed(1), "all of it is paid to honest workers")
}

func TestDispute_AWorkerThatOverCountsIsSoonPaidWhatIsAgreed(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	agreed, lost := cocoon.Nano{}, cocoon.Nano{}
	for n := range 8 {
		w.opens(n, cocoon.TON(1))
		for range 25 {
			id, err := w.runs(n, m)
			require.NoError(t, err, "clients that count right are served on")
			require.NoError(t, w.Dispute(t.Context(), 1, id, used, cocoon.MaxNano))
		}
		agreed, lost = agreed.Plus(w.state(n).Agreed), lost.Plus(w.state(n).Disputed)
	}
	require.Equal(t, cocoon.NanoOf(8*25*18_000), agreed)
	limit, err := bound.Allowance(bound.Base(), cocoon.NanoOf(8*25*98_000))
	require.NoError(t, err)
	require.LessOrEqual(t, lost.Cmp(limit), 0)
	require.Positive(t, lost.Cmp(limit.Minus(cocoon.NanoOf(200_000))), "its word stood as long as that")
	require.LessOrEqual(t, w.Owed(1).Cmp(bound.Fees(100).Rest(agreed.Plus(lost))), 0)
}

func TestDispute_NobodyPaysMoreThanTheReceipt(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	id := w.serves(m)
	require.NoError(t, w.Dispute(t.Context(), 1, id, cocoon.Usage{Prompt: 1000, Completion: 512}, cocoon.MaxNano))
	s := w.state(1)
	require.Equal(t, cost, s.Agreed)
	require.Equal(t, cocoon.Nano{}, s.Disputed)
	id = w.serves(m)
	err := w.Dispute(t.Context(), 1, id, cocoon.Usage{Prompt: math.MaxUint64, Completion: math.MaxUint64}, cocoon.MaxNano)
	require.NoError(t, err)
	require.Equal(t, cost.Plus(cost), w.state(1).Agreed, "nor for a count that nobody can make")
}

func TestCommit_AWordThatNobodyConfirmsIsPaidWithinTheAllowance(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t, func(c *Config) { c.Free = ton("0.0002") }), &machine{n: 1}
	for n := range 4 {
		w.opens(n, cocoon.TON(1))
	}
	var ids []ID
	for n := range 4 {
		id, err := w.runs(n, m)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	paid := bound.Fees(100).Rest(dear)
	require.Equal(t, paid.Plus(paid), w.Owed(1), "two of four")
	for n, id := range ids {
		require.NoError(t, w.OK(t.Context(), 1, id, dear), n)
	}
	four := paid.Plus(paid).Plus(paid.Plus(paid))
	require.Equal(t, four, w.Owed(1), "the rest when they are agreed")
}

func TestSetChannel_WhatASilentClientWasSettledForIsAgreed(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.opens(1, cocoon.TON(1))
	require.NoError(t, w.Admit(1, w.asks(1), promises(1, cocoon.TON(1))))
	first, second := w.serves(m), w.serves(m)
	f := facts(1, cocoon.TON(1))
	f.Settled = cost.Plus(cocoon.NanoOf(1))
	require.NoError(t, w.SetChannel(f))
	require.Equal(t, cost, w.state(1).Agreed, "the first, and not a part of the second")
	require.Equal(t, second, w.state(1).Receipts[0].ID)
	require.NoError(t, w.OK(t.Context(), 1, first, cost), "too late to matter")
	f.Closed = true
	require.NoError(t, w.SetChannel(f))
	s := w.state(1)
	require.Equal(t, f.Settled, s.Agreed)
	require.Empty(t, s.Receipts)
	require.Equal(t, cost.Minus(cocoon.NanoOf(1)), s.Disputed, "the rest is ours to lose")
	require.Equal(t, cocoon.NanoOf(2*17_820), w.Owed(1), "the worker did its part")
}
