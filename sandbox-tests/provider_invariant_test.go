package sandboxtests

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// history is a random one of a provider with a few workers.
type history struct {
	*providerStory
	rand *rand.Rand
	jobs []cocoon.Account
	took map[uint32]int // operations that succeeded
}

func TestProvider_MoneyAddsUpOverAnyHistory(t *testing.T) {
	t.Parallel()
	var lock sync.Mutex
	took := map[uint32]int{}
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(8) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				h := &history{providerStory: workingProvider(t), rand: rand.New(rand.NewPCG(seed, 2)), took: map[uint32]int{}}
				h.jobs = []cocoon.Account{h.taker(), h.refuser()}
				for range 300 {
					h.step()
					h.requireConsistent()
				}
				lock.Lock()
				defer lock.Unlock()
				for op, n := range h.took {
					took[op] += n
				}
			})
		}
	})
	for _, op := range []uint32{opStake, opUnstake, opWithdraw, opPutWorker, opRetireWorker, opPrune, opAcceptJob, opReport, opIncome, opSetOperator, opTerms} {
		require.Positive(t, took[op], "no %#08x succeeded: these histories say little", op)
	}
}

// amount is anything up to so many TON.
func (h *history) amount(most uint64) cocoon.Nano {
	return cocoon.NanoOf(h.rand.Uint64N(most * 1_000_000_000))
}

func (h *history) name() string { return fmt.Sprint("worker ", h.rand.IntN(5)) }

// step does anything; no step is sure to succeed.
func (h *history) step() {
	var tr trace
	switch h.rand.IntN(14) {
	case 0, 1:
		tr = h.stake(h.amount(60))
	case 2:
		tr = h.unstake(h.amount(60))
	case 3:
		tr = h.withdraw(h.amount(1 + h.rand.Uint64N(20)))
	case 4, 5, 6:
		tr = h.putWorker(h.name(), workerRecordOf(1+uint16(h.rand.UintN(3))))
	case 7:
		tr = h.retireWorker(h.name())
	case 8:
		tr = ask(h.providerStory, wallet("anyone"), h.fees().Prune, h.prune(h.name()))
	case 9:
		o := h.acceptOrder(h.jobs[h.rand.IntN(2)], h.amount(5))
		o.Worker = publicOf(h.name())
		tr = h.acceptJob(o)
	case 10:
		value := plus(h.t, h.fees().ReportEquivocation, h.amount(2))
		tr = ask(h.providerStory, wallet("anyone"), value, h.evidence(h.name()).message(h.t))
	case 11:
		tr = h.money()
	case 12:
		h.advance(time.Duration(h.rand.IntN(9)) * 24 * time.Hour)
		return
	case 13:
		h.changeTerms()
		return
	}
	h.note(tr)
}

// money comes in, or is allowed to be bonded.
func (h *history) money() trace {
	switch h.rand.IntN(3) {
	case 0:
		h.topUp(h.amount(10))
		return h.setOperator("operator", h.amount(30))
	case 1:
		return h.setOperator("operator", h.amount(30))
	}
	return h.send(wallet("job"), chain.Message{To: h.provider, Amount: h.amount(5), Body: body(h.t, wrappers.Income{Bond: coins(h.amount(5))})})
}

func (h *history) changeTerms() {
	other := h.terms
	other.Provider = &wrappers.ProviderTerms{MinProvider: coins(h.amount(50)), MinGPU: coins(h.amount(25)), Unbonding: h.rand.Uint32N(20 * 86400), Treasury: wallet("treasury")}
	h.takeTerms(other)
	h.took[opTerms]++
}

func (h *history) note(tr trace) {
	if s := tr.steps[0]; !s.aborted {
		h.took[s.op()]++
	}
}

// requireConsistent wants the debts to be held and every sum in the state to be
// what it sums up.
func (h *history) requireConsistent() {
	h.t.Helper()
	h.requireSolvent()
	p, leaving := h.state(), cocoon.Nano{}
	for _, tranche := range p.Tranches {
		leaving = plus(h.t, leaving, tranche.Amount)
	}
	require.Equal(h.t, p.Unbonding, leaving)
	gpus := uint32(0)
	for _, w := range p.Workers {
		require.False(h.t, w.Slashed && w.Active(), "a slashed worker is dead")
		if w.Active() {
			gpus += uint32(w.GPUs)
		}
	}
	require.Equal(h.t, p.GPUs, gpus)
}
