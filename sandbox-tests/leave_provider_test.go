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

// providerLeave is a state that an owner leaves. The registry that the provider was born with takes what it is asked and
// never answers; the operator's key signs nothing any more.
type providerLeave struct {
	name  string
	reach func(t *testing.T) *providerLeaving
	// takes is how long the owner waits for the last of it; what is free comes at once.
	takes time.Duration
}

// providerLeaving is a provider with what its owner may still count on.
type providerLeaving struct {
	*providerStory
	// meanwhile is what others still do, once the owner has asked for all there is; none of it waits for dispatcher or registry.
	meanwhile func() trace
	comes     cocoon.Nano // by what happens meanwhile
	change    cocoon.Nano // what the price of operations meanwhile did not use, at most
}

func alone(s *providerStory) *providerLeaving { return &providerLeaving{providerStory: s} }

// staysAlone is a state in which nothing is under way elsewhere.
func staysAlone(reach func(*testing.T) *providerStory) func(*testing.T) *providerLeaving {
	return func(t *testing.T) *providerLeaving { t.Helper(); return alone(reach(t)) }
}

var providerLeaves = []providerLeave{
	{name: "a shell that money was sent to", reach: staysAlone(func(t *testing.T) *providerStory {
		s := unbornProvider(t)
		s.topUp(ton(3))
		return s
	})},
	{name: "paid before it was on chain", reach: staysAlone(func(t *testing.T) *providerStory {
		s := unbornProvider(t)
		s.birth.Index++
		init, err := s.birth.Init()
		require.NoError(t, err)
		s.provider, _ = s.birth.Account()
		s.send(wallet("epoch"), chain.Message{To: s.provider, Amount: ton(3), Body: incomeOf(0)})
		s.received.Add(s.received, ton(3).Big()) // the books begin with the code
		s.send(s.owner, chain.Message{To: s.provider, Amount: cocoon.NanoOf(1_000_000), Init: init}).requireOK(t)
		return s
	})},
	{name: "born, terms not asked for", reach: staysAlone(func(t *testing.T) *providerStory {
		s := unbornProvider(t)
		s.stake(ton(10)).requireOK(t)
		return s
	})},
	{name: "terms taken, nothing staked", reach: staysAlone(func(t *testing.T) *providerStory {
		s := unbornProvider(t)
		s.takeTerms(s.terms)
		s.topUp(ton(2))
		return s
	})},
	{name: "staked", takes: unbonding, reach: staysAlone(func(t *testing.T) *providerStory { return stakedProvider(t, 100) })},
	{name: "a worker in service", takes: unbonding, reach: staysAlone(workingProvider)},
	{name: "a worker retired", takes: unbonding, reach: staysAlone(func(t *testing.T) *providerStory {
		s := workingProvider(t)
		s.retireWorker("worker").requireOK(t)
		return s
	})},
	{name: "128 workers in service", takes: unbonding, reach: staysAlone(func(t *testing.T) *providerStory {
		s := fullProvider(t, workerRecordOf(1))
		s.topUp(ton(4))
		return s
	})},
	{name: "a tranche on its way", takes: unbonding, reach: staysAlone(inTranches(1, time.Hour))},
	{name: "two tranches on their way", takes: unbonding, reach: staysAlone(inTranches(2, time.Hour))},
	{name: "three tranches on their way", takes: unbonding, reach: staysAlone(inTranches(3, time.Hour))},
	// no room for a fifth: the rest of the stake waits for the first of them
	{name: "four tranches on their way", takes: 2*unbonding - 4*time.Hour, reach: staysAlone(inTranches(4, time.Hour))},
	{name: "four tranches ripe", takes: unbonding, reach: staysAlone(inTranches(4, unbonding))},
	{name: "four tranches, of which two are ripe", takes: unbonding, reach: staysAlone(inTranches(4, unbonding-2*time.Hour))},
	{name: "terms awaited from a registry that never answers", takes: unbonding, reach: staysAlone(func(t *testing.T) *providerStory {
		s := workingProvider(t)
		ask(s, s.owner, s.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: [32]byte{1}}).requireOK(t).requireOps(t, opRefreshTerms, opRequestTerms)
		require.NotZero(t, s.state().Awaiting)
		return s
	})},
	{name: "terms awaited from a registry that is not there", reach: staysAlone(func(t *testing.T) *providerStory {
		return askedInVain(t, newWorld(t), wallet("no registry"))
	})},
	{name: "terms awaited from a registry that refuses", reach: staysAlone(func(t *testing.T) *providerStory {
		w := newWorld(t)
		return askedInVain(t, w, w.refuser())
	})},
	{name: "terms that ask for a longer unbonding than there is", takes: 60 * 24 * time.Hour, reach: staysAlone(func(t *testing.T) *providerStory {
		s := unbornProvider(t)
		terms := s.terms
		terms.Provider = &wrappers.ProviderTerms{Unbonding: 1<<32 - 1}
		s.takeTerms(terms)
		s.stake(ton(10)).requireOK(t)
		return s
	})},
	{name: "below its rent after 40 years", takes: unbonding, reach: staysAlone(func(t *testing.T) *providerStory {
		s := stakedProvider(t, 100)
		s.advance(40 * 365 * 24 * time.Hour)
		return s
	})},
	{name: "accept in the air, to a job that refuses it", takes: unbonding, reach: func(t *testing.T) *providerLeaving {
		s := workingProvider(t)
		return s.inTheAir(s.refuser(), true)
	}},
	{name: "accept in the air, to a job that takes it", takes: unbonding, reach: func(t *testing.T) *providerLeaving {
		s := workingProvider(t)
		return s.inTheAir(s.taker(), false)
	}},
	{name: "a bond in a job that nobody delivers", takes: unbonding, reach: func(t *testing.T) *providerLeaving {
		s, job := bondedProvider(t)
		return &providerLeaving{providerStory: s, meanwhile: func() trace {
			s.waitUntil(job.state().Until)
			return request(job, wallet("stranger"), ton(1), wrappers.Expire{QueryID: 1}).requireOK(t) // the bond is the client's
		}}
	}},
	{name: "a bond in a job half done", takes: unbonding, reach: func(t *testing.T) *providerLeaving {
		s, job := bondedProvider(t)
		deliver := body(t, job.deliver(job.delivery(ton(7)))) // the worker finishes; anyone carries it
		return &providerLeaving{providerStory: s, comes: s.workPays(job), change: job.fees().Finish, meanwhile: func() trace {
			job.sendExternal(job.job, deliver).requireOK(t)
			s.waitUntil(job.state().Until)
			return request(job, wallet("stranger"), ton(1), wrappers.Finish{QueryID: 1}).requireOK(t)
		}}
	}},
	{name: "a bond in a job that waits for a silent client", takes: unbonding, reach: func(t *testing.T) *providerLeaving {
		s, job := bondedProvider(t)
		job.sendExternal(job.job, body(t, job.deliver(job.delivery(ton(7))))).requireOK(t)
		return &providerLeaving{providerStory: s, comes: s.workPays(job), change: job.fees().Finish, meanwhile: func() trace {
			s.waitUntil(job.state().Until)
			return request(job, wallet("stranger"), ton(1), wrappers.Finish{QueryID: 1}).requireOK(t)
		}}
	}},
	{name: "income comes after the owner has left", takes: unbonding, reach: func(t *testing.T) *providerLeaving {
		s := workingProvider(t)
		return &providerLeaving{providerStory: s, comes: ton(4), meanwhile: func() trace {
			return s.send(wallet("epoch"), chain.Message{To: s.provider, Amount: ton(4), Body: incomeOf(0)}).requireOK(t)
		}}
	}},
}

func incomeOf(bond uint64) *cell.Cell {
	return cell.BeginCell().MustStoreUInt(opIncome, 32).MustStoreUInt(1, 64).MustStoreBigCoins(ton(bond).Big()).EndCell()
}

// inTranches has a provider of 100 TON unstake one TON an hour, n times, and then waits for d.
func inTranches(n int, d time.Duration) func(*testing.T) *providerStory {
	return func(t *testing.T) *providerStory {
		t.Helper()
		s := stakedProvider(t, 100)
		for i := range n {
			if i > 0 {
				s.advance(time.Hour)
			}
			s.unstake(ton(1)).requireOK(t)
		}
		require.Len(t, s.state().Tranches, n)
		s.advance(d)
		return s
	}
}

// askedInVain has staked under a registry that does not answer.
func askedInVain(t *testing.T, w *world, registry cocoon.Account) *providerStory {
	t.Helper()
	s := providerUnder(t, w, registry)
	s.stake(ton(10)).requireOK(t)
	ask(s, s.owner, s.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: [32]byte{1}}).requireOps(t, opRefreshTerms, opRequestTerms, 0xffffffff)
	return s
}

// inTheAir has an accept with 10 TON under way to a job while the owner leaves.
func (s *providerStory) inTheAir(job cocoon.Account, back bool) *providerLeaving {
	s.t.Helper()
	m := s.accept(s.acceptOrder(job, ton(10)), "operator")
	air := s.depart(wallet("relay"), chain.Message{To: s.provider, Amount: s.fees().AcceptJob, Bounce: true, Body: body(s.t, m)})
	leaving := &providerLeaving{providerStory: s, change: s.fees().AcceptJob, meanwhile: func() trace { return s.land(air) }}
	if back {
		leaving.comes = ton(10)
	}
	return leaving
}

// bondedProvider has 5 TON bonded in a job of 10.
func bondedProvider(t *testing.T) (*providerStory, *jobStory) {
	t.Helper()
	s := workingProvider(t)
	job := s.hire(offerKey)
	s.take(job, ton(5)).requireOK(t)
	return s, job
}

// workPays is what 7 TON of work bring the provider, with its bond.
func (s *providerStory) workPays(job *jobStory) cocoon.Nano {
	s.t.Helper()
	pay, err := job.offer.Divide(ton(7))
	require.NoError(s.t, err)
	return plus(s.t, pay.Provider, ton(5))
}

func TestLeave_Provider_OwnerGetsStakeAndFreeBalanceAlone(t *testing.T) {
	t.Parallel()
	var reached met
	t.Run("from", func(t *testing.T) {
		for _, s := range providerLeaves {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				s.leave(t, &reached)
			})
		}
	})
	reached.requireAll(t, wrappers.Provider{})
}

func (s providerLeave) leave(t *testing.T, reached *met) {
	p := s.reach(t)
	reached.note(p.state())
	p.touch(p.provider)
	began, reserve := p.now, p.rent("provider", fiveYears)
	due := p.balance(p.provider)
	if p.state().Born {
		due = atLeastZero(due, reserve) // the rent stays with the contract
	}
	got := p.takeFree()
	p.unstakeAll()
	if p.meanwhile != nil {
		p.meanwhile()
	}
	got = plus(t, got, p.waitForTheRest())
	if s.takes > 0 {
		require.Equal(t, s.takes, p.since(began), "no sooner and no later")
	}
	fees := plus(t, p.change, plus(t, p.fees().Withdraw, p.fees().RequestUnstake))
	p.requireAbout(plus(t, due, p.comes), got, "provider", p.since(began), plus(t, fees, fees))
	state := p.state()
	require.True(t, state.Stake.IsZero() && state.Unbonding.IsZero(), "nothing is left behind")
	require.True(t, p.free().Cmp(plus(t, fees, fees)) < 0)
	p.requireSolvent()
}

func atLeastZero(a, b cocoon.Nano) cocoon.Nano {
	if d, err := a.Sub(b); err == nil {
		return d
	}
	return cocoon.Nano{}
}

// takeFree pays out what is free or ripe now; returns what came beyond what the withdrawal brought.
func (p *providerLeaving) takeFree() cocoon.Nano {
	p.t.Helper()
	return p.withdraw(cocoon.Nano{}).requireOK(p.t).paidTo(p.t, p.owner)
}

// unstakeAll asks for all of the stake, unless four tranches are waiting already.
func (p *providerLeaving) unstakeAll() {
	p.t.Helper()
	if s := p.state(); !s.Stake.IsZero() && len(s.Tranches) < 4 {
		p.unstake(s.Stake).requireOK(p.t)
	}
}

// waitForTheRest withdraws each tranche when it is ripe, and not a second before, until none is left.
func (p *providerLeaving) waitForTheRest() (got cocoon.Nano) {
	p.t.Helper()
	for range 10 {
		s := p.state()
		if len(s.Tranches) == 0 && s.Stake.IsZero() {
			return plus(p.t, got, p.takeFree())
		}
		if at := s.Tranches[0].At; at > p.now {
			p.now = at - 1
			got = plus(p.t, got, p.takeFree())
			require.Equal(p.t, s.Unbonding, p.state().Unbonding, "a second early")
			p.now = at
		}
		got = plus(p.t, got, p.takeFree())
		p.unstakeAll()
	}
	require.Fail(p.t, "the owner cannot leave")
	return got
}

func TestLeave_Provider_WhatIsFreeComesAtOnceWhateverIsLocked(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	free := s.free()
	tr := s.withdraw(cocoon.Nano{}).requireOK(t)
	require.Equal(t, free, tr.paidTo(t, s.owner))
	require.Equal(t, ton(100), s.state().Stake)
	s.requireSolvent()
}
