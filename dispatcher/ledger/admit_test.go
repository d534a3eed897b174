package ledger

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
)

// needs wants err to ask for cover.
func needs(t *testing.T, cover cocoon.Nano, err error) {
	t.Helper()
	var n *NeedError
	require.ErrorAs(t, err, &n)
	require.Equal(t, cover, n.Cover)
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err))
	require.NotEmpty(t, cocoon.HintOf(err))
}

func TestAdmit_TakesNothingAboveCoverOrDeposit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.opens(1, ton("0.0003"))
	needs(t, reserve, w.Admit(1, w.asks(1), nil))
	require.NoError(t, w.Admit(1, w.asks(1), promises(1, reserve)), "exactly enough")
	two := reserve.Plus(reserve)
	needs(t, two, w.Admit(1, w.asks(1), promises(1, two.Minus(cocoon.NanoOf(1)))))
	require.NoError(t, w.Admit(1, w.asks(1), promises(1, ton("9"))), "a voucher above the deposit is one over the deposit")
	err := w.Admit(1, w.asks(1), nil)
	needs(t, two.Plus(reserve), err)
	var n *NeedError
	require.ErrorAs(t, err, &n)
	require.True(t, n.TopUp())
	require.Equal(t, two, w.state(1).Reserved)
}

func TestAdmit_VouchersMayComeInAnyOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.opens(1, cocoon.TON(1))
	require.NoError(t, w.Admit(1, w.asks(1), promises(1, ton("0.5"))))
	require.NoError(t, w.Admit(1, w.asks(1), promises(1, reserve)), "the older one is late, not wrong")
	require.Equal(t, promises(1, ton("0.5")).Bytes(), w.state(1).Cover)
}

func TestAdmit_BelievesNoVoucherOfAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.opens(1, cocoon.TON(1))
	forged := promisesBy(1, keyOf('c', 2), ton("0.5"))
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(w.Admit(1, w.asks(1), forged)))
	needs(t, reserve, w.Admit(1, w.asks(1), nil))
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(w.Admit(1, w.asks(1), promises(2, ton("0.5")))))
	abroad := *promises(1, ton("0.5"))
	abroad.GlobalID = -3
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(w.Admit(1, w.asks(1), &abroad)))
	require.NoError(t, w.Admit(1, w.asks(1), promises(1, reserve)))
	require.NoError(t, w.Admit(1, w.asks(1), promises(1, ton("0.1"))), "what is not needed is not verified")
	_, err := w.Hello(account(1), 1, forged, 0)
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err), "nor told as cover")
	require.Equal(t, promises(1, ton("0.1")).Bytes(), w.state(1).Cover)
}

func TestAdmit_EachRefusalHasItsError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(w *world)
		want   error
		kind   cocoon.Kind
	}{
		"closing": {func(w *world) {
			f := facts(1, cocoon.TON(1))
			f.ClosesAt = 1_800_086_400
			require.NoError(w, w.SetChannel(f))
		}, ErrClosing, cocoon.Conflict},
		"closed": {func(w *world) {
			f := facts(1, cocoon.TON(1))
			f.Closed = true
			require.NoError(w, w.SetChannel(f))
		}, ErrClosing, cocoon.Conflict},
		"retired": {func(w *world) {
			final, err := w.Retire(w.Context(), account(1), 1, nil)
			require.NoError(w, err)
			require.Equal(w, cocoon.Nano{}, final)
		}, ErrClosing, cocoon.Conflict},
		"fenced": {func(w *world) {
			_, err := w.Hello(account(1), 2, nil, 0)
			require.NoError(w, err)
			_, err = w.Hello(account(1), 1, nil, 0)
			require.ErrorIs(w, err, ErrFenced)
		}, ErrFenced, cocoon.Conflict},
		"lag":      {func(w *world) { w.clock.pass(31 * time.Second) }, ErrLag, cocoon.Unreachable},
		"no index": {func(w *world) { w.SetIndex(time.Time{}) }, ErrLag, cocoon.Unreachable},
		"no rewards": {func(w *world) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.Ledger.state.Facts = Rewards{}
		}, ErrLag, cocoon.Unreachable},
		"unknown": {func(w *world) {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.Ledger.state.channels, account(1))
		}, ErrUnknown, cocoon.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.opens(1, cocoon.TON(1))
			r := w.asks(1)
			c.change(w)
			err := w.Admit(1, r, promises(1, ton("0.5")))
			require.ErrorIs(t, err, c.want)
			require.Equal(t, c.kind, cocoon.KindOf(err))
		})
	}
}

func TestAdmit_OneRequestIsAdmittedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.opens(1, cocoon.TON(1))
	r := w.asks(1)
	require.NoError(t, w.Admit(1, r, promises(1, ton("0.5"))))
	require.ErrorIs(t, w.Admit(1, r, nil), ErrTwice)
	require.NoError(t, w.Release(r.ID))
	require.NoError(t, w.Release(r.ID), "again")
	require.Equal(t, cocoon.Nano{}, w.state(1).Reserved)
	bad := w.asks(1)
	bad.Size.Choices = 0
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(w.Admit(1, bad, nil)))
	require.ErrorIs(t, w.Assign(r.ID, (&machine{}).attempt()), ErrRequest)
}

func TestAdmit_WhatIsOpenMayAllBeDisputed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.opens(1, cocoon.TON(1))
	admitted := 0
	var err error
	for err == nil {
		if err = w.Admit(1, w.asks(1), promises(1, cocoon.TON(1))); err == nil {
			admitted++
		}
	}
	require.ErrorIs(t, err, ErrBusy)
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))
	open := w.state(1).Reserved
	require.Positive(t, open.Cmp(bound.Base()))
	require.LessOrEqual(t, open.Minus(reserve).Cmp(bound.Base()), 0, "one reserve above the allowance, no more")
	require.Equal(t, 49, admitted)
}

// opened is how many requests channel n gets open before it is told to wait.
func (w *world) opened(n int) (admitted int) {
	w.Helper()
	for {
		err := w.Admit(1, w.asks(n), promises(n, cocoon.TON(1)))
		if err != nil {
			require.ErrorIs(w, err, ErrBusy)
			return admitted
		}
		admitted++
	}
}

func TestAdmit_AStrangerIsLentWhatItMayNotDeny(t *testing.T) {
	t.Parallel()
	burst := func(c *Config) { c.Burst, c.Pool = ton("0.05"), ton("0.06") }
	w := newWorld(t, burst)
	var workers [20]machine
	for n := 1; n <= 3; n++ {
		w.opens(n, cocoon.TON(1))
	}
	require.Equal(t, 539, w.opened(1), "0.055 TON")
	require.Equal(t, 147, w.opened(2), "0.01 TON is left of the pool")
	require.Equal(t, 49, w.opened(3), "and nothing, but what is nobody else's")
	open := w.Pending(w.clock.now.Add(time.Hour))
	for _, of := range open {
		require.NoError(t, w.Release(of.ID))
	}
	require.Equal(t, 539, w.opened(2), "what came back is lent again")
	for i, of := range w.Pending(w.clock.now.Add(time.Hour)) { // and denied, all of it
		m := &workers[i%len(workers)]
		m.n = i % len(workers)
		require.NoError(t, w.Assign(of.ID, m.attempt()))
		require.Empty(t, w.commits(m, m.states(of.ID, much)).Void)
		require.NoError(t, w.Dispute(t.Context(), 1, of.ID, cocoon.Usage{}, cocoon.Nano{}))
	}
	require.ErrorIs(t, w.Admit(1, w.asks(2), nil), ErrDisputed)
	require.Equal(t, 169, w.opened(3), "a little less was denied than was set aside")
	w.stop()
	w.clock.pass(23 * time.Hour)
	again := openWorld(t, w.cfg.Dir, w.clock, burst)
	again.next = w.next
	require.Equal(t, 49, again.opened(1), "it counts for a day, whoever runs; the rest is lent")
	for _, of := range again.Pending(again.clock.now.Add(time.Hour)) {
		require.NoError(t, again.Release(of.ID))
	}
	again.clock.pass(time.Hour + time.Second)
	again.SetIndex(again.clock.now)
	require.Equal(t, 539, again.opened(1))
}

func TestExtend_ReservesSliceBySliceWhatItMaySay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.opens(1, cocoon.TON(1))
	r := w.asks(1)
	r.Size.MaxOut = 1200
	require.NoError(t, w.Admit(1, r, promises(1, reserve)))
	slice := cocoon.NanoOf(512 * 160)
	granted, err := w.Extend(1, r.ID, bound.Slice, nil)
	needs(t, reserve.Plus(slice), err)
	require.EqualValues(t, 512, granted)
	granted, err = w.Extend(1, r.ID, bound.Slice, promises(1, ton("0.1")))
	require.NoError(t, err)
	require.EqualValues(t, 1024, granted)
	granted, err = w.Extend(1, r.ID, 1<<63, nil)
	require.NoError(t, err)
	require.EqualValues(t, 1200, granted, "no more than it may say")
	require.Equal(t, reserve.Plus(cocoon.NanoOf((1200-512)*160)), w.state(1).Reserved)
	_, err = w.Extend(2, r.ID, 1, nil)
	require.ErrorIs(t, err, ErrFenced)
	_, err = w.Extend(1, ID{9}, 1, nil)
	require.ErrorIs(t, err, ErrRequest)
}

func TestAdmit_WhoSignsNothingForWhatItAgreedToIsServedNoMore(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.opens(1, cocoon.TON(1))
	require.NoError(t, w.Admit(1, w.asks(1), promises(1, ton("0.5"))))
	for range maxUnpaid + 1 {
		require.NoError(t, w.OK(t.Context(), 1, w.serves(m), cost))
	}
	require.NoError(t, w.Admit(1, w.asks(1), nil), "it may be on its way")
	w.clock.pass((maxUnpaidAge + 1) * time.Second)
	err := w.Admit(1, w.asks(1), nil)
	require.ErrorIs(t, err, ErrUnpaid)
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err))
	var n *NeedError
	require.False(t, errors.As(err, &n))
}
