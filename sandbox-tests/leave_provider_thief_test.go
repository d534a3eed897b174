package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Until it has left, all of it is still there to be taken for an offence.
func TestLeave_Provider_StakeIsThereUntilItLeaves(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	s.unstake(ton(100)).requireOK(t)
	s.withdraw(cocoon.Nano{}).requireOK(t)
	s.advance(unbonding + 1000*time.Hour) // ripe, and not withdrawn
	require.Equal(t, ton(100), s.state().Unbonding)
	require.NotEqual(t, -1, s.balance(s.provider).Cmp(ton(100)))
	require.Len(t, s.state().Workers, 1, "and the worker is known, so that it can be reported")
	s.requireSolvent()
}

// A thief has the operator's key and does its worst: what it may bond is all that the owner loses.
func TestLeave_Provider_AStolenOperatorKeyCostsTheAllowance(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	s.topUp(ton(70)) // 100 free, of which 30 are allowed
	free := s.free()
	var jobs []*jobStory
	for i := range uint64(4) { // its own jobs, which it lets expire
		job := s.hire(offerKey, func(o *wrappers.JobOffer) { o.Client, o.Salt = wallet("client"), i })
		if tr := s.take(job, ton(10)); i < 3 {
			tr.requireOK(t)
			jobs = append(jobs, job)
		} else {
			s.requireRefused(errOverAllowance, tr)
		}
	}
	s.putWorker("thief's", workerRecordOf(1)).requireOK(t) // it asks for more stake than the owner will leave there
	s.advance(jobWork)
	for _, job := range jobs {
		request(job, wallet("stranger"), ton(1), wrappers.Expire{QueryID: 1}).requireOK(t)
	}
	p := alone(s)
	got := p.takeFree()
	p.unstakeAll()
	got = plus(t, got, p.waitForTheRest())
	p.requireAbout(minus(t, plus(t, free, ton(100)), ton(30)), got, "provider", jobWork+unbonding, ton(1))
	s.requireSolvent()
}

func TestLeave_Provider_OwnerTakesAStolenKeyOutOfService(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	stolen := s.accept(s.acceptOrder(s.taker(), ton(10)), "operator")
	s.setOperator("new operator", cocoon.Nano{}).requireOK(t)
	s.unchanged(func() { s.requireRefused(errWrongSignature, ask(s, wallet("thief"), ton(1), stolen)) })
}

// What the owner may do alone, nobody else can do or keep it from: neither whoever has the operator's key, nor the registry.
func TestLeave_Provider_NobodyElseStandsInTheWay(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	s.unstake(ton(30)).requireOK(t)
	before, held := s.state(), s.balance(s.provider)
	tried := map[string]func(by cocoon.Account) trace{
		"withdraw": func(by cocoon.Account) trace { return ask(s, by, ton(1), wrappers.Withdraw{QueryID: 1}) },
		"request_unstake": func(by cocoon.Account) trace {
			return ask(s, by, ton(1), wrappers.RequestUnstake{QueryID: 1, Amount: coins(ton(1))})
		},
		"set_operator": func(by cocoon.Account) trace { return ask(s, by, ton(1), s.operatorMessage("thief", ton(1000))) },
		"refresh_terms": func(by cocoon.Account) trace {
			return ask(s, by, ton(1), wrappers.RefreshTerms{QueryID: 1, Hash: [32]byte{1}})
		},
		"terms": func(by cocoon.Account) trace { return s.answer(by, ton(1), s.terms) },
		"stake": func(by cocoon.Account) trace { return ask(s, by, ton(7), s.stakeMessage(ton(1))) },
		"put_worker": func(by cocoon.Account) trace {
			return ask(s, by, ton(1), s.put(s.order("another", s.recordCell(workerRecordOf(1))), "operator"))
		},
		"retire_worker": func(by cocoon.Account) trace {
			return ask(s, by, ton(1), s.retire(s.retireOrder("worker"), "operator"))
		},
		"prune": func(by cocoon.Account) trace { return ask(s, by, ton(1), s.prune("worker")) },
		"accept_job": func(by cocoon.Account) trace {
			return ask(s, by, ton(1), s.accept(s.acceptOrder(s.refuser(), ton(1)), "operator"))
		},
		"income": func(by cocoon.Account) trace {
			return ask(s, by, ton(1), wrappers.Income{QueryID: 1, Bond: coins(ton(1))})
		},
		"report_equivocation": func(by cocoon.Account) trace { return ask(s, by, ton(1), forgedReport()) },
	}
	for _, operation := range operationsOf(t, "provider") {
		if operation == "accept" { // comes back, and does not come
			continue
		}
		act, known := tried[operation]
		require.True(t, known, "nobody has tried %s", operation)
		for _, by := range []cocoon.Account{wallet("stranger"), s.registry, wallet("dispatcher")} {
			s.advance(time.Minute)
			act(by)
			after := s.state()
			require.Equal(t, before.Tranches, after.Tranches, "%s by %s", operation, by)
			require.Equal(t, before.Operator, after.Operator, "%s by %s", operation, by)
			require.NotEqual(t, -1, after.Stake.Cmp(before.Stake), "%s by %s", operation, by)
			require.NotEqual(t, -1, plus(t, s.balance(s.provider), s.rent("provider", time.Hour)).Cmp(held), "%s by %s", operation, by)
		}
	}
	p := alone(s)
	p.takeFree()
	p.unstakeAll()
	require.Equal(t, 1, p.waitForTheRest().Cmp(ton(99)), "all of it, but for the rent of two weeks")
}

func forgedReport() wrappers.ReportEquivocation {
	empty := &wrappers.SignedCell{Signed: cell.BeginCell().EndCell()}
	return wrappers.ReportEquivocation{QueryID: 1, Response: wallet("thief"), Worker: publicOf("worker"), Certificate: empty, First: empty, Second: empty}
}
