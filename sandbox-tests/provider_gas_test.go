package sandboxtests

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

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
	s.unstakeGenerously().costs(t, "request_unstake, in the second of the fourth, excess", "request_unstake", opUnstake)
	s.advance(unbonding - 4*time.Second)
	for ripe := range 4 {
		s.rehearse(func() {
			s.withdrawGenerously().costs(t, fmt.Sprintf("withdraw, %d of four ripe, excess", ripe), "provider_withdraw", opWithdraw)
			require.Len(t, s.state().Tranches, 4-ripe)
		})
		s.advance(time.Second)
	}
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
	var accept, exact, retire, prune step
	s.measurePuts()
	for i := range wrappers.MaxWorkers {
		o := s.acceptOrder(job, cocoon.NanoOf(1))
		o.Worker = publicOf(fmt.Sprint("worker ", i))
		exact = worse(exact, s.acceptJob(o).requireOK(t).step(t, opAcceptJob))
		accept = worse(accept, generously(s, relay, change, s.fees().AcceptJob, s.accept(o, "operator")).step(t, opAcceptJob))
		m := s.retire(s.retireOrder(fmt.Sprint("worker ", i)), "operator")
		retire = worse(retire, generously(s, relay, change, s.fees().RetireWorker, m).step(t, opRetireWorker))
	}
	requireGas(t, "provider/accept_job, 128 workers", exact.gas)
	requireGas(t, "provider/accept_job, 128 workers, excess", accept.gas)
	requireGas(t, "provider/retire_worker, 128 workers, excess", retire.gas)
	s.advance(unbonding)
	for i := range wrappers.MaxWorkers {
		prune = worse(prune, generously(s, relay, change, s.fees().Prune, s.prune(fmt.Sprint("worker ", i))).step(t, opPrune))
	}
	requireGas(t, "provider/prune, 128 workers, excess", prune.gas)
	require.Empty(t, s.state().Workers)
}

// measurePuts registers 128 workers, then changes the record of each.
func (s *providerStory) measurePuts() {
	s.t.Helper()
	put := func(i int, r wrappers.WorkerRecord) (exact, excess step) {
		name := fmt.Sprint("worker ", i)
		m := s.put(s.order(name, s.recordCell(r)), "operator")
		excess = generously(s, wallet("relay"), wallet("change"), s.fees().PutWorker, m).step(s.t, opPutWorker)
		return s.putWorker(name, r).requireOK(s.t).step(s.t, opPutWorker), excess
	}
	eight := largestRecord(s.t)
	one := eight
	one.Models = one.Models[:1]
	for i := range wrappers.MaxWorkers {
		s.putWorker(fmt.Sprint("worker ", i), eight).requireOK(s.t)
	}
	var few, exact, excess step
	for i := range wrappers.MaxWorkers {
		a, b := put(i, eight)
		exact, excess = worse(exact, a), worse(excess, b)
		a, _ = put(i, one)
		few = worse(few, a)
	}
	requireGas(s.t, "provider/put_worker, 128 workers, one model", few.gas)
	requireGas(s.t, "provider/put_worker, 128 workers, eight models", exact.gas)
	requireGas(s.t, "provider/put_worker, 128 workers, eight models, excess", excess.gas)
}

// worse is the step that used more gas.
func worse(a, b step) step {
	if a.gas > b.gas {
		return a
	}
	return b
}

// The largest state is that of an operator who stuffs records: all are slashed,
// and four tranches are left.
func TestProviderGas_ReserveCoversTheLargestState(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	s.terms.Provider.MinProvider = coins(ton(1 << 40))
	s.takeTerms(s.terms)
	most := ton(1 << 50)
	s.stake(most).requireOK(t)
	s.setOperator("operator", most).requireOK(t)
	for i := range wrappers.MaxWorkers {
		s.putWorkerCell(fmt.Sprint("worker ", i), s.stuffed(1, stuffing(i, 0), stuffing(i, 1), stuffing(i, 2), stuffing(i, 3))).requireOK(t)
	}
	for range 4 {
		s.unstake(ton(1 << 45)).requireOK(t)
		s.advance(time.Second)
	}
	for i := range wrappers.MaxWorkers {
		s.report(fmt.Sprint("worker ", i)).requireOK(t)
	}
	used := s.account(s.provider).State().StorageInfo.StorageUsed
	requireConstant(t, "cells::provider", used.CellsUsed.Int64())
	requireConstant(t, "bits::provider", used.BitsUsed.Int64())
}

// stuffing is a cell of 1,023 bits, of which there is no other.
func stuffing(worker, place int) *cell.Cell {
	return cell.BeginCell().MustStoreUInt(uint64(worker), 64).MustStoreUInt(uint64(place), 64).MustStoreSlice(make([]byte, 112), 895).EndCell()
}

func TestProviderGas_AcceptMessageIsNoLargerThanItsConstants(t *testing.T) {
	t.Parallel()
	most, err := cocoon.ParseNano("1329227995784915872903807060280344575") // 2^120 - 1
	require.NoError(t, err)
	cells, bits := sizeOf(body(t, acceptBody{Bond: coins(most), Pass: &wrappers.Signature{}}))
	requireConstant(t, "cells::accept", int64(cells))
	requireConstant(t, "bits::accept", int64(bits))
}
