package sandboxtests

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestProvider_RegistersWorkersTheOperatorSigned(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	record := s.recordCell(largestRecord(t))
	small := workerRecordOf(1)
	m := s.put(s.order("second", s.recordCell(small)), "operator")
	requireExactValue(s, wallet("relay"), s.fees().PutWorker, m).requireOps(t, opPutWorker)
	p := s.state()
	require.Len(t, p.Workers, 2)
	require.EqualValues(t, 2, p.GPUs)
	require.Equal(t, s.revision, p.Revision)
	for _, w := range p.Workers {
		require.True(t, w.Active())
		got, err := wrappers.DecodeWorkerRecord(w.Record)
		require.NoError(t, err)
		require.Equal(t, small, got)
	}
	s.unchanged(func() {
		s.requireRefused(errStaleRevision, ask(s, wallet("relay"), s.fees().PutWorker, m))
		s.requireRefused(errNotEnoughStake, ask(s, wallet("relay"), s.fees().PutWorker, s.put(s.order("third", record), "operator")))
	})
	s.requireSolvent()
}

func TestProvider_RecordOfAnActiveWorkerCanChange(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	changed := workerRecordOf(2)
	changed.Models[0].Price = priceOf(77)
	s.putWorker("worker", changed).requireOK(t)
	p := s.state()
	require.Len(t, p.Workers, 1)
	require.EqualValues(t, 2, p.GPUs)
	s.unchanged(func() { s.requireRefused(errNotEnoughStake, s.putWorker("worker", workerRecordOf(3))) }) // 50 + 3 * 20 > 100
	changed.Models[0].Price = priceOf(78)
	s.putWorker("worker", changed).requireOK(t)
	require.Len(t, s.state().Workers, 1)
	require.EqualValues(t, 2, s.state().GPUs)
	s.requireSolvent()
}

// A worker that expects a report must not make itself cheap before it arrives.
func TestProvider_RecordNeverShrinks(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 200)
	s.setOperator("operator", ton(30)).requireOK(t)
	s.putWorker("worker", workerRecordOf(3)).requireOK(t)
	s.unchanged(func() { s.requireRefused(errWrongRecord, s.putWorker("worker", workerRecordOf(2))) })
	s.putWorker("worker", workerRecordOf(4)).requireOK(t)
	s.unchanged(func() { s.requireRefused(errWrongRecord, s.putWorker("worker", workerRecordOf(3))) })
	s.requireTaken(s.report("worker").requireOK(t), ton(80), cocoon.Nano{})
}

func TestProvider_WorkerNeedsTermsAndStake(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	s.stake(ton(69)).requireOK(t)
	s.setOperator("operator", ton(30)).requireOK(t)
	s.unchanged(func() { s.requireRefused(errNoTerms, s.putWorker("worker", workerRecordOf(1))) })
	s.takeTerms(s.terms)
	s.unchanged(func() { s.requireRefused(errNotEnoughStake, s.putWorker("worker", workerRecordOf(1))) })
	s.stake(ton(1)).requireOK(t)
	s.putWorker("worker", workerRecordOf(1)).requireOK(t)
}

func TestProvider_RetiredWorkerStaysDeadUntilPruned(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	m := s.retire(s.retireOrder("worker"), "operator")
	s.unchanged(func() {
		s.requireRefused(errWrongSignature, ask(s, wallet("relay"), ton(1), s.retire(s.retireOrder("worker"), "other")))
		s.requireRefused(errUnknownWorker, ask(s, wallet("relay"), ton(1), s.retire(s.retireOrder("unknown"), "operator")))
		s.requireRefused(errTooEarly, ask(s, wallet("stranger"), ton(1), s.prune("worker")))
	})
	requireExactValue(s, wallet("relay"), s.fees().RetireWorker, m).requireOps(t, opRetireWorker)
	p := s.state()
	require.Equal(t, s.now, p.Workers[0].RetiredAt)
	require.Zero(t, p.GPUs)
	s.unchanged(func() {
		s.requireRefused(errStaleRevision, ask(s, wallet("relay"), ton(1), m))
		s.requireRefused(errWorkerInactive, s.retireWorker("worker"))
		s.requireRefused(errWorkerInactive, s.putWorker("worker", workerRecordOf(1)))
		s.advance(unbonding - time.Second)
		s.requireRefused(errTooEarly, ask(s, wallet("stranger"), ton(1), s.prune("worker")))
		s.requireRefused(errUnknownWorker, ask(s, wallet("stranger"), ton(1), s.prune("unknown")))
		s.advance(time.Second)
	})
	requireExactValue(s, wallet("stranger"), s.fees().Prune, s.prune("worker")).requireOps(t, opPrune)
	require.Empty(t, s.state().Workers)
	s.putWorker("worker", workerRecordOf(1)).requireOK(t)
	s.requireSolvent()
}

// fullProvider has 128 workers with this record.
func fullProvider(t *testing.T, record wrappers.WorkerRecord) *providerStory {
	t.Helper()
	s := stakedProvider(t, 1_000_000_000)
	s.setOperator("operator", ton(30)).requireOK(t)
	for i := range wrappers.MaxWorkers {
		s.putWorker(fmt.Sprint("worker ", i), record).requireOK(t)
	}
	require.Len(t, s.state().Workers, wrappers.MaxWorkers)
	return s
}

func TestProvider_HoldsAtMost128WorkersRetiredOnesIncluded(t *testing.T) {
	t.Parallel()
	s := fullProvider(t, workerRecordOf(1))
	s.unchanged(func() { s.requireRefused(errTooMany, s.putWorker("one more", workerRecordOf(1))) })
	s.putWorker("worker 5", workerRecordOf(2)).requireOK(t)
	s.retireWorker("worker 5").requireOK(t)
	s.unchanged(func() { s.requireRefused(errTooMany, s.putWorker("one more", workerRecordOf(1))) })
	s.advance(unbonding)
	ask(s, wallet("stranger"), s.fees().Prune, s.prune("worker 5")).requireOK(t)
	s.putWorker("one more", workerRecordOf(1)).requireOK(t)
	require.EqualValues(t, wrappers.MaxWorkers, s.state().GPUs)
	s.requireSolvent()
}
