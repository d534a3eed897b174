package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// closing is a funded channel whose client has asked to close.
func closing(t *testing.T, changes ...func(*wrappers.ChannelBirth)) *channelStory {
	t.Helper()
	c := fundedChannel(t, changes...)
	post(c, c.birth.Client, c.fees().RequestClose, wrappers.RequestClose{QueryID: 1}).requireOK(t)
	return c
}

func finishTo(name string) wrappers.Finish {
	return wrappers.Finish{QueryID: 2, Response: wallet(name)}
}

func TestChannel_ClientLeavesAlone(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	deny(c, errWrongPhase, wallet("stranger"), finishTo("crank"))
	deny(c, errWrongSender, wallet("stranger"), wrappers.RequestClose{QueryID: 1})
	held := c.balance(c.channel)
	postLeast(c, c.birth.Client, c.fees().RequestClose, wrappers.RequestClose{QueryID: 1}).requireOps(t, opRequestClose, opExcesses)
	require.Equal(t, held, c.balance(c.channel), "the request costs the escrow nothing")
	require.Equal(t, c.now+uint32(closeDelay/time.Second), c.state().ClosesAt)
	deny(c, errWrongPhase, c.birth.Client, wrappers.RequestClose{QueryID: 1})
	c.advance(closeDelay - time.Second)
	deny(c, errTooEarly, wallet("stranger"), finishTo("crank"))
	c.advance(time.Second)
	tr := postLeast(c, wallet("stranger"), c.fees().Finish, finishTo("crank"))
	tr.requireOps(t, opFinish, opPayout, opExcesses)
	require.NotEqual(t, -1, tr.paidTo(t, c.birth.Client).Cmp(minus(t, held, cocoon.NanoOf(1_000_000))), "all but the rent of a day")
	require.True(t, c.balance(c.channel).IsZero())
	require.True(t, c.state().Closed)
	c.requireBooks()
}

func TestChannel_VouchersCountUntilSomebodyFinishes(t *testing.T) {
	t.Parallel()
	c := closing(t)
	post(c, wallet("relay"), c.fees().Settle, c.voucher(ton(1))).requireOK(t)
	c.advance(10 * closeDelay)
	require.Equal(t, ton(2), post(c, wallet("relay"), c.fees().Settle, c.voucher(ton(3))).requireOK(t).settled(t))
	post(c, wallet("crank"), c.fees().Finish, finishTo("crank")).requireOK(t)
	deny(c, errWrongPhase, wallet("relay"), c.voucher(ton(4)))
	c.requireBooks()
}

func TestChannel_ClosedIsForEver(t *testing.T) {
	t.Parallel()
	c := closing(t)
	post(c, wallet("relay"), c.fees().Settle, c.voucher(ton(3))).requireOK(t)
	c.advance(closeDelay)
	post(c, wallet("crank"), c.fees().Finish, finishTo("crank")).requireOK(t)
	init, err := c.birth.Init()
	require.NoError(t, err)
	c.send(wallet("thief"), chain.Message{To: c.channel, Amount: ton(5), Init: init, Bounce: true}).requireOK(t)
	require.Equal(t, ton(3), c.state().Settled, "nobody is born twice")
	require.True(t, c.free().IsZero())
	deny(c, errWrongPhase, wallet("relay"), c.voucher(ton(3)))
	deny(c, errWrongPhase, wallet("relay"), c.voucher(ton(4)))
	client := c.birth.Client
	deny(c, errWrongPhase, client, wrappers.OpenChannel{QueryID: 1})
	deny(c, errWrongPhase, client, c.rotateTo("next"))
	deny(c, errWrongPhase, client, wrappers.RequestClose{QueryID: 1})
	deny(c, errWrongPhase, client, c.promise(ton(4)))
	tr := post(c, wallet("crank"), c.fees().Finish, finishTo("crank")).requireOK(t)
	require.Equal(t, 1, tr.paidTo(t, client).Cmp(ton(4)), "what strayed here is the client's")
	c.requireBooks()
}

func TestChannel_CloseDelayIsClamped(t *testing.T) {
	t.Parallel()
	c := closing(t, func(b *wrappers.ChannelBirth) { b.CloseDelay = 1<<32 - 1 })
	require.Equal(t, c.now+wrappers.MaxCloseDelay, c.state().ClosesAt)
	post(c, c.birth.Client, c.fees().Rotate, c.rotateTo("next")).requireOK(t)
	require.Equal(t, c.now+wrappers.MaxCloseDelay, c.state().PreviousUntil)
	c.requireBooks()
}

func TestChannel_BothCloseItAtOnce(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	post(c, wallet("relay"), c.fees().Settle, c.voucher(ton(1))).requireOK(t)
	held := c.balance(c.channel)
	tr := postLeast(c, c.birth.Client, c.fees().CloseNow, c.promise(ton(4)))
	tr.requireOps(t, opCloseNow, opSettlement, opPayout)
	require.Equal(t, ton(3), tr.settled(t))
	require.NotEqual(t, -1, tr.paidTo(t, c.birth.Client).Cmp(minus(t, held, ton(3))))
	require.True(t, c.balance(c.channel).IsZero())
	s := c.state()
	require.True(t, s.Closed)
	require.Equal(t, ton(4), s.Settled)
	deny(c, errWrongPhase, c.birth.Client, c.promise(ton(4)))
	c.requireBooks()
}

func TestChannel_ClosesAtOnceForNothingMore(t *testing.T) {
	t.Parallel()
	c := closing(t)
	post(c, c.birth.Client, c.fees().CloseNow, c.promise(cocoon.Nano{})).requireOK(t).requireOps(t, opCloseNow, opPayout)
	require.True(t, c.state().Closed)
	c.requireBooks()
}

func TestChannel_CloseNowNeedsBothAndNeverUndoesASettlement(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	good := wrappers.ClosePromise{GlobalID: globalID, Contract: c.channel, Final: coins(ton(2))}
	network, elsewhere, less := good, good, c.promise(ton(2))
	network.GlobalID, elsewhere.Contract, less.Final = -3, wallet("other"), coins(ton(1))
	deny(c, errWrongSender, wallet("dispatcher"), c.promise(ton(2)))
	for name, m := range map[string]wrappers.CloseNow{
		"the client's key": c.promiseBy("channel", good),
		"another network":  c.promiseBy("dispatcher", network),
		"another channel":  c.promiseBy("dispatcher", elsewhere),
		"another amount":   less,
		"a voucher":        {QueryID: 1, Signature: c.voucherBy("dispatcher", voucherOver(c, ton(2))).Signature, Final: coins(ton(2))},
	} {
		t.Log(name)
		deny(c, errWrongSignature, c.birth.Client, m)
	}
	deny(c, errNotEnoughFree, c.birth.Client, c.promise(plus(t, c.free(), cocoon.NanoOf(1))))
	post(c, wallet("relay"), c.fees().Settle, c.voucher(ton(3))).requireOK(t)
	deny(c, errWrongAmount, c.birth.Client, c.promise(ton(2))) // held back while more was settled
	c.requireBooks()
}
