package sandboxtests

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// costs records what op used; constant prices it, "" where a dearer case does.
func (tr trace) costs(t *testing.T, operation, constant string, op uint32) {
	t.Helper()
	s := tr.requireOK(t).step(t, op)
	requireGas(t, "provider/"+operation, s.gas)
	if constant != "" {
		requireGasConstant(t, constant, s.gas)
	}
}

// generously sends m with a TON more than its least value, which is the dearest
// way. All of it comes back to response.
func generously[T any](s *providerStory, from, response cocoon.Account, fee cocoon.Nano, m T) trace {
	s.t.Helper()
	tr := ask(s, from, plus(s.t, fee, ton(1)), m).requireOK(s.t)
	back := tr.step(s.t, opExcesses)
	require.Equal(s.t, response, back.to)
	require.Equal(s.t, ton(1).Big(), back.value)
	s.requireSolvent()
	return tr
}

func (s *providerStory) stakeGenerously(amount cocoon.Nano) trace {
	s.t.Helper()
	return generously(s, wallet("stranger"), wallet("change"), plus(s.t, amount, s.fees().Stake), s.stakeMessage(amount))
}

func (s *providerStory) unstakeGenerously() trace {
	s.t.Helper()
	return generously(s, s.owner, s.owner, s.fees().RequestUnstake, wrappers.RequestUnstake{QueryID: 3, Amount: coins(ton(1))})
}

// withdrawGenerously brings both back in one message.
func (s *providerStory) withdrawGenerously() trace {
	s.t.Helper()
	tr := ask(s, s.owner, plus(s.t, s.fees().Withdraw, ton(1)), wrappers.Withdraw{QueryID: 4, Amount: coins(ton(1))}).requireOK(s.t)
	tr.requireOps(s.t, opWithdraw, opPayout)
	require.Equal(s.t, ton(2).Big(), tr.steps[1].value)
	require.Equal(s.t, s.owner, tr.steps[1].to)
	s.requireSolvent()
	return tr
}

func TestProviderGas_Money(t *testing.T) {
	t.Parallel()
	unbornProvider(t).stake(ton(1)).costs(t, "stake, birth", "", opStake)
	unbornProvider(t).stakeGenerously(ton(1)).costs(t, "stake, birth, excess", "stake", opStake)
	s := unbornProvider(t)
	hash, err := s.terms.Hash()
	require.NoError(t, err)
	ask(s, s.owner, s.fees().RefreshTerms, wrappers.RefreshTerms{Hash: hash}).costs(t, "refresh_terms, birth", "provider_refresh_terms", opRefreshTerms)
	s.answer(s.registry, ton(1), s.terms).costs(t, "terms", "provider_terms", opTerms)
	s.stake(ton(100)).costs(t, "stake", "", opStake)
	s.stakeGenerously(ton(100)).costs(t, "stake, excess", "", opStake)
	s.setOperator("operator", ton(30)).costs(t, "set_operator", "", opSetOperator)
	s.send(wallet("job"), chain.Message{To: s.provider, Amount: ton(1), Body: body(t, wrappers.Income{Bond: coins(ton(1))})}).
		costs(t, "income with a bond", "", opIncome)
	s.send(wallet("job"), chain.Message{To: s.provider, Amount: ton(1), Body: body(t, wrappers.Income{})}).costs(t, "income", "", opIncome)
	unborn := unbornProvider(t)
	m := unborn.operatorMessage("operator", ton(30))
	generously(unborn, unborn.owner, unborn.owner, unborn.fees().SetOperator, m).costs(t, "set_operator, birth, excess", "set_operator", opSetOperator)
}

func TestProviderGas_Unbonding(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 100)
	s.topUp(ton(10))
	s.unstake(ton(1)).costs(t, "request_unstake", "", opUnstake)
	s.advance(unbonding)
	s.withdraw(ton(1)).costs(t, "withdraw", "", opWithdraw)
	s.unstakeGenerously().costs(t, "request_unstake, excess", "", opUnstake)
	s.advance(unbonding)
	s.withdrawGenerously().costs(t, "withdraw, excess", "", opWithdraw)
	for range 3 {
		s.unstake(ton(1)).requireOK(t)
		s.advance(time.Second)
	}
	s.unstakeGenerously().costs(t, "request_unstake, the fourth, excess", "request_unstake", opUnstake)
	s.advance(unbonding)
	s.withdrawGenerously().costs(t, "withdraw, four ripe, excess", "provider_withdraw", opWithdraw)
	require.Empty(t, s.state().Tranches)
}

// TestProviderGas_Workers looks for the worst of 128 random keys: what an
// operation on a dictionary costs depends on the depth at which they part.
func TestProviderGas_Workers(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 1_000_000_000)
	s.setOperator("operator", ton(30)).requireOK(t)
	s.topUp(ton(30))
	job, relay, change := s.taker(), wallet("relay"), wallet("change")
	var put, exact, accept, retire, prune step
	for i := range wrappers.MaxWorkers {
		m := s.put(s.order(fmt.Sprint("worker ", i), s.recordCell(largestRecord(t))), "operator")
		put = worse(put, generously(s, relay, change, s.fees().PutWorker, m).step(t, opPutWorker))
	}
	one := s.put(s.order("worker 77", s.recordCell(workerRecordOf(1))), "operator")
	generously(s, relay, change, s.fees().PutWorker, one).costs(t, "put_worker, 128 workers, one model, excess", "", opPutWorker)
	s.putWorker("worker 77", workerRecordOf(2)).costs(t, "put_worker, 128 workers, one model", "", opPutWorker)
	measure(t, "provider/put_worker, 128 workers, eight models, excess", "put_worker", put)
	for i := range wrappers.MaxWorkers {
		o := s.acceptOrder(job, cocoon.NanoOf(1))
		o.Worker = publicOf(fmt.Sprint("worker ", i))
		exact = worse(exact, s.acceptJob(o).requireOK(t).step(t, opAcceptJob))
		accept = worse(accept, generously(s, relay, change, s.fees().AcceptJob, s.accept(o, "operator")).step(t, opAcceptJob))
		m := s.retire(s.retireOrder(fmt.Sprint("worker ", i)), "operator")
		retire = worse(retire, generously(s, relay, change, s.fees().RetireWorker, m).step(t, opRetireWorker))
	}
	requireGas(t, "provider/accept_job, 128 workers", exact.gas)
	measure(t, "provider/accept_job, 128 workers, excess", "accept_job", accept)
	measure(t, "provider/retire_worker, 128 workers, excess", "retire_worker", retire)
	s.advance(unbonding)
	for i := range wrappers.MaxWorkers {
		prune = worse(prune, generously(s, relay, change, s.fees().Prune, s.prune(fmt.Sprint("worker ", i))).step(t, opPrune))
	}
	measure(t, "provider/prune, 128 workers, excess", "prune", prune)
	require.Empty(t, s.state().Workers)
}

// worse is the step that used more gas.
func worse(a, b step) step {
	if a.gas > b.gas {
		return a
	}
	return b
}

func TestProviderGas_ReserveCoversTheLargestState(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	s.terms.Provider.MinProvider, s.terms.Provider.MinGPU = coins(ton(1<<40)), coins(ton(1<<20))
	s.takeTerms(s.terms)
	most := ton(1 << 50)
	s.stake(most).requireOK(t)
	s.setOperator("operator", most).requireOK(t)
	for i := range wrappers.MaxWorkers {
		s.putWorker(fmt.Sprint("worker ", i), distinctRecord(t, i)).requireOK(t)
	}
	for range 4 {
		s.unstake(ton(1 << 30)).requireOK(t)
		s.advance(time.Second)
	}
	used := s.account(s.provider).State().StorageInfo.StorageUsed
	requireConstant(t, "cells::provider", used.CellsUsed.Int64())
	requireConstant(t, "bits::provider", used.BitsUsed.Int64())
}

func TestProviderGas_AcceptMessageIsNoLargerThanItsConstants(t *testing.T) {
	t.Parallel()
	most, err := cocoon.ParseNano("1329227995784915872903807060280344575") // 2^120 - 1
	require.NoError(t, err)
	cells, bits := sizeOf(body(t, acceptBody{Bond: coins(most), Pass: &wrappers.Signature{}}))
	requireConstant(t, "cells::accept", int64(cells))
	requireConstant(t, "bits::accept", int64(bits))
}

// distinctRecord is the largest record, of which no two share a cell.
func distinctRecord(t *testing.T, i int) wrappers.WorkerRecord {
	t.Helper()
	r := largestRecord(t)
	for j := range r.Models {
		p := minus(t, r.Models[j].Price.Prompt, cocoon.NanoOf(uint64(1000*(i+1))))
		r.Models[j].Price.Prompt = p
		r.Models[j].Model = cocoon.NewModelID(fmt.Sprint(i, "/", j))
	}
	return r
}
