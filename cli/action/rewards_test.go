package action_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
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

// second is another wallet, with money.
func (w *town) second() *chain.Wallet {
	w.t.Helper()
	second, err := chain.NewWallet(w.client, testKey(8))
	require.NoError(w.t, err)
	require.NoError(w.t, w.local.Faucet(w.t.Context(), chain.Address(second.Account()), cocoon.TON(10).Big()))
	return second
}

func (w *town) now() uint32 { return uint32(w.local.Now().Unix()) }

func TestTakeRewards_IsForWhoWasNamedAndOpensEpochsAsTheOwnerDid(t *testing.T) {
	t.Parallel()
	w, ctx := newTown(t), t.Context()
	birth, state := w.dispatcher()
	old, second := w.wallet, w.second()
	me := second.Account()
	_, err := w.TakeRewards(ctx, birth, me, w.now())
	require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err))
	_, err = w.TakeRewards(ctx, w.Rewards(me, 0), me, w.now())
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))

	w.do(w.NameOwner(ctx, birth, me))
	take, err := w.TakeRewards(ctx, birth, me, w.now())
	require.NoError(t, err)
	w.wallet = second
	w.send(take...)
	require.Equal(t, me, state().Owner)
	require.Equal(t, me, state().Operator)
	require.True(t, state().NextOwner.IsZero())

	operator := cocoon.Account{7}
	w.do(w.Appoint(ctx, birth, operator))
	w.do(w.NameOwner(ctx, birth, old.Account()))
	take, err = w.TakeRewards(ctx, birth, old.Account(), w.now())
	require.NoError(t, err)
	w.wallet = old
	w.send(take...)
	require.Equal(t, old.Account(), state().Owner)
	require.Equal(t, operator, state().Operator, "who was appointed goes on")
}

func TestTakeRewards_IsForTheHeirOfWhoWasSilentForLong(t *testing.T) {
	t.Parallel()
	w, ctx := newTown(t), t.Context()
	birth, state := w.dispatcher()
	second := w.second()
	me := second.Account()
	w.do(w.NameHeir(ctx, birth, me))
	require.Equal(t, me, state().Heir)
	_, err := w.TakeRewards(ctx, birth, me, w.now())
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.ErrorContains(t, err, "the heir may come from ")
	w.wallet = second
	require.NoError(t, w.local.Advance(time.Duration(state().Terms.HeirAfter)*time.Second))
	take, err := w.TakeRewards(ctx, birth, me, w.now())
	require.NoError(t, err)
	w.send(take...)
	require.Equal(t, me, state().Owner)
	require.Equal(t, me, state().Operator)
	require.True(t, state().Heir.IsZero())
}

func TestUnbond_PaysTheBondBackOnceItIsRipe(t *testing.T) {
	t.Parallel()
	w, ctx := newTown(t), t.Context()
	birth, state := w.dispatcher()
	_, err := w.Unbond(ctx, birth, cocoon.Nano{})
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err))
	_, err = w.WithdrawBond(ctx, birth, cocoon.Nano{}, w.now())
	require.ErrorContains(t, err, "nothing is unbonding")
	w.do(w.Bond(ctx, birth, cocoon.TON(20), w.wallet.Account()))
	_, err = w.Unbond(ctx, birth, cocoon.TON(21))
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err))
	w.do(w.Unbond(ctx, birth, cocoon.TON(3)))
	_, err = w.WithdrawBond(ctx, birth, cocoon.Nano{}, w.now())
	require.ErrorContains(t, err, "the next 3 TON")
	require.NoError(t, w.local.Advance(time.Duration(state().Terms.Unbonding)*time.Second))
	_, err = w.WithdrawBond(ctx, birth, cocoon.TON(4), w.now())
	require.ErrorContains(t, err, "3 TON are unbonded")
	w.do(w.WithdrawBond(ctx, birth, cocoon.TON(1), w.now()))
	require.Equal(t, cocoon.TON(2), state().Unbonding)
	w.do(w.WithdrawBond(ctx, birth, cocoon.Nano{}, w.now()))
	require.True(t, state().Unbonding.IsZero())
	w.do(w.Unbond(ctx, birth, cocoon.Nano{}))
	require.True(t, state().Bond.IsZero())
	require.Equal(t, cocoon.TON(17), state().Unbonding)
}
