package dispatcher_test

import (
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/dispatcher/gateway"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

// settled waits until the channel has paid n in all.
func (p *payer) settled(n cocoon.Nano) market.Channel {
	p.w.t.Helper()
	return p.w.channel(p.account, func(c market.Channel) bool { return c.Settled == n })
}

// settles are the settle messages that channels got.
func (w *town) settles() (all []market.Event) {
	for _, e := range w.events() {
		if e.Contract == "channel" && e.Name == "settle" {
			all = append(all, e)
		}
	}
	return all
}

func TestSettle_WhatIsPaidOnceItIsWorthItAndOld(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	one, two, small := w.opens(1, cocoon.TON(5)), w.opens(2, cocoon.TON(5)), w.opens(3, cocoon.TON(5))
	m := &machine{p: w.provider(10, price)}
	for _, p := range []*payer{one, two, small} {
		p.deposited()
	}
	one.uses(m, 1500, cocoon.TON(3), true)
	two.uses(m, 2000, cocoon.TON(3), true)
	small.uses(m, 15, cocoon.TON(3), true)
	w.advance(3000)
	require.Empty(t, w.settles())
	w.advance(601)
	one.settled(cocoon.NanoOf(1_500_000_000))
	two.settled(cocoon.TON(2))
	w.advance(3601)
	require.Zero(t, w.channel(small.account, func(market.Channel) bool { return true }).Settled, "not worth it, and not covered: it paid all it agreed to")
	for _, e := range w.settles() {
		require.True(t, e.OK)
	}
	require.Len(t, w.settles(), 2, "each once")
}

func TestSettle_CoverOfASilentClientPaysWhatItNeverAnswered(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	p, m := w.opens(1, cocoon.TON(5)), &machine{p: w.provider(10, price)}
	p.deposited()
	p.uses(m, 1000, cocoon.TON(3), true)
	p.uses(m, 800, cocoon.TON(3), false)
	w.advance(3601)
	p.settled(cocoon.TON(3))
	s := p.hello(func(s ledger.State) bool { return s.Settled == cocoon.TON(3) })
	require.Empty(t, s.Receipts, "it is taken as agreed")
	require.Equal(t, cocoon.NanoOf(1_800_000_000), s.Agreed)
}

// dials connects as the channel's daemon does, and says nothing.
func (p *payer) dials() *nats.Conn {
	p.w.t.Helper()
	user, err := bus.UserKey(bus.ID(wrappers.PublicKey(p.key)))
	require.NoError(p.w.t, err)
	c, err := nats.Connect(p.w.dispatcher.WorkersURL(), nats.NoReconnect(), nats.Nkey(user, func(nonce []byte) ([]byte, error) { return bus.SignNonce(p.key, nonce) }))
	require.NoError(p.w.t, err)
	p.w.t.Cleanup(c.Close)
	return c
}

func TestSettle_CoverOfAClientThatIsConnectedIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	idle, gone, m := w.opens(1, cocoon.TON(5)), w.opens(2, cocoon.TON(5)), &machine{p: w.provider(10, price)}
	for _, p := range []*payer{idle, gone} {
		p.deposited()
		p.uses(m, 1000, cocoon.TON(3), true)
		p.uses(m, 800, cocoon.TON(3), false)
	}
	line := idle.dials()
	w.advance(3601)
	gone.settled(cocoon.TON(3))
	idle.settled(cocoon.TON(1))
	line.Close()
	require.Eventually(t, func() bool { return w.dispatcher.Connected() == 0 }, wait, tick)
	w.advance(3601)
	idle.settled(cocoon.TON(3))
}

func TestSettle_ALeavingChannelInTime(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	p, m := w.opens(1, cocoon.TON(5)), &machine{p: w.provider(10, price)}
	p.deposited()
	p.uses(m, 30, cocoon.TON(3), true) // nothing that would be worth it
	request, err := w.desk.RequestClose(t.Context(), p.account)
	require.NoError(t, err)
	w.send(w.payer, request)
	c := p.settled(cocoon.NanoOf(30_000_000))
	require.Less(t, w.settles()[0].Time, c.ClosesAt-action.QuickRules().CloseDelay/2)
	err = w.dispatcher.Ledger().Admit(1, ledger.Request{Channel: p.account, Size: oneToken, Price: streamPrice}, nil)
	require.ErrorIs(t, err, ledger.ErrClosing)
}

func TestSettle_WhatTheBondDoesNotCoverTheDearestFirst(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	m := &machine{p: w.provider(10, price)}
	var payers []*payer
	for n := range byte(3) {
		payers = append(payers, w.opens(n, cocoon.TON(8)))
		payers[n].deposited()
	}
	for i, n := range []uint64{5200, 3000, 2000} { // of a bond of 20 TON, half of which may be unsettled
		payers[i].uses(m, n, cocoon.TON(7), true)
	}
	payers[0].settled(cocoon.NanoOf(5_200_000_000))
	require.Len(t, w.settles(), 1, "5 TON are a quarter of it")
}

// oneToken is the smallest request.
var oneToken = bound.Size{Prompt: 1, Choices: 1, MaxOut: 1}

func TestSettle_AMessageThatDidNotLeaveIsSentAgain(t *testing.T) {
	t.Parallel()
	var failed atomic.Int32
	w := newStreams(t, func(w *town) {
		w.deps.Sender = &deaf{w.keeper, func(m chain.Message) bool {
			return wrappers.OperationName(m.Body) == "settle" && failed.Add(1) <= 3
		}}
	})
	p, m := w.opens(1, cocoon.TON(5)), &machine{p: w.provider(10, price)}
	p.deposited()
	p.uses(m, 1500, cocoon.TON(3), true)
	w.advance(3601)
	p.settled(cocoon.NanoOf(1_500_000_000))
	require.EqualValues(t, 4, failed.Load())
}

func TestSettle_WhatIsOwedAndNotOpenStopsAdmissionUntilItIsSettled(t *testing.T) {
	t.Parallel()
	mute := make(chan struct{})
	w := newStreams(t, func(w *town) {
		w.deps.Sender = &deaf{w.keeper, func(m chain.Message) bool {
			select {
			case <-mute:
				return false
			default:
				return wrappers.OperationName(m.Body) == "settle"
			}
		}}
	})
	p, m := w.opens(1, cocoon.TON(50)), &machine{p: w.provider(10, price)}
	p.deposited()
	p.uses(m, 31_000, cocoon.TON(40), true) // of a pot of 10 TON and a bond of 20
	asks := func(id byte) error {
		return w.dispatcher.Ledger().Admit(1, ledger.Request{ID: ledger.ID{id}, Channel: p.account, Size: oneToken, Price: streamPrice}, nil)
	}
	require.ErrorIs(t, asks(1), ledger.ErrStopped)
	books := gateway.Books{Ledger: w.dispatcher.Ledger()}
	err := books.Admit(wrappers.PublicKey(p.key), gateway.Work{Route: stream.Route{Request: stream.RequestID{9}, MaxOut: 1, Choices: 1}, Pay: stream.Pay{Channel: p.account, Session: 1, Cover: *p.promises(cocoon.TON(40))}, Price: streamPrice})
	var told *stream.Fail
	require.ErrorAs(t, err, &told, "and its client hears why, and when to ask again")
	require.Equal(t, stream.Lagging, told.Code)
	require.Positive(t, told.Wait)
	require.Contains(t, told.Text, "more is owed than may be promised")
	close(mute)
	p.settled(cocoon.TON(31))
	require.Eventually(t, func() bool { return asks(2) == nil }, wait, tick)
}

// What is wrong with one answer of a message is not the others' fault.
func TestBooks_SettleWhatTheyCanOfAMessage(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	p, m := w.opens(1, cocoon.TON(5)), &machine{p: w.provider(10, price)}
	p.deposited()
	var agreed []stream.Agreed
	for range 2 {
		cost := p.uses(m, 10, cocoon.TON(1), false)
		agreed = append(agreed, stream.Agreed{Cost: cost})
	}
	s := p.hello(func(s ledger.State) bool { return len(s.Receipts) == 2 })
	for i, r := range s.Receipts {
		agreed[i].Request = stream.RequestID(r.ID)
	}
	agreed[0].Cost = cocoon.NanoOf(1) // it counted nothing, and pays that
	unknown := stream.Agreed{Request: stream.RequestID{0xee}, Cost: cocoon.TON(1)}
	paid := p.promises(agreed[1].Cost)
	books := gateway.Books{Ledger: w.dispatcher.Ledger()}
	_, err := books.Settle(t.Context(), wrappers.PublicKey(p.key), 1, stream.Settle{Agreed: append([]stream.Agreed{unknown}, agreed...), Paid: *paid})
	var told *stream.Fail
	require.ErrorAs(t, err, &told)
	require.Equal(t, stream.Overdue, told.Code, "there is no such request")
	state, err := books.Settle(t.Context(), wrappers.PublicKey(p.key), 1, stream.Settle{Agreed: agreed, Paid: *paid})
	require.NoError(t, err, "again it changes nothing")
	require.Equal(t, agreed[1].Cost, state.Used)
	require.Equal(t, agreed[1].Cost, state.Paid)
	require.Zero(t, state.Open)
}

func TestPromiseClose_ClosesAtOnceOverAllThatWasAgreed(t *testing.T) {
	t.Parallel()
	w := newStreams(t)
	p, m := w.opens(1, cocoon.TON(5)), &machine{p: w.provider(10, price)}
	p.deposited()
	p.uses(m, 700, cocoon.TON(3), true)
	paid := p.promises(cocoon.NanoOf(700_000_000))
	_, err := w.dispatcher.PromiseClose(t.Context(), p.account, 7, paid)
	require.ErrorIs(t, err, ledger.ErrFenced)
	promise, err := w.dispatcher.PromiseClose(t.Context(), p.account, 1, paid)
	require.NoError(t, err)
	require.Equal(t, cocoon.NanoOf(700_000_000), promise.Final)
	w.stop() // as if it had died before anybody was told
	w.start()
	again, err := w.dispatcher.PromiseClose(t.Context(), p.account, 1, paid)
	require.NoError(t, err)
	require.Equal(t, promise, again)
	err = w.dispatcher.Ledger().Admit(1, ledger.Request{Channel: p.account, Size: oneToken, Price: streamPrice}, nil)
	require.ErrorIs(t, err, ledger.ErrClosing)
	m2, err := w.desk.CloseNow(t.Context(), p.account, wrappers.CloseNow{Signature: promise.Signature, Final: wrappers.Coins{Nano: promise.Final}})
	require.NoError(t, err)
	w.send(w.payer, m2)
	require.True(t, p.settled(promise.Final).Closed)
	require.Eventually(t, func() bool { return len(w.dispatcher.Figures().Channels) == 0 }, wait, tick)
	w.stop()
	w.start()
	err = w.dispatcher.Ledger().Admit(1, ledger.Request{Channel: p.account, Size: oneToken, Price: streamPrice}, nil)
	require.ErrorIs(t, err, ledger.ErrUnknown, "it was let go, for good")
}
