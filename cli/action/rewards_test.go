package action_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func (w *town) dispatcher() (wrappers.RewardsBirth, func() wrappers.Rewards) {
	return w.Rewards(w.wallet.Account(), 0), func() wrappers.Rewards {
		w.t.Helper()
		acc, err := w.client.Account(w.t.Context(), w.rewards)
		require.NoError(w.t, err)
		r, err := wrappers.DecodeRewards(acc.Data)
		require.NoError(w.t, err)
		return r
	}
}

func TestRotateKey_TheFirstCountsAtOnceAndTheNextTwoNumbersLater(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	birth, state := w.dispatcher()
	w.do(w.RotateKey(t.Context(), birth, ledgerKey))
	require.Equal(t, wrappers.PublicKey(ledgerKey), state().Keys.Of(1))
	_, err := w.RotateKey(t.Context(), birth, ledgerKey)
	require.ErrorContains(t, err, "already")
	w.do(w.RotateKey(t.Context(), birth, nextKey))
	require.Equal(t, wrappers.PublicKey(ledgerKey), state().Keys.Of(2))
	require.Equal(t, wrappers.PublicKey(nextKey), state().Keys.Of(3))
	_, err = w.RotateKey(t.Context(), birth, testKey(7))
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.ErrorContains(t, err, "from epoch 3 on")
}

func TestSetEndpoint_IsWrittenAndRemoved(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	birth, state := w.dispatcher()
	longest := "tls://" + strings.Repeat("a", wrappers.MaxNameBytes-6)
	w.do(w.SetEndpoint(t.Context(), birth, longest, [32]byte{7}))
	require.Equal(t, &wrappers.Endpoint{TLSKeyHash: [32]byte{7}, URL: wrappers.Text(longest)}, state().Keys.Endpoint)
	w.do(w.SetEndpoint(t.Context(), birth, "", [32]byte{}))
	require.Nil(t, state().Keys.Endpoint)
	for _, bad := range []string{"dispatcher.example", "tls://", longest + "a", "tls://höhle.example", "tls://a b"} {
		_, err := w.SetEndpoint(t.Context(), birth, bad, [32]byte{7})
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), bad)
	}
}
