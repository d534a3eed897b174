package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

func TestSettleable_IsAllThatBringsMoreThanItsFeeWhateverItsAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Fee = cost })
	m := &machine{n: 1}
	for n := range 3 {
		w.opens(n, cocoon.TON(1))
		for range n {
			r := w.asks(n)
			require.NoError(t, w.Admit(1, r, promises(n, cocoon.TON(1))))
			require.NoError(t, w.Assign(r.ID, m.attempt()))
			require.Empty(t, w.commits(m, m.states(r.ID, used)).Void)
			require.NoError(t, withPay(w, 1, w.OK(t.Context(), 1, r.ID, cost), promises(n, w.state(n).Agreed.Plus(cost))))
		}
	}
	due, err := w.Due(w.clock.Now(), nil)
	require.NoError(t, err)
	require.Empty(t, due)
	all := w.Settleable(w.clock.Now(), nil)
	require.Len(t, all, 1, "one request only pays for its own settlement")
	require.Equal(t, account(2), all[0].Channel)
	require.Equal(t, cost.Plus(cost), all[0].Amount)
	require.Equal(t, Wanted, all[0].Reason)
	require.False(t, all[0].Cover)
}

// A chain that stood still for an hour goes on, and an epoch is to be paid before
// anybody who is connected has said a word.
func TestSettleable_TakesNoCoverOfWhoIsConnected(t *testing.T) {
	t.Parallel()
	w, m := newWorld(t), &machine{n: 1}
	w.covered()
	w.serves(m)
	for range 3 {
		w.clock.pass(time.Hour)
		require.Empty(t, w.Settleable(w.clock.Now(), []cocoon.Account{account(1)}))
	}
	w.clock.pass(time.Hour)
	all := w.Settleable(w.clock.Now(), nil)
	require.Len(t, all, 1)
	require.True(t, all[0].Cover)
}
