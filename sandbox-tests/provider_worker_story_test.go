package sandboxtests

import (
	"fmt"
	"testing"

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
	r := wrappers.WorkerRecord{GPU: "a GPU whose name takes 32 places", Region: "sixteen places..", GPUs: 1<<16 - 1, VRAMMiB: 1<<32 - 1, UptimeBps: 10_000, Concurrency: 1<<16 - 1}
	for i := range uint64(wrappers.MaxModels) {
		p := cocoon.NanoOf(1<<56 - 1 - i) // no two cells are the same
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
