package indexer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/protocol/voucher"
	"github.com/cocoon-network/cocoon/wrappers"
)

const closeDelay = 5 // seconds

// channelBirth is a new channel of ours to that rewards contract.
func (w *world) channelBirth(rewards cocoon.Account) wrappers.ChannelBirth {
	w.salt++
	return wrappers.ChannelBirth{Client: w.me, ClientKey: wrappers.PublicKey(testKey("channel")), Rewards: rewards,
		DispatcherKey: wrappers.PublicKey(testKey("ledger")), CloseDelay: closeDelay, Salt: w.salt}
}

func (w *world) openChannel(b wrappers.ChannelBirth) cocoon.Account {
	w.t.Helper()
	a := must(b.Account())
	w.send(a, cocoon.TON(5), must(b.Init()), body(wrappers.OpenChannel{QueryID: 1, Model: cocoon.NewModelID(model), Tokens: 1 << 60}))
	return a
}

// redeem settles a voucher over tons, signed by the key of that name.
func (w *world) redeem(channel cocoon.Account, tons uint64, name string) {
	w.t.Helper()
	v := must(voucher.Voucher{GlobalID: globalID, Channel: channel, Cumulative: cocoon.TON(tons)}.Sign(testKey(name)))
	w.send(channel, cocoon.TON(1), nil, body(wrappers.NewSettle(v, 2, w.me)))
}

// playChannels ends one channel by its client alone and one by agreement; the
// third stays open under another key, and pays as far as it holds.
func (w *world) playChannels(rewards cocoon.Account) map[string]cocoon.Account {
	channels := map[string]cocoon.Account{}
	for _, name := range []string{"left", "agreed", "open"} {
		b := w.channelBirth(rewards)
		if name == "open" {
			b.CloseDelay = 2 * wrappers.MaxCloseDelay // which the contract does not keep
		}
		channels[name] = w.openChannel(b)
	}
	left, agreed, open := channels["left"], channels["agreed"], channels["open"]
	w.redeem(left, 3, "channel")
	w.redeem(left, 2, "channel")  // replayed, takes nothing
	w.redeem(left, 4, "stranger") // who signs for nobody
	w.send(left, cocoon.TON(1), nil, body(wrappers.RequestClose{}))
	w.redeem(agreed, 1, "channel")
	promise := wrappers.ClosePromise{GlobalID: globalID, Contract: agreed, Final: wrappers.Coins{Nano: cocoon.TON(2)}}
	w.send(agreed, cocoon.TON(1), nil, body(must(promise.Sign(testKey("ledger"), 3))))
	w.send(open, cocoon.TON(1), nil, body(must(wrappers.NewRotate(testKey("next"), globalID, open, 4))))
	w.redeem(open, 8, "channel") // holds less
	w.send(open, cocoon.TON(2), nil, nil)
	w.redeem(open, 8, "next") // still less
	w.advance(closeDelay)
	for range 2 { // the second sweeps what came in between
		w.send(left, cocoon.TON(1), nil, body(wrappers.Finish{Response: w.me}))
		w.send(left, cocoon.TON(1), nil, nil)
	}
	w.settle()
	return channels
}

func TestChannels_AreToldAsTheirEventsLeftThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	s := w.play()
	w.follow(x)
	told := map[string]market.Channel{}
	for name, a := range s.channels {
		c, err := x.Channel(t.Context(), a)
		require.NoError(t, err)
		require.Equal(t, []any{a, w.me, s.rewards}, []any{c.Account, c.Client, c.Rewards}, name)
		require.Equal(t, cocoon.NewModelID(model), c.Demand.Model, name)
		require.Equal(t, uint64(1<<60), c.Demand.Tokens, name)
		require.Equal(t, c.OpenedAt, c.Demand.At, name)
		told[name] = c
	}
	left, agreed, open := told["left"], told["agreed"], told["open"]
	require.Equal(t, cocoon.TON(3), left.Settled)
	require.True(t, left.Closed)
	require.Positive(t, left.ClosesAt)
	require.Equal(t, 1, left.ToClient.Cmp(cocoon.NanoOf(2_900_000_000)), "what no voucher took, and what was swept")
	require.False(t, left.Balance.IsZero(), "came after all")

	require.Equal(t, []any{true, uint32(0), cocoon.TON(2), cocoon.Nano{}}, []any{agreed.Closed, agreed.ClosesAt, agreed.Settled, agreed.Balance})

	require.False(t, open.Closed)
	require.Equal(t, -1, open.Settled.Cmp(cocoon.TON(8)), "the voucher is not paid in full")
	require.Equal(t, 1, open.Settled.Cmp(cocoon.TON(6)))
	hexOf := func(name string) string { return key(wrappers.PublicKey(testKey(name))).text() }
	require.Equal(t, []string{hexOf("next"), hexOf("channel"), hexOf("ledger")}, []string{open.Key, open.Previous, open.DispatcherKey})
	require.EqualValues(t, wrappers.MaxCloseDelay, open.CloseDelay)
	require.Greater(t, open.PreviousUntil, open.OpenedAt+wrappers.MaxCloseDelay-1)

	for want, f := range map[int]ChannelFilter{3: {Client: &w.me, Rewards: &s.rewards}, 1: {Open: true}, 0: {Client: &payee}} {
		list, err := x.Channels(t.Context(), f)
		require.NoError(t, err)
		require.Len(t, list, want)
	}
	_, err := x.Channel(t.Context(), s.rewards)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
}

// Anyone may deploy the channel's code: with a key that never was the client's,
// as if it had paid before, or to be paid by somebody else.
func TestIndexer_BelievesNoChannelOfAnImpostor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rewards := must(w.rewards.Account())
	early := w.channelBirth(rewards)
	w.openChannel(early) // nobody knows yet whose it is
	w.settle()
	w.send(rewards, cocoon.TON(5), must(w.rewards.Init()), body(wrappers.RefreshTerms{Hash: must(w.terms.Hash())}))
	w.settle()
	b := w.channelBirth(rewards)
	terms := body(wrappers.ChannelTerms{Client: b.Client, ClientKey: b.ClientKey, DispatcherKey: b.DispatcherKey, CloseDelay: b.CloseDelay, Salt: b.Salt})
	data := func(closed bool, settled uint64, key [32]byte) *cell.Cell {
		return cell.BeginCell().MustStoreBoolBit(closed).MustStoreBigCoins(cocoon.TON(settled).Big()).MustStoreSlice(rewards[:], 256).
			MustStoreSlice(key[:], 256).MustStoreUInt(0, 256).MustStoreUInt(0, 64).MustStoreRef(terms).EndCell()
	}
	code := must(b.Init()).Code
	stranger := must(w.channelBirth(treasury).Init())
	provider := must(w.channelBirth(w.stakeProvider()).Init())
	for _, init := range []*tlb.StateInit{stranger, provider, {Code: code, Data: data(false, 3, b.ClientKey)}, {Code: code, Data: data(true, 0, b.ClientKey)},
		{Code: code, Data: data(false, 0, wrappers.PublicKey(testKey("thief")))}, {Code: code, Data: terms}} {
		w.send(must(chain.BornAccount(init)), cocoon.TON(1), init, nil)
	}
	require.Equal(t, must(b.Init()).Data.Hash(), data(false, 0, b.ClientKey).Hash(), "but for the lies it is the channel")
	channel := w.openChannel(b)
	w.settle()
	x := w.open(newPath(t))
	w.follow(x)
	list, err := x.Channels(t.Context(), ChannelFilter{})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, channel, list[0].Account)
	contracts, err := x.Contracts(t.Context())
	require.NoError(t, err)
	require.Len(t, contracts, 4, "registry, rewards, provider and channel")
	found, err := x.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestAudit_TellsHowAChannelDiffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	rewards := must(w.rewards.Account())
	w.send(rewards, cocoon.TON(5), must(w.rewards.Init()), body(wrappers.RefreshTerms{Hash: must(w.terms.Hash())}))
	w.settle()
	channel := w.openChannel(w.channelBirth(rewards))
	w.redeem(channel, 1, "channel")
	w.settle()
	w.follow(x)
	for _, field := range []string{"settled", "closed", "key", "previous", "previous_until", "closes_at", "close_delay", "dispatcher_key", "rewards", "client"} {
		lie(t, x, "channels", field, "lie")
		found, err := x.Audit(t.Context())
		require.NoError(t, err)
		require.Len(t, found, 1, field)
		require.Equal(t, Difference{channel, "channel", field, `"lie"`, found[0].Proven}, found[0])
		require.NoError(t, x.Rebuild(t.Context()))
	}
	found, err := x.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
}

// What a channel takes and the program cannot read leaves the table as it was.
func TestProject_OutlastsAChannelItCannotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	rewards := must(w.rewards.Account())
	w.send(rewards, cocoon.TON(5), must(w.rewards.Init()), body(wrappers.RefreshTerms{Hash: must(w.terms.Hash())}))
	w.settle()
	channel := w.openChannel(w.channelBirth(rewards))
	w.settle()
	w.follow(x)
	before := dump(t, x, "channels")
	o := occurrence{Event: market.Event{Seq: x.Head().Events + 1, Contract: "channel", Account: channel, OK: true}, body: cell.BeginCell().EndCell()}
	for _, o.Name = range []string{"open_channel", "settle", "rotate", "close_now", "later"} {
		require.ErrorIs(t, x.store.write.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error { return must(foreseen(ctx, tx, o)).project(ctx, &o) }), errUnread, o.Name)
	}
	require.Equal(t, before, dump(t, x, "channels"))
}
