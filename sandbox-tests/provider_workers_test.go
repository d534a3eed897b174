package sandboxtests

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// workerRecordOf is a record with gpus GPUs and one model.
func workerRecordOf(gpus uint16) wrappers.WorkerRecord {
	return wrappers.WorkerRecord{GPU: "NVIDIA H100", Region: "eu-west", GPUs: gpus, VRAMMiB: 81_920, UptimeBps: 9_900, Concurrency: 16,
		Models: []wrappers.ModelOffer{{Model: cocoon.NewModelID("Qwen/Qwen3-32B"), Price: priceOf(1)}}}
}

func priceOf(seed uint64) cocoon.Price {
	return cocoon.Price{Prompt: cocoon.NanoOf(100_000_000 + seed), Cached: cocoon.NanoOf(10_000_000 + seed),
		Completion: cocoon.NanoOf(400_000_000 + seed), Reasoning: cocoon.NanoOf(300_000_000 + seed)}
}

// largestRecord fills every bound of a record.
func largestRecord(t *testing.T) wrappers.WorkerRecord {
	t.Helper()
	most, err := cocoon.ParseNano("1329227995784915872903807060280344000")
	require.NoError(t, err)
	r := wrappers.WorkerRecord{GPU: "a GPU whose name takes 32 places", Region: "sixteen places..", GPUs: 1<<16 - 1, VRAMMiB: 1<<32 - 1, UptimeBps: 10_000, Concurrency: 1<<16 - 1}
	for i := range uint64(wrappers.MaxModels) {
		p := plus(t, most, cocoon.NanoOf(i)) // no two cells are the same
		r.Models = append(r.Models, wrappers.ModelOffer{Model: cocoon.NewModelID(fmt.Sprint(i)), Price: cocoon.Price{Prompt: p, Cached: p, Completion: p, Reasoning: p}})
	}
	return r
}

func (s *providerStory) order(worker string, record *cell.Cell) wrappers.PutWorkerOrder {
	s.t.Helper()
	possession, err := wrappers.ProvePossession(keyOf(worker), globalID, s.provider)
	require.NoError(s.t, err)
	s.revision++
	return wrappers.PutWorkerOrder{GlobalID: globalID, Contract: s.provider, Revision: s.revision, Worker: publicOf(worker), Possession: &possession, Record: record}
}

func (s *providerStory) put(o wrappers.PutWorkerOrder, signer string) wrappers.PutWorker {
	s.t.Helper()
	m, err := o.Sign(keyOf(signer), 6, wallet("change"))
	require.NoError(s.t, err)
	return m
}

func (s *providerStory) recordCell(r wrappers.WorkerRecord) *cell.Cell {
	s.t.Helper()
	c, err := r.Cell()
	require.NoError(s.t, err)
	return c
}

func (s *providerStory) putWorkerSignedBy(signer, worker string, r wrappers.WorkerRecord) trace {
	s.t.Helper()
	return ask(s, wallet("relay"), s.fees().PutWorker, s.put(s.order(worker, s.recordCell(r)), signer))
}

func (s *providerStory) putWorker(worker string, r wrappers.WorkerRecord) trace {
	s.t.Helper()
	return s.putWorkerSignedBy("operator", worker, r)
}

func (s *providerStory) retireOrder(worker string) wrappers.RetireWorkerOrder {
	s.revision++
	return wrappers.RetireWorkerOrder{GlobalID: globalID, Contract: s.provider, Revision: s.revision, Worker: publicOf(worker)}
}

func (s *providerStory) retire(o wrappers.RetireWorkerOrder, signer string) wrappers.RetireWorker {
	s.t.Helper()
	m, err := o.Sign(keyOf(signer), 7, wallet("change"))
	require.NoError(s.t, err)
	return m
}

func (s *providerStory) retireWorker(worker string) trace {
	s.t.Helper()
	return ask(s, wallet("relay"), s.fees().RetireWorker, s.retire(s.retireOrder(worker), "operator"))
}

func (s *providerStory) prune(worker string) wrappers.Prune {
	return wrappers.Prune{QueryID: 8, Response: wallet("change"), Worker: publicOf(worker)}
}

func TestProvider_OperatorIsSetByTheOwnerAndProvesItsKey(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 100)
	possession, err := wrappers.ProvePossession(keyOf("operator"), globalID, s.provider)
	require.NoError(t, err)
	m := wrappers.SetOperator{QueryID: 5, Key: publicOf("operator"), Allowance: coins(ton(3)), Possession: &possession}
	s.unchanged(func() {
		s.requireRefused(errWrongSender, ask(s, wallet("stranger"), ton(1), m))
		for _, wrong := range []struct {
			key     [32]byte
			global  int32
			account cocoon.Account
		}{{publicOf("other"), globalID, s.provider}, {publicOf("operator"), -3, s.provider}, {publicOf("operator"), globalID, wallet("other")}} {
			p, err := wrappers.ProvePossession(keyOf("operator"), wrong.global, wrong.account)
			require.NoError(t, err)
			s.requireRefused(errWrongKey, ask(s, s.owner, ton(1), wrappers.SetOperator{Key: wrong.key, Possession: &p}))
		}
		for _, weak := range [][32]byte{{}, {1}} {
			s.requireRefused(errWrongKey, ask(s, s.owner, ton(1), wrappers.SetOperator{Key: weak, Possession: &possession}))
		}
	})
	requireExactValue(s, s.owner, s.fees().SetOperator, m).requireOps(t, opSetOperator, opExcesses)
	p := s.state()
	require.Equal(t, publicOf("operator"), p.Operator)
	require.Equal(t, ton(3), p.Allowance)
	s.requireSolvent()
}

func TestProvider_NewOperatorRevokesTheOlderKeyAtOnce(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	held := s.put(s.order("second", s.recordCell(workerRecordOf(1))), "operator")
	s.setOperator("another", ton(1)).requireOK(t)
	s.unchanged(func() {
		s.requireRefused(errWrongSignature, ask(s, wallet("relay"), s.fees().PutWorker, held))
	})
	s.putWorkerSignedBy("another", "second", workerRecordOf(1)).requireOK(t)
	s.requireSolvent()
}

func TestProvider_RegistersWorkersTheOperatorSigned(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	record := s.recordCell(largestRecord(t))
	small := workerRecordOf(1)
	m := s.put(s.order("second", s.recordCell(small)), "operator")
	requireExactValue(s, wallet("relay"), s.fees().PutWorker, m).requireOps(t, opPutWorker, opExcesses)
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
	s.putWorker("worker", workerRecordOf(1)).requireOK(t)
	require.EqualValues(t, 1, s.state().GPUs)
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

func TestProvider_OrderIsBoundToKeyNetworkContractAndForm(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	record := s.recordCell(workerRecordOf(1))
	change := func(f func(*wrappers.PutWorkerOrder)) wrappers.PutWorker {
		o := s.order("second", record)
		f(&o)
		return s.put(o, "operator")
	}
	other, err := wrappers.ProvePossession(keyOf("other"), globalID, s.provider)
	require.NoError(t, err)
	retire, err := s.retireOrder("worker").Sign(keyOf("operator"), 1, wallet("change"))
	require.NoError(t, err)
	long := change(func(*wrappers.PutWorkerOrder) {})
	long.Order = longer(long.Order)
	_, sig, err := wrappers.Sign(rawCell{long.Order}, keyOf("operator"))
	require.NoError(t, err)
	long.Signature = sig.Bytes
	s.unchanged(func() {
		for name, c := range map[string]struct {
			code int32
			m    wrappers.PutWorker
		}{
			"another network":  {errWrongNetwork, change(func(o *wrappers.PutWorkerOrder) { o.GlobalID = -3 })},
			"another contract": {errWrongContract, change(func(o *wrappers.PutWorkerOrder) { o.Contract = wallet("other") })},
			"another signer":   {errWrongSignature, s.put(s.order("second", record), "other")},
			"another's worker": {errWrongKey, change(func(o *wrappers.PutWorkerOrder) { o.Possession = &other })},
			"another order":    {errWrongSignature, wrappers.PutWorker{Response: retire.Response, Signature: retire.Signature, Order: retire.Order}},
			"a longer order":   {errTrailing, long},
		} {
			t.Log(name)
			s.requireRefused(c.code, ask(s, wallet("relay"), s.fees().PutWorker, c.m))
		}
	})
}

// rawCell signs a cell as it is.
type rawCell struct{ c *cell.Cell }

// ToCell gives the cell.
func (r rawCell) ToCell() (*cell.Cell, error) { return r.c, nil }

func TestProvider_RecordIsBounded(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	base := s.recordCell(workerRecordOf(1))
	const fixed = 256 + 128 // before the counts
	counts := func(gpus, vram, uptime, concurrency uint64) *cell.Cell {
		head := base.MustBeginParse()
		return cell.BeginCell().MustStoreSlice(head.MustLoadSlice(fixed), fixed).MustStoreUInt(gpus, 16).MustStoreUInt(vram, 32).
			MustStoreUInt(uptime, 16).MustStoreUInt(concurrency, 16).MustStoreBoolBit(false).EndCell()
	}
	s.unchanged(func() {
		for name, c := range map[string]struct {
			code int32
			c    *cell.Cell
		}{
			"no GPU":         {errWrongRecord, counts(0, 1, 1, 1)},
			"no memory":      {errWrongRecord, counts(1, 0, 1, 1)},
			"above always":   {errWrongRecord, counts(1, 1, 10_001, 1)},
			"no concurrency": {errWrongRecord, counts(1, 1, 1, 0)},
			"too long":       {errTrailing, longer(base)},
			"too short":      {errTrailing, cell.BeginCell().EndCell()},
			"too many cells": {8, s.stuffed(17, 8)},
			"too many bits":  {errWrongRecord, s.stuffed(16, 1000)},
		} {
			t.Log(name)
			s.requireRefused(c.code, ask(s, wallet("relay"), ton(1), s.put(s.order("second", c.c), "operator")))
		}
	})
	s.putWorkerCell("second", counts(1, 1, 10_000, 1)).requireOK(t)
	s.requireSolvent()
}

// stuffed is a record whose models are a chain of cells, so many in all with so many bits each.
func (s *providerStory) stuffed(cells int, bits uint) *cell.Cell {
	models := cell.BeginCell().EndCell()
	for i := range cells - 2 {
		b := cell.BeginCell().MustStoreUInt(uint64(i), 8)
		if bits > 8 {
			b.MustStoreSlice(make([]byte, bits/8), bits-8)
		}
		models = b.MustStoreRef(models).EndCell()
	}
	head := s.recordCell(wrappers.WorkerRecord{GPU: "x", GPUs: 1, VRAMMiB: 1, Concurrency: 1}).MustBeginParse()
	n := head.BitsLeft() - 1
	return cell.BeginCell().MustStoreSlice(head.MustLoadSlice(n), n).MustStoreBoolBit(true).MustStoreRef(models).EndCell()
}

func (s *providerStory) putWorkerCell(worker string, record *cell.Cell) trace {
	s.t.Helper()
	return ask(s, wallet("relay"), s.fees().PutWorker, s.put(s.order(worker, record), "operator"))
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
	requireExactValue(s, wallet("relay"), s.fees().RetireWorker, m).requireOps(t, opRetireWorker, opExcesses)
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
	requireExactValue(s, wallet("stranger"), s.fees().Prune, s.prune("worker")).requireOps(t, opPrune, opExcesses)
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
