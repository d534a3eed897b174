package sandboxtests

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/voucher"
	"github.com/cocoon-network/cocoon/wrappers"
)

const closeDelay = 24 * time.Hour

// channelStory is a channel whose rewards contract is a wallet, unless the test deploys one.
type channelStory struct {
	*world
	t       *testing.T
	birth   wrappers.ChannelBirth
	channel cocoon.Account
}

// channelShell is a channel that a stranger has deployed, changed by each of changes.
func channelShell(t *testing.T, changes ...func(*wrappers.ChannelBirth)) *channelStory {
	t.Helper()
	birth := wrappers.ChannelBirth{Client: wallet("client"), ClientKey: publicOf("channel"), Rewards: wallet("rewards"),
		DispatcherKey: publicOf("dispatcher"), CloseDelay: uint32(closeDelay / time.Second), Salt: 42}
	for _, change := range changes {
		change(&birth)
	}
	return channelIn(t, newWorld(t), birth)
}

func channelIn(t *testing.T, w *world, birth wrappers.ChannelBirth) *channelStory {
	t.Helper()
	c := &channelStory{world: w, t: t, birth: birth}
	var err error
	c.channel, err = birth.Account()
	require.NoError(t, err)
	init, err := birth.Init()
	require.NoError(t, err)
	c.send(wallet("stranger"), chain.Message{To: c.channel, Amount: cocoon.NanoOf(1_000_000), Init: init}).requireOK(t)
	return c
}

// fundedChannel holds 10 TON and a little.
func fundedChannel(t *testing.T, changes ...func(*wrappers.ChannelBirth)) *channelStory {
	t.Helper()
	c := channelShell(t, changes...)
	c.topUp(ton(10))
	return c
}

func (c *channelStory) topUp(amount cocoon.Nano) {
	c.t.Helper()
	c.send(wallet("stranger"), chain.Message{To: c.channel, Amount: amount, Bounce: true}).requireOK(c.t).requireOps(c.t, 0)
}

// post sends v to the channel.
func post[T any](c *channelStory, from cocoon.Account, value cocoon.Nano, v T) trace {
	c.t.Helper()
	return c.send(from, chain.Message{To: c.channel, Amount: value, Bounce: true, Body: body(c.t, v)})
}

// deny wants v to fail with code, to change nothing and to cost the channel no more than a day's rent, which is below any gas.
func deny[T any](c *channelStory, code int32, from cocoon.Account, v T) {
	c.t.Helper()
	before := c.balance(c.channel)
	c.requireRefused(c.t, code, c.channel, func() trace { return post(c, from, ton(20), v) })
	require.NotEqual(c.t, -1, plus(c.t, c.balance(c.channel), cocoon.NanoOf(10_000)).Cmp(before))
}

// postLeast wants fee to be the least value with which v succeeds, and v with a bit too many to fail.
func postLeast[T any](c *channelStory, from cocoon.Account, fee cocoon.Nano, v T) trace {
	c.t.Helper()
	c.requireRefused(c.t, errTrailing, c.channel, func() trace {
		return c.send(from, chain.Message{To: c.channel, Amount: ton(20), Bounce: true, Body: longer(body(c.t, v))})
	})
	return c.requireLeast(c.t, c.channel, fee, func(value cocoon.Nano) trace { return post(c, from, value, v) })
}

func (c *channelStory) fees() wrappers.ChannelFees {
	c.t.Helper()
	f, err := wrappers.GetChannelFees(context.Background(), c, c.channel)
	require.NoError(c.t, err)
	return f
}

func (c *channelStory) free() cocoon.Nano {
	c.t.Helper()
	free, err := wrappers.GetChannelFree(context.Background(), c, c.channel)
	require.NoError(c.t, err)
	return free
}

func (c *channelStory) state() wrappers.Channel {
	c.t.Helper()
	s, err := wrappers.DecodeChannel(c.data(c.channel))
	require.NoError(c.t, err)
	require.Equal(c.t, c.birth, s.Birth, "the birth never changes")
	return s
}

// voucher is what the channel key signs over amount.
func (c *channelStory) voucher(amount cocoon.Nano) wrappers.Settle {
	return c.voucherBy("channel", voucher.Voucher{GlobalID: globalID, Channel: c.channel, Cumulative: amount})
}

func (c *channelStory) voucherBy(name string, v voucher.Voucher) wrappers.Settle {
	c.t.Helper()
	signed, err := v.Sign(keyOf(name))
	require.NoError(c.t, err)
	return wrappers.NewSettle(signed, 3, wallet("change"))
}

func (c *channelStory) rotateTo(name string) wrappers.Rotate {
	c.t.Helper()
	m, err := wrappers.NewRotate(keyOf(name), globalID, c.channel, 4)
	require.NoError(c.t, err)
	return m
}

func (c *channelStory) promise(final cocoon.Nano) wrappers.CloseNow {
	return c.promiseBy("dispatcher", wrappers.ClosePromise{GlobalID: globalID, Contract: c.channel, Final: coins(final)})
}

func (c *channelStory) promiseBy(name string, p wrappers.ClosePromise) wrappers.CloseNow {
	c.t.Helper()
	m, err := p.Sign(keyOf(name), 5)
	require.NoError(c.t, err)
	return m
}

// settled is the amount that the one settlement of tr says it brings.
func (tr trace) settled(t *testing.T) cocoon.Nano {
	t.Helper()
	s, err := wrappers.Decode[wrappers.Settlement](tr.step(t, opSettlement).body)
	require.NoError(t, err)
	return s.Amount.Nano
}
