package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// settleCeiling bounds the gas of the most frequent operation of all.
const settleCeiling = 5000

func TestChannelGas_Settle(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	fee := c.fees().Settle
	plain := post(c, wallet("relay"), fee, c.voucher(ton(1))).requireOK(t).steps[0].gas
	requireGas(t, "channel/settle", plain)
	require.LessOrEqual(t, plain, int64(settleCeiling))
	change := post(c, wallet("relay"), ton(1), c.voucher(ton(2))).requireOK(t).steps[0].gas
	requireGas(t, "channel/settle, change", change)
	requireGasConstant(t, "change", change-plain)
	post(c, c.birth.Client, ton(1), c.rotateTo("next")).requireOK(t)
	requireGas(t, "channel/settle by the previous key", post(c, wallet("relay"), fee, c.voucher(ton(3))).requireOK(t).steps[0].gas)
	tooLittle := plus(t, fee, cocoon.NanoOf(1)) // to be given back
	measure(t, "channel/settle by the previous key, a nanoTON too much", "settle", post(c, wallet("relay"), tooLittle, c.voucher(ton(4))).requireOK(t).steps[0])
}

func TestChannelGas_SettlementAtRewards(t *testing.T) {
	t.Parallel()
	r := newRewards(t)
	c := channelOf(r)
	measure(t, "rewards/settlement", "settlement", post(c, wallet("relay"), ton(1), c.voucher(ton(1))).requireOK(t).step(t, opSettlement))
}

func TestChannelGas_TheClientsOperations(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	requireGas(t, "channel/top-up", c.send(wallet("stranger"), topUpOf(c)).requireOK(t).steps[0].gas)
	measure(t, "channel/open_channel", "open_channel", post(c, c.birth.Client, ton(1), wrappers.OpenChannel{QueryID: 1}).requireOK(t).steps[0])
	measure(t, "channel/rotate", "rotate", post(c, c.birth.Client, ton(1), c.rotateTo("next")).requireOK(t).steps[0])
	measure(t, "channel/request_close", "request_close", post(c, c.birth.Client, ton(1), wrappers.RequestClose{QueryID: 1}).requireOK(t).steps[0])
	c.advance(closeDelay)
	finish := wrappers.Finish{QueryID: 1, Response: wallet("crank")}
	measure(t, "channel/finish", "finish_channel", post(c, wallet("stranger"), ton(1), finish).requireOK(t).steps[0])
	requireGas(t, "channel/finish, nothing there", post(c, wallet("stranger"), ton(1), finish).requireOK(t).steps[0].gas)
}

func TestChannelGas_CloseNow(t *testing.T) {
	t.Parallel()
	c := fundedChannel(t)
	measure(t, "channel/close_now", "close_now", post(c, c.birth.Client, ton(1), c.promise(ton(3))).requireOK(t).steps[0])
}

func TestChannelGas_ReserveCoversTheLargestState(t *testing.T) {
	t.Parallel()
	most, err := cocoon.ParseNano("1329227995784915872903807060280344575") // 2^120 - 1, which takes the most bits
	require.NoError(t, err)
	c := fundedChannel(t)
	b := c.birth
	c.place(c.channel, body(t, struct {
		Closed        bool                   `tlb:"bool"`
		Settled       wrappers.Coins         `tlb:"."`
		Rewards       cocoon.Account         `tlb:"bits 256"`
		Key           [32]byte               `tlb:"bits 256"`
		Previous      [32]byte               `tlb:"bits 256"`
		PreviousUntil uint32                 `tlb:"## 32"`
		ClosesAt      uint32                 `tlb:"## 32"`
		Terms         *wrappers.ChannelTerms `tlb:"^"`
	}{false, coins(most), b.Rewards, publicOf("next"), b.ClientKey, c.now, c.now, &wrappers.ChannelTerms{Client: b.Client, ClientKey: b.ClientKey,
		DispatcherKey: b.DispatcherKey, CloseDelay: b.CloseDelay, Salt: b.Salt}}))
	require.Equal(t, most, c.state().Settled)
	post(c, wallet("stranger"), ton(1), wrappers.Excesses{QueryID: 1}).requireExit(t, errUnknownOp) // counts the cells
	used := c.account(c.channel).State().StorageInfo.StorageUsed
	requireConstant(t, "cells::channel", used.CellsUsed.Int64())
	requireConstant(t, "bits::channel", used.BitsUsed.Int64())
}
