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

func TestProviderGas_Money(t *testing.T) {
	t.Parallel()
	unborn := unbornProvider(t)
	unborn.stake(ton(1)).costs(t, "stake, birth", "stake", opStake)
	s := unbornProvider(t)
	hash, err := s.terms.Hash()
	require.NoError(t, err)
	ask(s, s.owner, s.fees().RefreshTerms, wrappers.RefreshTerms{Hash: hash}).costs(t, "refresh_terms, birth", "provider_refresh_terms", opRefreshTerms)
	s.answer(s.registry, ton(1), s.terms).costs(t, "terms", "provider_terms", opTerms)
	s.stake(ton(100)).costs(t, "stake", "", opStake)
	s.topUp(ton(10))
	s.unstake(ton(1)).costs(t, "request_unstake", "", opUnstake)
	for range 2 {
		s.advance(time.Second)
		s.unstake(ton(1)).requireOK(t)
	}
	s.advance(time.Second)
	s.unstake(ton(1)).costs(t, "request_unstake, the fourth", "request_unstake", opUnstake)
	s.withdraw(ton(1)).costs(t, "withdraw", "", opWithdraw)
	s.advance(unbonding)
	s.withdraw(ton(1)).costs(t, "withdraw, four ripe", "provider_withdraw", opWithdraw)
	s.setOperator("operator", ton(30)).costs(t, "set_operator", "", opSetOperator)
	unborn = unbornProvider(t)
	unborn.setOperator("operator", ton(30)).costs(t, "set_operator, birth", "set_operator", opSetOperator)
	s.send(wallet("job"), chain.Message{To: s.provider, Amount: ton(1), Body: body(t, wrappers.Income{Bond: coins(ton(1))})}).
		costs(t, "income with a bond", "", opIncome)
	s.send(wallet("job"), chain.Message{To: s.provider, Amount: ton(1), Body: body(t, wrappers.Income{})}).costs(t, "income", "", opIncome)
}

// TestProviderGas_Workers looks for the worst of 128 random keys: what an
// operation on a dictionary costs depends on the depth at which they part.
func TestProviderGas_Workers(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 1_000_000_000)
	s.setOperator("operator", ton(30)).requireOK(t)
	s.topUp(ton(30))
	job := s.taker()
	var put, accept, retire, prune step
	for i := range wrappers.MaxWorkers {
		put = worse(put, ask(s, wallet("relay"), ton(1), s.put(s.order(fmt.Sprint("worker ", i), s.recordCell(largestRecord(t))), "operator")).requireOK(t).step(t, opPutWorker))
	}
	s.putWorker("worker 77", workerRecordOf(1)).costs(t, "put_worker, 128 workers, one model", "", opPutWorker)
	measure(t, "provider/put_worker, 128 workers, eight models", "put_worker", put)
	for i := range wrappers.MaxWorkers {
		o := s.acceptOrder(job, cocoon.NanoOf(1))
		o.Worker = publicOf(fmt.Sprint("worker ", i))
		accept = worse(accept, ask(s, wallet("relay"), ton(1), s.accept(o, "operator")).requireOK(t).step(t, opAcceptJob))
		retire = worse(retire, ask(s, wallet("relay"), ton(1), s.retire(s.retireOrder(fmt.Sprint("worker ", i)), "operator")).requireOK(t).step(t, opRetireWorker))
	}
	measure(t, "provider/accept_job, 128 workers", "accept_job", accept)
	measure(t, "provider/retire_worker, 128 workers", "retire_worker", retire)
	s.advance(unbonding)
	for i := range wrappers.MaxWorkers {
		prune = worse(prune, ask(s, wallet("relay"), ton(1), s.prune(fmt.Sprint("worker ", i))).requireOK(t).step(t, opPrune))
	}
	measure(t, "provider/prune, 128 workers", "prune", prune)
	require.Empty(t, s.state().Workers)
	s.requireSolvent()
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
