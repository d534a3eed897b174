package sandboxtests

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// crowdedProvider has 128 workers with the largest records.
func crowdedProvider(t *testing.T) *providerStory {
	t.Helper()
	s := fullProvider(t, largestRecord(t))
	s.topUp(ton(30))
	return s
}

// unstakeInFour leaves no stake, and four tranches of which a slash takes all but
// a part of the oldest.
func (s *providerStory) unstakeInFour() {
	s.t.Helper()
	share := ton(20 * (1<<16 - 1))
	third, err := share.MulDiv(3, 10)
	require.NoError(s.t, err)
	rest := s.state().Stake
	for range 3 {
		rest = minus(s.t, rest, third)
	}
	for _, amount := range []cocoon.Nano{rest, third, third, third} {
		s.unstake(amount).requireOK(s.t)
		s.advance(time.Second)
	}
}

// reportGenerously reports worker number i with a TON more than the fee, which
// comes back with the fifth.
func (s *providerStory) reportGenerously(i int) step {
	s.t.Helper()
	value := plus(s.t, s.fees().ReportEquivocation, ton(1))
	tr := ask(s, wallet("anyone"), value, s.evidence(fmt.Sprint("worker ", i)).message(s.t)).requireOK(s.t)
	s.requireTaken(tr, ton(20*(1<<16-1)), ton(1))
	return tr.step(s.t, opReport)
}

// TestProviderGas_Reports looks for the worst of 128 keys as well: each is reported
// as the first, then most of them in turn.
func TestProviderGas_Reports(t *testing.T) {
	t.Parallel()
	s := crowdedProvider(t)
	for range 3 {
		s.unstake(ton(1)).requireOK(t)
		s.advance(time.Second)
	}
	s.unstake(ton(1)).requireOK(t)
	var first step
	deepest := 0
	for i := range wrappers.MaxWorkers {
		s.rehearse(func() {
			if one := s.reportGenerously(i); one.gas > first.gas {
				first, deepest = one, i
			}
		})
	}
	requireGas(t, "provider/report_equivocation, 128 workers", first.gas)
	s.advance(unbonding)
	s.withdraw(ton(4)).requireOK(t)
	s.rehearse(func() {
		s.unstakeInFour()
		requireGas(t, "provider/report_equivocation, 128 workers, out of four tranches", s.reportGenerously(deepest).gas)
	})
	s.reportAllInTurn(t)
}

func (s *providerStory) reportAllInTurn(t *testing.T) {
	t.Helper()
	last, job := wrappers.MaxWorkers-1, s.taker()
	var report, prune step
	for i := range last {
		report = worse(report, s.reportGenerously(i))
	}
	relay, change, name := wallet("relay"), wallet("change"), fmt.Sprint("worker ", last)
	dearest := func(operation string, op uint32, act func() trace) {
		s.rehearse(func() {
			measure(t, "provider/"+operation+", 127 slashed workers, excess", operation, act().step(t, op))
		})
	}
	dearest("accept_job", opAcceptJob, func() trace {
		o := s.acceptOrder(job, cocoon.NanoOf(1))
		o.Worker = publicOf(name)
		return generously(s, relay, change, s.fees().AcceptJob, s.accept(o, "operator"))
	})
	dearest("put_worker", opPutWorker, func() trace {
		return generously(s, relay, change, s.fees().PutWorker, s.put(s.order(name, s.recordCell(largestRecord(t))), "operator"))
	})
	dearest("retire_worker", opRetireWorker, func() trace {
		return generously(s, relay, change, s.fees().RetireWorker, s.retire(s.retireOrder(name), "operator"))
	})
	s.unstakeInFour()
	report = worse(report, s.reportGenerously(last))
	measure(t, "provider/report_equivocation, all 128 in turn, out of four tranches", "report_equivocation", report)
	s.advance(unbonding)
	for i := range wrappers.MaxWorkers {
		prune = worse(prune, generously(s, relay, change, s.fees().Prune, s.prune(fmt.Sprint("worker ", i))).step(t, opPrune))
	}
	measure(t, "provider/prune, 128 slashed workers, excess", "prune", prune)
	require.Empty(t, s.state().Workers)
}
