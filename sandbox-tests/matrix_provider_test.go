package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// onProvider is the scene of v, with everyone who has to do with a provider.
func onProvider[T any](s *providerStory, from cocoon.Account, value cocoon.Nano, v T) *scene {
	s.t.Helper()
	return onStage(s.world, s.provider, from, value, v, wallet("client"), wallet("relay"), wallet("operator"))
}

// ownersProvider is onProvider for what only the owner may do.
func ownersProvider[T any](s *providerStory, value cocoon.Nano, v T) *scene {
	s.t.Helper()
	x := onProvider(s, s.owner, value, v)
	x.others = append(x.others, s.registry)
	return x
}

// awaiting is a provider that has asked its registry for terms.
func awaiting(t *testing.T) *providerStory {
	t.Helper()
	s := unbornProvider(t)
	s.stake(ton(1)).requireOK(t)
	ask(s, s.owner, s.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: hashOf(t, s.terms)}).requireOK(t)
	return s
}

// otherRegistry runs the registry's code, and is another one.
func otherRegistry(t *testing.T) cocoon.Account {
	t.Helper()
	a, err := wrappers.RegistryBirth{Owner: wallet("owner"), Delay: 1}.Account()
	require.NoError(t, err)
	return a
}

var providerRows = []row{
	{wrappers.KindProvider, "refresh_terms", only, idle, func(t *testing.T) *scene {
		s := stakedProvider(t, 10)
		x := ownersProvider(s, s.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: [32]byte{1}})
		x.road, x.back = opRequestTerms, func() { require.Zero(t, s.state().Awaiting) }
		return x
	}},
	{wrappers.KindProvider, "terms", only, errWrongTerms, func(t *testing.T) *scene {
		s := awaiting(t)
		x := onProvider(s, s.registry, ton(1), wrappers.TermsAnswer{QueryID: 2, Terms: body(t, s.terms)}).report()
		x.others = append(x.others, s.owner, otherRegistry(t))
		x.bounced = func() { require.Zero(t, s.state().Awaiting, "whatever it asked for came back") }
		return x
	}},
	{wrappers.KindProvider, "withdraw", only, errNotEnoughFree, func(t *testing.T) *scene {
		s := workingProvider(t)
		return ownersProvider(s, s.fees().Withdraw, wrappers.Withdraw{QueryID: 4, Amount: coins(ton(20))})
	}},
	{wrappers.KindProvider, "withdraw, of what ripened", only, errNotEnoughFree, func(t *testing.T) *scene {
		s := stakedProvider(t, 100)
		s.topUp(ton(1)) // for the rent until then
		s.unstake(ton(40)).requireOK(t)
		s.advance(unbonding)
		return ownersProvider(s, s.fees().Withdraw, wrappers.Withdraw{QueryID: 4, Amount: coins(ton(40))}).waited(errNotEnoughFree)
	}},
	{wrappers.KindProvider, "stake", anywhere, acts, func(t *testing.T) *scene {
		s := workingProvider(t)
		x := onProvider(s, wallet("whale"), s.fees().Stake, s.stakeMessage(ton(5))).with(ton(5))
		x.twice = func() { require.Equal(t, ton(110), s.state().Stake) }
		return x
	}},
	{wrappers.KindProvider, "request_unstake", only, acts, func(t *testing.T) *scene {
		s := workingProvider(t)
		x := ownersProvider(s, s.fees().RequestUnstake, wrappers.RequestUnstake{QueryID: 3, Amount: coins(ton(5))})
		x.twice = func() {
			require.Equal(t, []cocoon.Nano{ton(90), ton(10)}, []cocoon.Nano{s.state().Stake, s.state().Unbonding})
		}
		return x
	}},
	{wrappers.KindProvider, "set_operator", only, idle, func(t *testing.T) *scene {
		s := workingProvider(t)
		return ownersProvider(s, s.fees().SetOperator, s.operatorMessage("next", ton(3)))
	}},
	{wrappers.KindProvider, "put_worker", anywhere, errStaleRevision, func(t *testing.T) *scene {
		s := workingProvider(t)
		return onProvider(s, wallet("owner"), s.fees().PutWorker, s.put(s.order("second", s.recordCell(workerRecordOf(1))), "operator"))
	}},
	{wrappers.KindProvider, "put_worker, known already", anywhere, errStaleRevision, func(t *testing.T) *scene {
		s := workingProvider(t)
		return onProvider(s, wallet("owner"), s.fees().PutWorker, s.put(s.order("worker", s.recordCell(workerRecordOf(2))), "operator"))
	}},
	{wrappers.KindProvider, "retire_worker", anywhere, errStaleRevision, func(t *testing.T) *scene {
		s := workingProvider(t)
		return onProvider(s, wallet("owner"), s.fees().RetireWorker, s.retire(s.retireOrder("worker"), "operator"))
	}},
	{wrappers.KindProvider, "prune", anywhere, errUnknownWorker, func(t *testing.T) *scene {
		s := workingProvider(t)
		s.retireWorker("worker").requireOK(t)
		s.advance(unbonding)
		return onProvider(s, wallet("owner"), s.fees().Prune, s.prune("worker")).waited(errTooEarly)
	}},
	{wrappers.KindProvider, "accept_job", anywhere, idle, func(t *testing.T) *scene {
		s := workingProvider(t)
		job, free := s.hire(offerKey), s.free()
		o := s.acceptOrder(job.job, ton(5))
		o.Pass = job.passBy("offer", asItIs)
		x := onProvider(s, wallet("owner"), s.fees().AcceptJob, s.accept(o, "operator")).before(o.ValidUntil, errTooLate)
		x.road, x.back = opAccept, func() {
			require.Equal(t, ton(30), s.state().Allowance, "the bond may be bonded again")
			require.NotEqual(t, -1, s.free().Cmp(free), "and is free again")
		}
		return x
	}},
	{wrappers.KindProvider, "report_equivocation", anywhere, errAlreadySlashed, func(t *testing.T) *scene {
		s := workingProvider(t)
		return onProvider(s, wallet("reporter"), s.fees().ReportEquivocation, s.evidence("worker").message(t))
	}},
	{wrappers.KindProvider, "report_equivocation, of who retired", anywhere, errAlreadySlashed, func(t *testing.T) *scene {
		s := workingProvider(t)
		s.retireWorker("worker").requireOK(t)
		return onProvider(s, wallet("reporter"), s.fees().ReportEquivocation, s.evidence("worker").message(t))
	}},
	{wrappers.KindProvider, "income", anywhere, acts, func(t *testing.T) *scene {
		s := workingProvider(t)
		x := onProvider(s, wallet("job"), ton(1), wrappers.Income{QueryID: 1, Bond: coins(cocoon.NanoOf(1000))}).report()
		x.kept, x.unread = true, true
		x.twice = func() { require.Equal(t, plus(t, ton(30), cocoon.NanoOf(2000)), s.state().Allowance) }
		return x
	}},
}
