package action_test

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/protocol/voucher"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Keys by what they are for.
var channelKey, nextKey, ledgerKey = testKey(1), testKey(2), testKey(3)

func (w *town) birth() wrappers.ChannelBirth {
	w.salt++
	return wrappers.ChannelBirth{Client: w.wallet.Account(), ClientKey: wrappers.PublicKey(channelKey), Rewards: w.rewards,
		DispatcherKey: wrappers.PublicKey(ledgerKey), CloseDelay: action.QuickRules().CloseDelay, Salt: w.salt}
}

// opened is a new channel of 5 TON.
func (w *town) opened() cocoon.Account {
	w.t.Helper()
	b := w.birth()
	w.do(w.OpenChannel(w.t.Context(), b, cocoon.TON(5), cocoon.NewModelID(model), 1000))
	a, err := b.Account()
	require.NoError(w.t, err)
	return a
}

func (w *town) state(a cocoon.Account) wrappers.Channel {
	w.t.Helper()
	acc, err := w.client.Account(w.t.Context(), a)
	require.NoError(w.t, err)
	s, err := wrappers.DecodeChannel(acc.Data)
	require.NoError(w.t, err)
	return s
}

func (w *town) free(a cocoon.Account) cocoon.Nano {
	w.t.Helper()
	free, err := wrappers.GetChannelFree(w.t.Context(), w.client, a)
	require.NoError(w.t, err)
	return free
}

func (w *town) voucher(a cocoon.Account, amount cocoon.Nano, key ed25519.PrivateKey) voucher.Signed {
	w.t.Helper()
	v, err := voucher.Voucher{GlobalID: w.GlobalID, Channel: a, Cumulative: amount}.Sign(key)
	require.NoError(w.t, err)
	return v
}

func (w *town) promise(a cocoon.Account, final cocoon.Nano, key ed25519.PrivateKey) wrappers.CloseNow {
	w.t.Helper()
	m, err := wrappers.ClosePromise{GlobalID: w.GlobalID, Contract: a, Final: wrappers.Coins{Nano: final}}.Sign(key, 0)
	require.NoError(w.t, err)
	return m
}

func (w *town) settling(v voucher.Signed) func() (chain.Message, error) {
	return func() (chain.Message, error) { return w.Settle(w.t.Context(), v, w.wallet.Account()) }
}

func (w *town) closing(a cocoon.Account, p wrappers.CloseNow) func() (chain.Message, error) {
	return func() (chain.Message, error) { return w.CloseNow(w.t.Context(), a, p) }
}

func TestChannel_EachMessageIsTaken(t *testing.T) {
	t.Parallel()
	w, ctx := newTown(t), t.Context()
	me := w.wallet.Account()
	a := w.opened()
	require.NotEqual(t, -1, w.free(a).Cmp(cocoon.TON(5)), "all of the escrow can be paid")
	w.do(w.Settle(ctx, w.voucher(a, cocoon.TON(2), channelKey), me))
	require.Equal(t, cocoon.TON(2), w.state(a).Settled)
	before := w.free(a)
	w.do(w.TopUpChannel(ctx, a, cocoon.TON(1)))
	require.Equal(t, 1, w.free(a).Cmp(before))
	w.do(w.RotateChannel(ctx, a, nextKey))
	require.Equal(t, wrappers.PublicKey(nextKey), w.state(a).Key)
	w.do(w.Settle(ctx, w.voucher(a, cocoon.TON(3), channelKey), me))
	w.do(w.Settle(ctx, w.voucher(a, cocoon.TON(4), nextKey), me))
	require.Equal(t, cocoon.TON(4), w.state(a).Settled, "both keys count")
	w.do(w.RequestClose(ctx, a))
	require.Positive(t, w.state(a).ClosesAt)
	require.NoError(t, w.local.Advance(time.Duration(action.QuickRules().CloseDelay)*time.Second))
	w.do(w.FinishChannel(ctx, a, me))
	require.True(t, w.state(a).Closed)
	w.do(w.FinishChannel(ctx, a, me)) // sweeps

	agreed := w.opened()
	w.do(w.CloseNow(ctx, agreed, w.promise(agreed, cocoon.TON(1), ledgerKey)))
	require.True(t, w.state(agreed).Closed)
	require.Equal(t, cocoon.TON(1), w.state(agreed).Settled)
}

func TestChannel_RefusesWhatCannotSucceed(t *testing.T) {
	t.Parallel()
	w, ctx := newTown(t), t.Context()
	me := w.wallet.Account()
	a, closing, closed := w.opened(), w.opened(), w.opened()
	w.do(w.Settle(ctx, w.voucher(a, cocoon.TON(2), channelKey), me))
	w.do(w.RequestClose(ctx, closing))
	closedBirth := w.state(closed).Birth
	w.do(w.CloseNow(ctx, closed, w.promise(closed, cocoon.Nano{}, ledgerKey)))
	foreign := w.voucher(a, cocoon.TON(3), channelKey)
	foreign.GlobalID++
	poorBirth := w.birth()
	poor, err := poorBirth.Account()
	require.NoError(t, err)
	init, err := poorBirth.Init()
	require.NoError(t, err)
	w.send(chain.Message{To: poor, Amount: cocoon.NanoOf(1_000_000), Init: init}) // less than its rent

	open := func(change func(*wrappers.ChannelBirth), amount cocoon.Nano, name string) func() (chain.Message, error) {
		b := w.birth()
		change(&b)
		return func() (chain.Message, error) {
			return w.OpenChannel(ctx, b, amount, cocoon.NewModelID(name), 1)
		}
	}
	same := func(*wrappers.ChannelBirth) {}
	for name, c := range map[string]struct {
		try  func() (chain.Message, error)
		kind cocoon.Kind
	}{
		"open with nothing":          {open(same, cocoon.Nano{}, model), cocoon.Invalid},
		"open without a delay":       {open(func(b *wrappers.ChannelBirth) { b.CloseDelay = 0 }, cocoon.TON(1), model), cocoon.Invalid},
		"open for an unlisted model": {open(same, cocoon.TON(1), "nobody/knows"), cocoon.NotFound},
		"open to nobody":             {open(func(b *wrappers.ChannelBirth) { b.Rewards = cocoon.Account{7} }, cocoon.TON(1), model), cocoon.NotFound},
		"open to the registry":       {open(func(b *wrappers.ChannelBirth) { b.Rewards = w.Registry }, cocoon.TON(1), model), cocoon.Invalid},
		"open again once closed":     {open(func(b *wrappers.ChannelBirth) { *b = closedBirth }, cocoon.TON(1), model), cocoon.Conflict},
		"top up with nothing":        {func() (chain.Message, error) { return w.TopUpChannel(ctx, a, cocoon.Nano{}) }, cocoon.Invalid},
		"top up what is not there":   {func() (chain.Message, error) { return w.TopUpChannel(ctx, cocoon.Account{7}, cocoon.TON(1)) }, cocoon.NotFound},
		"top up what is no channel":  {func() (chain.Message, error) { return w.TopUpChannel(ctx, w.rewards, cocoon.TON(1)) }, cocoon.Invalid},
		"top up what is closed":      {func() (chain.Message, error) { return w.TopUpChannel(ctx, closed, cocoon.TON(1)) }, cocoon.Conflict},
		"settle what is settled":     {w.settling(w.voucher(a, cocoon.TON(2), channelKey)), cocoon.Conflict},
		"settle a stranger's":        {w.settling(w.voucher(a, cocoon.TON(3), nextKey)), cocoon.Forbidden},
		"settle another network's":   {w.settling(foreign), cocoon.Invalid},
		"settle what is closed":      {w.settling(w.voucher(closed, cocoon.TON(1), channelKey)), cocoon.Conflict},
		"settle from nothing":        {w.settling(w.voucher(poor, cocoon.TON(1), channelKey)), cocoon.NoMoney},
		"rotate what is closed":      {func() (chain.Message, error) { return w.RotateChannel(ctx, closed, nextKey) }, cocoon.Conflict},
		"ask to close twice":         {func() (chain.Message, error) { return w.RequestClose(ctx, closing) }, cocoon.Conflict},
		"finish unasked":             {func() (chain.Message, error) { return w.FinishChannel(ctx, a, me) }, cocoon.Conflict},
		"close below what is paid":   {w.closing(a, w.promise(a, cocoon.TON(1), ledgerKey)), cocoon.Conflict},
		"close above what there is":  {w.closing(a, w.promise(a, cocoon.TON(9), ledgerKey)), cocoon.NoMoney},
		"close as a client signed":   {w.closing(a, w.promise(a, cocoon.TON(3), channelKey)), cocoon.Forbidden},
		"close as for another":       {w.closing(a, w.promise(closing, cocoon.TON(3), ledgerKey)), cocoon.Forbidden},
	} {
		_, err := c.try()
		require.Error(t, err, name)
		require.Equal(t, c.kind, cocoon.KindOf(err), "%s: %v", name, err)
	}
}
