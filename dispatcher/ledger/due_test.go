package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

func (w *world) due(present ...cocoon.Account) []Settlement {
	w.Helper()
	d, err := w.Due(w.clock.now, present)
	require.NoError(w, err)
	for _, s := range d {
		_, err := voucher.Parse(s.Voucher)
		require.NoError(w, err)
	}
	return d
}

// spends lets channel n agree to about amount and sign for it, quickly.
func (w *world) spends(n int, amount cocoon.Nano) {
	w.Helper()
	w.mu.Lock()
	c := w.Ledger.state.channels[account(n)]
	c.Agreed = c.Agreed.Plus(amount)
	w.Ledger.state.refresh(c, w.now())
	sum := c.Agreed
	w.mu.Unlock()
	v := promises(n, sum)
	w.mu.Lock()
	defer w.mu.Unlock()
	require.NoError(w, w.pay(c, *v))
}

func TestDue_PaidIsSettledOnceItIsWorthItAndAged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Fee = ton("0.001") })
	w.opens(1, cocoon.TON(1))
	w.spends(1, ton("0.049999999"))
	w.clock.pass(2 * time.Hour)
	require.Empty(t, w.due(), "less than 50 fees")
	w.spends(1, cocoon.NanoOf(1))
	require.Equal(t, []Settlement{{account(1), promises(1, ton("0.05")).Bytes(), ton("0.05"), false, Old}}, w.due())
	f := facts(1, cocoon.TON(1))
	f.Settled = ton("0.05")
	require.NoError(t, w.SetChannel(f))
	require.Empty(t, w.due())
	w.spends(1, ton("0.1"))
	require.Empty(t, w.due(), "not an hour old")
	w.clock.pass(time.Hour)
	require.Equal(t, ton("0.1"), w.due()[0].Amount)
}

func TestDue_CoverIsTakenOnlyFromWhoIsSilentOrLeaving(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	w.serves(m)
	require.Empty(t, w.due())
	w.clock.pass(10*time.Minute - time.Second)
	require.Equal(t, Settlement{}, w.offered())
	w.clock.pass(time.Second)
	s := w.offered()
	require.True(t, s.Cover)
	require.Equal(t, promises(1, cocoon.TON(1)).Bytes(), s.Voucher)
	require.Empty(t, w.due(account(1), account(2)))
	require.Equal(t, Settlement{}, w.offered())
	f := facts(1, cocoon.TON(1))
	f.ClosesAt = uint32(w.clock.now.Unix()) + 86_400
	require.NoError(t, w.SetChannel(f))
	require.Equal(t, []Settlement{{account(1), promises(1, cocoon.TON(1)).Bytes(), cocoon.TON(1), true, Leaving}}, w.due())
	id := w.state(1).Receipts[0].ID
	require.NoError(t, withPay(w, 1, w.OK(t.Context(), 1, id, cost), promises(1, cost)))
	require.Equal(t, []Settlement{{account(1), promises(1, cost).Bytes(), cost, false, Leaving}}, w.due(), "paid is enough")
	f.Closed = true
	require.NoError(t, w.SetChannel(f))
	require.Empty(t, w.due())
}

func TestDue_WhoWasDownItselfHeardNobody(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	w.serves(m)
	w.clock.pass(time.Hour)
	w = w.reopened()
	require.Equal(t, Settlement{}, w.offered(), "its client may come back now")
	w.clock.pass(10 * time.Minute)
	require.True(t, w.offered().Cover)
}

// offered is what the first channel could be settled with; its Channel is left out where that is nothing.
func (w *world) offered() Settlement {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.Ledger.state.channels[account(1)].settlement(w.now())
	if s.Amount.IsZero() {
		return Settlement{}
	}
	return s
}

func TestDue_ALeavingChannelIsSettledLongBeforeItsHalfDelay(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	id := w.ordered(m)
	w.serves(m)
	closes := w.clock.now.Add(24 * time.Hour)
	f := facts(1, cocoon.TON(1))
	f.ClosesAt = uint32(closes.Unix())
	require.NoError(t, w.SetChannel(f))
	require.Empty(t, w.due(), "an answer is on its way")
	w.clock.set(closes.Add(-18 * time.Hour))
	require.Equal(t, Leaving, w.due()[0].Reason)
	require.NoError(t, w.Release(id))
	w.clock.set(closes.Add(-24 * time.Hour))
	require.Equal(t, Leaving, w.due()[0].Reason, "nothing is open")
}

func TestDue_ARotatedKeyIsSettledWhileItSigns(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	w.serves(m)
	limit := w.Ledger.state.limit()
	require.Equal(t, ton("99.99"), limit, "99 % of a pot of 100 and a cover of 1")
	f := facts(1, cocoon.TON(1))
	f.Previous, f.PreviousUntil, f.Key = f.Key, uint32(w.clock.now.Unix())+86_400, public(keyOf('n', 1))
	require.NoError(t, w.SetChannel(f))
	require.Equal(t, limit, w.Ledger.state.limit(), "nobody stops us by a rotation: it is settled in time")
	keys, err := w.Keys(account(1))
	require.NoError(t, err)
	require.Equal(t, []Key{f.Key, f.Previous}, keys)
	require.Equal(t, Leaving, w.due()[0].Reason)
	require.True(t, w.due()[0].Cover)
	needs(t, cost.Plus(reserve), w.Admit(1, w.asks(1), nil))
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(w.Admit(1, w.asks(1), promises(1, cocoon.TON(1)))))
	needs(t, cost.Plus(reserve), w.Admit(1, w.asks(1), promisesBy(1, keyOf('n', 1), cost.Minus(cocoon.NanoOf(1)))))
	require.Equal(t, promises(1, cocoon.TON(1)).Bytes(), w.due()[0].Voucher, "less than is owed replaces nothing")
	require.NoError(t, w.Admit(1, w.asks(1), promisesBy(1, keyOf('n', 1), ton("0.5"))), "the new key speaks for all")
	require.Empty(t, w.due())
	require.Equal(t, ton("99.495"), w.Ledger.state.limit())
	w.clock.pass(24 * time.Hour)
	keys, err = w.Keys(account(1))
	require.NoError(t, err)
	require.Equal(t, []Key{f.Key}, keys)
	_, err = w.Keys(account(2))
	require.ErrorIs(t, err, ErrUnknown)
}

func TestDue_MoreThanHalfOfTheBondIsBroughtDownToAQuarter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Fee = ton("0.001") })
	require.NoError(t, w.SetRewards(Rewards{Number: 1, Bond: cocoon.TON(4), Pot: cocoon.TON(100), Fees: 100}))
	for n := range 4 {
		w.opens(n, cocoon.TON(9))
		w.spends(n, ton("0.5"))
	}
	require.Empty(t, w.due(), "half of it")
	w.spends(3, ton("0.2"))
	d := w.due()
	require.Len(t, d, 2)
	require.Equal(t, Settlement{account(3), promises(3, ton("0.7")).Bytes(), ton("0.7"), false, Exposed}, d[0], "the dearest first")
	require.Equal(t, ton("2.2"), w.Ledger.state.unsettled)
}

func TestDue_AllIsSettledWhereNoMoreMayBePromised(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t, func(c *Config) { c.Fee = cocoon.NanoOf(1) }), &machine{n: 1}
	w.covered()
	require.NoError(t, withPay(w, 1, w.OK(t.Context(), 1, w.serves(m), cost), promises(1, cost)))
	require.Empty(t, w.due())
	require.NoError(t, w.SetRewards(Rewards{Number: 1, Bond: cocoon.NanoOf(10_000), Pot: cocoon.Nano{}, Fees: 100}))
	require.Equal(t, Exposed, w.due()[0].Reason)
}

func TestClosed_ChannelsAreLetGoOnceNothingIsOpenUnderThem(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	w.opens(2, cocoon.TON(1))
	open := w.ordered(m)
	require.NoError(t, w.Dispute(t.Context(), 1, w.serves(m), cocoon.Usage{}, cocoon.Nano{}))
	f := facts(1, cocoon.TON(1))
	f.Closed = true
	require.NoError(t, w.SetChannel(f))
	require.NoError(t, w.tidy(t.Context()))
	require.Len(t, w.Figures().Channels, 2, "a worker is at work")
	require.NoError(t, w.Release(open))
	require.NoError(t, w.tidy(t.Context()))
	require.Len(t, w.Figures().Channels, 2, "what it denied counts for a day")
	w.clock.pass(24 * time.Hour)
	require.NoError(t, w.tidy(t.Context()))
	for range 2 {
		books := w.Figures()
		require.Len(t, books.Channels, 1)
		require.Equal(t, account(2), books.Channels[0].Account)
		require.Equal(t, cost, books.Disputes, "what it cost us stays")
		_, err := w.Hello(account(1), 2, nil, 0)
		require.ErrorIs(t, err, ErrUnknown)
		require.NoError(t, w.flush(t.Context()))
		w = w.reopened()
	}
}

func TestRetire_NamesTheFinalAmountOnceNothingIsOpen(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	id := w.serves(m)
	_, err := w.Retire(t.Context(), account(1), 1, nil)
	require.ErrorIs(t, err, ErrOpen)
	require.NoError(t, w.OK(t.Context(), 1, id, cost))
	_, err = w.Retire(t.Context(), account(1), 1, nil)
	var short *NeedError
	require.ErrorAs(t, err, &short, "its client signs for all that was agreed first")
	require.Equal(t, cost, short.Cover)
	_, err = w.Retire(t.Context(), account(1), 1, promises(2, cost))
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "of another channel")
	for range 2 {
		final, err := w.Retire(t.Context(), account(1), 1, promises(1, cost))
		require.NoError(t, err)
		require.Equal(t, cost, final)
		require.ErrorIs(t, w.Admit(1, w.asks(1), nil), ErrClosing)
		w = w.reopened()
	}
	_, err = w.Retire(t.Context(), account(1), 9, nil)
	require.ErrorIs(t, err, ErrFenced)
}
