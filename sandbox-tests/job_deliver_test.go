package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestJob_TakesTheWorkersDeliveryFromAnyone(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	s.advance(time.Minute)
	d := s.delivery(ton(7))
	tr := least(s, wallet("stranger"), s.fees().Deliver, s.deliver(d))
	tr.requireOps(t, opDeliver)
	j := s.state()
	require.Equal(t, wrappers.JobDelivered, j.Phase)
	require.Equal(t, s.now+uint32(jobReview/time.Second), j.Until)
	require.Equal(t, &d, j.Result)
	require.Equal(t, cocoon.Usage{Prompt: 1, Cached: 2, Completion: 3, Reasoning: 4}, j.Result.Usage())
	refuse(s, errWrongPhase, wallet("stranger"), s.deliver(d)) // a replay
	s.requireSolvent()
}

func TestJob_DeliverGivesBackWhatIsAboveTheFee(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	tr := request(s, wallet("relay"), plus(t, ton(1), s.fees().Deliver), s.deliver(s.delivery(ton(1)))).requireOK(t)
	tr.requireOps(t, opDeliver, opExcesses)
	require.Equal(t, ton(1), tr.paidTo(t, wallet("change")))
	s.requireSolvent()
}

// wrongDeliveries are what an accepted job refuses, and how.
func (s *jobStory) wrongDeliveries() map[string]struct {
	code int32
	m    wrappers.Deliver
} {
	s.t.Helper()
	change := func(f func(*wrappers.Delivery)) wrappers.Deliver {
		d := s.delivery(ton(1))
		f(&d)
		return s.deliver(d)
	}
	raw := func(c *cell.Cell) wrappers.Deliver {
		signed, sig, err := wrappers.Sign(rawCell{c}, keyOf("worker"))
		require.NoError(s.t, err)
		return wrappers.Deliver{QueryID: 3, Response: wallet("change"), Signature: sig.Bytes, Delivery: signed}
	}
	over := plus(s.t, s.offer.Money.Budget.Nano, cocoon.NanoOf(1))
	another := body(s.t, wrappers.PassFor{GlobalID: globalID, Contract: s.job, Provider: s.provider})
	return map[string]struct {
		code int32
		m    wrappers.Deliver
	}{
		"another key":       {errWrongSignature, s.deliverSignedBy("other", s.delivery(ton(1)))},
		"another network":   {errWrongNetwork, change(func(d *wrappers.Delivery) { d.GlobalID = -3 })},
		"another job":       {errWrongContract, change(func(d *wrappers.Delivery) { d.Contract = wallet("other") })},
		"nothing":           {errWrongAmount, change(func(d *wrappers.Delivery) { d.Amount = coins(cocoon.Nano{}) })},
		"above the budget":  {errWrongAmount, change(func(d *wrappers.Delivery) { d.Amount = coins(over) })},
		"something else":    {errWrongSignature, raw(another)},
		"a bit too many":    {errTrailing, raw(longer(body(s.t, s.delivery(ton(1)))))},
		"cut short":         {errTrailing, raw(cell.BeginCell().MustStoreUInt(0x50922843, 32).EndCell())},
		"a library":         {errWrongOffer, raw(libraryOf(body(s.t, s.delivery(ton(1)))))},
		"a cell of nothing": {errTrailing, raw(cell.BeginCell().EndCell())},
	}
}

func TestJob_TakesNothingThatTheWorkerDidNotSign(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	for name, c := range s.wrongDeliveries() {
		t.Log(name)
		refuse(s, c.code, wallet("stranger"), c.m)
	}
	request(s, wallet("relay"), s.fees().Deliver, s.deliver(s.delivery(s.offer.Money.Budget.Nano))).requireOK(t)
	s.requireSolvent()
}

func TestJob_LateDeliveryWinsUntilSomebodyExpires(t *testing.T) {
	t.Parallel()
	late, never := acceptedJob(t), acceptedJob(t)
	late.advance(10 * jobWork)
	request(late, wallet("relay"), late.fees().Deliver, late.deliver(late.delivery(ton(1)))).requireOK(t)
	refuse(late, errWrongPhase, late.offer.Client, wrappers.Expire{QueryID: 1})
	request(late, late.offer.Client, late.fees().Approve, wrappers.Approve{QueryID: 1}).requireOK(t)
	late.requireSolvent()
	never.advance(jobWork)
	request(never, wallet("stranger"), never.fees().Expire, wrappers.Expire{QueryID: 1}).requireOK(t)
	refuse(never, errWrongPhase, wallet("relay"), never.deliver(never.delivery(ton(1))))
	never.requireSolvent()
}

func TestJob_TakesADeliveryFromOutsideOnItsOwnMoney(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	before := s.balance(s.job)
	d := s.delivery(s.offer.Money.Budget.Nano)
	tr := s.sendExternal(s.job, body(t, s.deliver(d))).requireOK(t)
	tr.requireOps(t, opDeliver)
	spent, err := cocoon.NanoFromBig(tr.steps[0].fees)
	require.NoError(t, err)
	require.Equal(t, minus(t, before, spent), s.balance(s.job))
	require.Equal(t, wrappers.JobDelivered, s.state().Phase)
	require.Equal(t, &d, s.state().Result)
	s.requireSolvent()
}

func TestJob_WhatComesFromOutsideCostsNothingUntilItIsRight(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	good := s.deliver(s.delivery(ton(1)))
	unaccepted := func(c *cell.Cell) {
		t.Helper()
		before, data := s.balance(s.job), s.data(s.job).Hash()
		require.Empty(t, s.sendExternal(s.job, c).steps)
		require.Equal(t, before, s.balance(s.job))
		require.Equal(t, data, s.data(s.job).Hash())
	}
	for name, c := range s.wrongDeliveries() {
		t.Log(name)
		unaccepted(body(t, c.m))
	}
	unaccepted(longer(body(t, good)))
	unaccepted(cell.BeginCell().EndCell())
	unaccepted(body(t, wrappers.Approve{QueryID: 1}))
	unaccepted(body(t, wrappers.Finish{QueryID: 1, Response: wallet("thief")}))
	s.sendExternal(s.job, body(t, good)).requireOK(t)
	unaccepted(body(t, good)) // a replay
	s.requireSolvent()
}

func TestJob_NobodyDeliversBeforeAcceptance(t *testing.T) {
	t.Parallel()
	s := openJob(t)
	m := s.deliver(s.delivery(ton(1)))
	refuse(s, errWrongPhase, wallet("relay"), m)
	require.Empty(t, s.sendExternal(s.job, body(t, m)).steps)
	s.requireSolvent()
}

func TestJob_SpendsNoDebtOnADeliveryFromOutside(t *testing.T) {
	t.Parallel()
	s := acceptedJob(t)
	s.advance(60 * 365 * 24 * time.Hour) // rent has eaten the reserve and more
	m := s.deliver(s.delivery(ton(1)))
	require.Empty(t, s.sendExternal(s.job, body(t, m)).steps)
	request(s, wallet("relay"), s.fees().Deliver, m).requireOK(t)
	require.Equal(t, wrappers.JobDelivered, s.state().Phase)
}
