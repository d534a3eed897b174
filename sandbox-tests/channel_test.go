package sandboxtests

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/voucher"
	"github.com/cocoon-network/cocoon/wrappers"
)

func voucherOver(c *channelStory, amount cocoon.Nano) voucher.Voucher {
	return voucher.Voucher{GlobalID: globalID, Channel: c.channel, Cumulative: amount}
}

func TestChannel_OpensForItsClientWithFiveYearsOfRent(t *testing.T) {
	t.Parallel()
	c := channelShell(t)
	open := wrappers.OpenChannel{QueryID: 1, Model: cocoon.NewModelID("Qwen/Qwen3-32B"), Tokens: 5_000_000}
	deny(c, errWrongSender, wallet("stranger"), open)
	held := c.balance(c.channel)
	postLeast(c, c.birth.Client, minus(t, c.fees().OpenChannel, held), open).requireOps(t, opOpenChannel)
	require.Equal(t, wrappers.Channel{Birth: c.birth, Key: c.birth.ClientKey}, c.state(), "it is said, not kept")
	post(c, c.birth.Client, ton(2), open).requireOK(t).requireOps(t, opOpenChannel)
	require.Equal(t, 1, c.free().Cmp(cocoon.NanoOf(1_990_000_000)), "what it brings is escrow")
	c.requireBooks()
}

func TestChannel_OldKeyCountsForOneCloseDelayMore(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	deny(c, errWrongSender, wallet("stranger"), c.rotateTo("next"))
	held := c.balance(c.channel)
	tr := postLeast(c, c.birth.Client, c.fees().Rotate, c.rotateTo("next"))
	tr.requireOps(t, opRotate, opExcesses)
	require.Equal(t, c.birth.Client, tr.steps[1].to, "the change is the client's")
	require.Equal(t, held, c.balance(c.channel))
	s := c.state()
	require.Equal(t, publicOf("next"), s.Key)
	require.Equal(t, publicOf("channel"), s.Previous)
	require.Equal(t, c.now+uint32(closeDelay/time.Second), s.PreviousUntil)
	c.advance(closeDelay - time.Second)
	require.True(t, c.state().Accepts(publicOf("channel"), c.now))
	post(c, wallet("relay"), c.fees().Settle, c.voucher(ton(1))).requireOK(t)
	post(c, wallet("relay"), c.fees().Settle, c.voucherBy("next", voucherOver(c, ton(2)))).requireOK(t)
	deny(c, errTooEarly, c.birth.Client, c.rotateTo("third")) // or the first key's vouchers were lost
	c.advance(time.Second)
	require.False(t, c.state().Accepts(publicOf("channel"), c.now))
	deny(c, errWrongSignature, wallet("relay"), c.voucher(ton(3)))
	post(c, wallet("relay"), c.fees().Settle, c.voucherBy("next", voucherOver(c, ton(3)))).requireOK(t)
	post(c, c.birth.Client, c.fees().Rotate, c.rotateTo("third")).requireOK(t)
	c.requireBooks()
}

func TestChannel_KeyThatNobodyHoldsDoesNotEnter(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	m := c.rotateTo("next")
	m.Key = publicOf("other")
	deny(c, errWrongKey, c.birth.Client, m)
	for _, weak := range [][32]byte{{}, {1}} {
		deny(c, errWrongKey, c.birth.Client, wrappers.Rotate{QueryID: 1, Key: weak, Possession: &wrappers.Signature{Bytes: [64]byte{1}}})
	}
	elsewhere, err := wrappers.NewRotate(keyOf("next"), globalID, wallet("other"), 1)
	require.NoError(t, err)
	deny(c, errWrongKey, c.birth.Client, elsewhere)
	c.requireBooks()
}

func TestChannel_StrangersCanOnlyGive(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	deny(c, errUnknownOp, wallet("stranger"), wrappers.Excesses{QueryID: 1})
	before := c.balance(c.channel)
	for _, dust := range []uint64{0, 1, 1000, 100_000, 400_000} {
		post(c, wallet("stranger"), cocoon.NanoOf(dust), c.voucher(ton(1)))
		post(c, wallet("stranger"), cocoon.NanoOf(dust), finishTo("stranger"))
		c.send(wallet("stranger"), chain.Message{To: c.channel, Amount: cocoon.NanoOf(dust)})
		require.NotEqual(t, -1, c.balance(c.channel).Cmp(before), "%d nanoTON made it poorer", dust)
	}
	require.True(t, c.state().Settled.IsZero())
	c.requireBooks()
}

func TestChannel_GetMethodSaysWhatTheStateSays(t *testing.T) {
	t.Parallel()
	c := closing(t)
	post(c, c.birth.Client, c.fees().Rotate, c.rotateTo("next")).requireOK(t)
	post(c, wallet("relay"), c.fees().Settle, c.voucher(ton(1))).requireOK(t)
	v, err := c.Get(context.Background(), c.channel, "get_channel")
	require.NoError(t, err)
	require.Len(t, v, 8)
	n := func(i int) *big.Int { return v[i].(*big.Int) }
	b := cell.BeginCell().MustStoreBoolBit(n(0).Sign() != 0).MustStoreBigCoins(n(1))
	for i, bits := range []uint{256, 256, 256, 32, 32} {
		b.MustStoreBigInt(n(2+i), bits)
	}
	got, err := wrappers.DecodeChannel(b.MustStoreRef(v[7].(*cell.Cell)).EndCell())
	require.NoError(t, err)
	require.Equal(t, c.state(), got)
}

func TestChannel_BouncesOfEitherKindChangeNothing(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	for _, b := range []*cell.Cell{cell.BeginCell().EndCell(), cell.BeginCell().MustStoreUInt(0xffffffff, 32).EndCell(),
		cell.BeginCell().MustStoreUInt(0xfffffffe, 32).EndCell(), cell.BeginCell().MustStoreUInt(opCloseNow, 32).EndCell()} {
		in := chain.Message{To: c.channel, Amount: ton(1), Body: b}.Internal()
		in.SrcAddr, in.CreatedLT, in.CreatedAt, in.Bounced = chain.Address(c.birth.Client), c.lt, c.now, true
		m, err := tlb.ToCell(in)
		require.NoError(t, err)
		before := c.data(c.channel).Hash()
		c.run(m).requireBouncedQuietly(t)
		require.Equal(t, before, c.data(c.channel).Hash())
	}
	c.requireBooks()
}
