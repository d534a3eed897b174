package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// hire opens a job that the provider of p may accept.
func (p *providerStory) hire(changes ...func(*wrappers.JobOffer)) *jobStory {
	p.t.Helper()
	offer := offerIn(p.t, p.world, p.registry)
	for _, change := range changes {
		change(&offer)
	}
	s := shellIn(p.t, p.world, offer)
	require.Equal(p.t, p.provider, s.provider)
	request(s, s.offer.Client, s.escrow(), wrappers.OpenJob{QueryID: 1}).requireOK(p.t)
	return s
}

// take has the provider accept the job, with its pass and the bond.
func (p *providerStory) take(s *jobStory, bond cocoon.Nano) trace {
	p.t.Helper()
	o := p.acceptOrder(s.job, bond)
	o.Pass = s.passBy("offer", asItIs)
	return p.acceptJob(o)
}

func TestJobAndProvider_PaidWorkBringsIncomeAndTheBondBack(t *testing.T) {
	t.Parallel()
	p := workingProvider(t)
	s := p.hire(offerKey)
	free, allowance := p.free(), p.state().Allowance
	accept := p.take(s, ton(5)).requireOK(t)
	accept.requireOps(t, opAcceptJob, opAccept)
	require.Equal(t, &wrappers.Bound{Provider: p.provider, Worker: publicOf("worker"), Bond: coins(ton(5))}, s.state().Bound)
	p.requireFree(minus(t, free, ton(5)), p.fees().AcceptJob)
	require.Equal(t, minus(t, allowance, ton(5)), p.state().Allowance)
	free = plus(t, p.free(), ton(5))

	deliver := s.sendExternal(s.job, body(t, s.deliver(s.delivery(ton(7))))).requireOK(t)
	s.requireSolvent()
	approve := request(s, s.offer.Client, s.fees().Approve, wrappers.Approve{QueryID: 1}).requireOK(t)
	s.requirePaid(approve, ton(7), ton(3))
	require.Equal(t, allowance, p.state().Allowance, "the bond may be bonded again")
	pay, err := s.offer.Divide(ton(7))
	require.NoError(t, err)
	gas, err := cocoon.NanoFromBig(approve.step(t, opIncome).fees)
	require.NoError(t, err)
	require.Equal(t, minus(t, plus(t, free, pay.Provider), gas), p.free(), "its part, less the gas of taking it")
	p.requireSolvent()

	requireGas(t, "accept over both contracts", accept.gas())
	paid := accept.gas() + deliver.gas() + approve.gas() + openedBy(t).gas()
	requireGas(t, "job, open to paid", paid)
	require.Less(t, paid, int64(45_000))
}

// openedBy is the trace of opening such a job.
func openedBy(t *testing.T) trace {
	t.Helper()
	s := shell(t, offerKey)
	return request(s, s.offer.Client, s.escrow(), wrappers.OpenJob{QueryID: 1}).requireOK(t)
}

func TestJobAndProvider_AcceptThatComesTooLateCostsTheProviderNothing(t *testing.T) {
	t.Parallel()
	p := workingProvider(t)
	s := p.hire(offerKey)
	p.take(s, ton(5)).requireOK(t)
	free, state := p.free(), p.state()
	tr := p.take(s, ton(6))
	tr.requireOps(t, opAcceptJob, opAccept, 0xffffffff)
	require.True(t, tr.steps[2].bounced)
	require.Equal(t, state, p.state(), "the bond is back in the allowance")
	require.NotEqual(t, -1, p.free().Cmp(free))
	require.Equal(t, ton(5), s.state().Bound.Bond.Nano)
	s.requireSolvent()
	p.requireSolvent()
}

func TestJobAndProvider_BondOfUndeliveredWorkIsTheClients(t *testing.T) {
	t.Parallel()
	p := workingProvider(t)
	s := p.hire(offerKey)
	stake, free := p.state().Stake, p.free()
	p.take(s, ton(5)).requireOK(t)
	s.advance(jobWork)
	tr := request(s, wallet("stranger"), s.fees().Expire, wrappers.Expire{QueryID: 1}).requireOK(t)
	require.Equal(t, 1, tr.paidTo(t, s.offer.Client).Cmp(ton(15)), "the budget and the bond")
	require.Equal(t, ton(25), p.state().Allowance)
	require.Equal(t, stake, p.state().Stake, "locked stake stays out of it")
	p.requireFree(minus(t, free, ton(5)), p.fees().AcceptJob)
	s.requireSolvent()
	p.requireSolvent()
}

func TestJobAndProvider_WhatARulingLeavesOfTheBondIsBackInTheAllowance(t *testing.T) {
	t.Parallel()
	p := workingProvider(t)
	s := p.hire(offerKey)
	stake, allowance := p.state().Stake, p.state().Allowance
	p.take(s, ton(5)).requireOK(t)
	s.sendExternal(s.job, body(t, s.deliver(s.delivery(ton(7))))).requireOK(t)
	request(s, s.offer.Client, s.stake(), wrappers.Dispute{QueryID: 6}).requireOK(t)
	free := p.free()
	want := s.ruled(wrappers.Rule{PayBps: 2_500, BondBps: 3_333})
	tr := request(s, s.offer.Money.Arbiter, s.fees().Rule, wrappers.Rule{QueryID: 8, PayBps: 2_500, BondBps: 3_333}).requireOK(t)
	s.requireVerdict(tr, want, ton(1))
	require.Equal(t, minus(t, ton(5), plus(t, ton(1), want.Awarded)), want.Bond, "less the deposit and the client's part")
	require.Equal(t, minus(t, allowance, minus(t, ton(5), want.Bond)), p.state().Allowance)
	require.Equal(t, stake, p.state().Stake, "locked stake stays out of it")
	gas, err := cocoon.NanoFromBig(tr.step(t, opIncome).fees)
	require.NoError(t, err)
	require.Equal(t, minus(t, plus(t, free, plus(t, want.Provider, want.Bond)), gas), p.free())
	p.requireSolvent()
}

func TestJobAndProvider_ManyJobsAtATime(t *testing.T) {
	t.Parallel()
	p := workingProvider(t)
	allowance := p.state().Allowance
	jobs := make([]*jobStory, 6)
	for i := range jobs {
		jobs[i] = p.hire(func(o *wrappers.JobOffer) { o.Salt = uint64(i) }, offerKey)
		p.take(jobs[i], ton(2)).requireOK(t)
	}
	for i, s := range jobs {
		if i%3 == 0 {
			continue // never delivered
		}
		s.sendExternal(s.job, body(t, s.deliver(s.delivery(ton(uint64(i)))))).requireOK(t)
	}
	p.advance(jobWork + time.Second)
	for i, s := range jobs {
		if i%3 == 0 {
			request(s, wallet("stranger"), s.fees().Expire, wrappers.Expire{QueryID: 1}).requireOK(t)
		} else {
			request(s, wallet("stranger"), s.fees().Finish, wrappers.Finish{QueryID: 1}).requireOK(t)
		}
		require.Equal(t, wrappers.JobClosed, s.state().Phase)
		s.requireSolvent()
	}
	require.Equal(t, minus(t, allowance, ton(4)), p.state().Allowance, "two bonds were lost")
	p.requireSolvent()
}
