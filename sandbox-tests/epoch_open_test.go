package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestEpoch_OnlyRewardsOpensItAndOnce(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, leavesOf(40))
	m := s.openMessage()
	// a stranger may deploy the shell, with any message, and nothing comes of it
	shell := chain.Message{To: s.epoch, Amount: ton(1), Init: m.Init}
	s.send(wallet("stranger"), shell).requireOK(t)
	for _, b := range []*cell.Cell{body(t, wrappers.Pass{}), body(t, wrappers.Finish{}), body(t, wrappers.Fail{}), body(t, s.payout(0, 1)), body(t, s.claim(0)), body(t, s.page(0, 1))} {
		s.requireRefused(t, errWrongPhase, s.epoch, func() trace {
			return s.send(wallet("stranger"), chain.Message{To: s.epoch, Amount: ton(1), Bounce: true, Body: b})
		})
	}
	m.Init = nil
	s.requireRefused(t, errWrongSender, s.epoch, func() trace { return s.send(wallet("stranger"), m) })
	s.requireRefused(t, errTrailing, s.epoch, func() trace {
		long := m
		long.Body = longer(m.Body)
		return s.send(s.rewards, long)
	})
	short := m
	short.Amount = s.needed() // nothing for rent
	s.requireRefused(t, errNotEnoughValue, s.epoch, func() trace { return s.send(s.rewards, short) })
	held := s.balance(s.epoch)
	tr := s.send(s.rewards, m).requireOK(t)
	tr.requireOps(t, opOpen, opExcesses)
	require.Equal(t, 1, s.balance(s.epoch).Cmp(plus(t, held, s.needed())), "with rent, and a stranger's money is not handed out")
	require.Equal(t, wallet("operator"), tr.steps[1].to)
	s.requireRefused(t, errWrongPhase, s.epoch, func() trace { return s.send(s.rewards, m) })
	s.requireBooks()
}

func TestEpoch_OpenTakesLeastWhatItOwesAndItsRent(t *testing.T) {
	t.Parallel()
	open := func(value cocoon.Nano) trace {
		s := newEpochStory(t, leavesOf(2_001))
		m := s.openMessage()
		m.Amount = value
		return s.send(s.rewards, m)
	}
	s := newEpochStory(t, leavesOf(2_001))
	low, high := s.needed(), plus(t, s.needed(), ton(1))
	for low.Cmp(less1(t, high)) < 0 { // low is refused, high is taken
		mid, err := plus(t, low, high).MulDiv(1, 2)
		require.NoError(t, err)
		if open(mid).steps[0].exit == errNotEnoughValue {
			low = mid
		} else {
			high = mid
		}
	}
	open(low).requireExit(t, errNotEnoughValue)
	open(high).requireOK(t)
}

func TestEpoch_PublishesInOrderUntilTheSumIsRight(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, leavesOf(600))
	s.open()
	publish := func(from, count int) func(cocoon.Nano) trace {
		return func(value cocoon.Nano) trace { return tell(s, value, s.page(from, count)) }
	}
	full := s.fees(wrappers.MaxPublishPage).Publish
	s.requireRefused(t, errWrongPage, s.epoch, func() trace { return publish(1, 10)(full) })
	empty := s.page(0, 1)
	empty.Count = 0
	s.requireRefused(t, errWrongPage, s.epoch, func() trace { return tell(s, full, empty) })
	tooMany := s.page(0, 500)
	tooMany.Count = 501
	s.requireRefused(t, errTooMany, s.epoch, func() trace { return tell(s, ton(1), tooMany) })
	s.requireLeast(t, s.epoch, full, publish(0, wrappers.MaxPublishPage))
	s.requireRefused(t, errWrongPage, s.epoch, func() trace { return publish(0, wrappers.MaxPublishPage)(full) })
	beyond := s.page(500, 100)
	beyond.Count = 101
	s.requireRefused(t, errWrongPage, s.epoch, func() trace { return tell(s, full, beyond) })
	s.requireRefused(t, errTrailing, s.epoch, func() trace {
		return s.send(wallet("stranger"), chain.Message{To: s.epoch, Amount: full, Bounce: true, Body: longer(body(t, s.page(500, 100)))})
	})
	s.advance(time.Duration(epochTerms.Publish-1) * time.Second)
	tr := s.requireLeast(t, s.epoch, s.fees(100).Publish, publish(500, 100))
	require.Equal(t, wallet("change"), tr.steps[1].to)
	e := s.state()
	require.Equal(t, wrappers.EpochWindow, e.Phase)
	require.Equal(t, s.now+epochTerms.Window, e.Until)
	require.Equal(t, s.tree.Total(), e.Sum)
	s.requireBooks()
}

func TestEpoch_PublishEndsWhenFailBegins(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, leavesOf(40))
	s.open()
	fail := func() trace { return tell(s, s.fees(0).Fail, wrappers.Fail{}) }
	s.requireRefused(t, errTooEarly, s.epoch, fail)
	s.advance(time.Duration(epochTerms.Publish) * time.Second)
	s.requireRefused(t, errTooLate, s.epoch, func() trace { return tell(s, ton(1), s.page(0, 40)) })
	require.Equal(t, int32(0), fail().steps[0].exit)
}

// failed brings the price of rewards' gas and of the two messages that a penalty
// sends, and nobody is asked for more.
func TestEpoch_FailAsksForWhatRewardsNeedsAndNoMore(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, leavesOf(1))
	s.open()
	forward := s.price(getForwardFee, 0, 0, 0)
	taking := plus(t, s.gasFee(constantOf(t, "gas::failed")), plus(t, forward, forward))
	report := plus(t, taking, s.price(getForwardFee, int(constantOf(t, "cells::failed")), int(constantOf(t, "bits::failed")), 0))
	require.Equal(t, plus(t, report, plus(t, s.gasFee(constantOf(t, "gas::fail")), forward)), s.fees(0).Fail)
	require.Equal(t, plus(t, report, s.gasFee(constantOf(t, "gas::prove"))), s.fees(0).Prove)
}

func TestEpoch_FailKeepsTheMoneyWhereRewardsDoesNotTakeIt(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, leavesOf(40))
	s.open()
	s.advance(time.Duration(epochTerms.Publish) * time.Second)
	fee := s.fees(0).Fail
	for range 3 { // the wallet in place of rewards has no code, so failed comes back
		s.requireRefused(t, errNotEnoughValue, s.epoch, func() trace { return tell(s, less1(t, fee), wrappers.Fail{}) })
		tr := tell(s, fee, wrappers.Fail{QueryID: 9, Response: wallet("change")})
		tr.requireOps(t, opFail, opFailed, opExcesses, 0xffffffff)
		require.True(t, tr.steps[3].bounced)
		require.Zero(t, tr.steps[3].exit)
		require.Equal(t, wrappers.EpochFailed, s.state().Phase)
		require.Equal(t, 1, s.balance(s.epoch).Cmp(s.needed()))
	}
	for _, b := range []*cell.Cell{body(t, wrappers.Pass{}), body(t, s.payout(0, 1)), body(t, s.claim(0)), body(t, s.page(0, 1))} {
		s.requireRefused(t, errWrongPhase, s.epoch, func() trace {
			return s.send(wallet("stranger"), chain.Message{To: s.epoch, Amount: ton(1), Bounce: true, Body: b})
		})
	}
	s.requireBooks()
}

func TestEpoch_PassesAfterItsWindowAndSaysSoAgain(t *testing.T) {
	t.Parallel()
	s := newEpochStory(t, leavesOf(40))
	s.open()
	pass := func(value cocoon.Nano) trace {
		return tell(s, value, wrappers.Pass{QueryID: 5, Response: wallet("change")})
	}
	fee := s.fees(0).Pass
	s.requireRefused(t, errWrongPhase, s.epoch, func() trace { return pass(fee) })
	s.publish()
	s.requireRefused(t, errWrongPhase, s.epoch, func() trace { return tell(s, ton(1), s.payout(0, 1)) })
	s.requireRefused(t, errWrongPhase, s.epoch, func() trace { return tell(s, ton(1), s.claim(0)) })
	s.requireRefused(t, errWrongPhase, s.epoch, func() trace { return tell(s, ton(1), wrappers.Finish{}) })
	s.requireRefused(t, errWrongPhase, s.epoch, func() trace { return tell(s, ton(1), wrappers.Fail{}) })
	s.advance(time.Duration(epochTerms.Window-1) * time.Second)
	s.requireRefused(t, errTooEarly, s.epoch, func() trace { return pass(fee) })
	s.advance(time.Minute)
	s.requireLeast(t, s.epoch, fee, pass).requireOps(t, opPass, opPassed)
	until := s.state().Until
	require.Equal(t, s.now+epochTerms.Expiry, until)
	s.advance(time.Hour)
	tr := pass(fee).requireOK(t)
	tr.requireOps(t, opPass, opPassed)
	require.Equal(t, body(t, wrappers.Passed{QueryID: 5, Number: 7, Attempt: 2, Response: wallet("change")}).Hash(), tr.steps[1].body.Hash())
	require.Equal(t, until, s.state().Until, "saying it again does not prolong it")
	s.push()
	tell(s, s.fees(0).Finish, wrappers.Finish{}).requireOK(t)
	pass(fee).requireOK(t).requireOps(t, opPass, opPassed)
	s.requireBooks()
}

func TestEpoch_KnowsNoOtherOperation(t *testing.T) {
	t.Parallel()
	s := paying(t, 3)
	s.requireRefused(t, errUnknownOp, s.epoch, func() trace {
		return s.send(wallet("stranger"), chain.Message{To: s.epoch, Amount: ton(1), Bounce: true, Body: body(t, wrappers.Bond{})})
	})
	s.send(wallet("stranger"), chain.Message{To: s.epoch, Amount: ton(1), Bounce: true}).requireOK(t)
	s.requireBooks()
}
