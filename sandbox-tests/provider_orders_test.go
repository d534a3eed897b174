package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

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
	requireExactValue(s, s.owner, s.fees().SetOperator, m).requireOps(t, opSetOperator)
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

func TestProvider_RetireOrderIsReadWhole(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	long := s.retire(s.retireOrder("worker"), "operator")
	long.Order = longer(long.Order)
	_, sig, err := wrappers.Sign(rawCell{long.Order}, keyOf("operator"))
	require.NoError(t, err)
	long.Signature = sig.Bytes
	s.unchanged(func() { s.requireRefused(errTrailing, ask(s, wallet("relay"), s.fees().RetireWorker, long)) })
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
			MustStoreUInt(uptime, 16).MustStoreUInt(concurrency, 16).MustStoreUInt(0, 4).EndCell()
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
			"too long":       {errWrongRecord, longer(base)},
			"too short":      {errTrailing, cell.BeginCell().EndCell()},
			"too deep":       {errWrongRecord, s.stuffed(1, cell.BeginCell().MustStoreRef(cell.BeginCell().EndCell()).EndCell())},
		} {
			t.Log(name)
			s.requireRefused(c.code, ask(s, wallet("relay"), ton(1), s.put(s.order("second", c.c), "operator")))
		}
	})
	s.putWorkerCell("second", counts(1, 1, 10_000, 1)).requireOK(t)
	s.requireSolvent()
}

// The contract does not look into the models, so that readers have to.
func TestProvider_RecordMayHoldAnythingForModels(t *testing.T) {
	t.Parallel()
	s := workingProvider(t)
	s.putWorkerCell("second", s.stuffed(1, cell.BeginCell().MustStoreUInt(5, 9).EndCell())).requireOK(t)
	_, err := wrappers.DecodeWorkerRecord(s.worker("second").Record)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	s.requireSolvent()
}

// stuffed is a record of so many GPUs with these cells for models, whatever is in them.
func (s *providerStory) stuffed(gpus uint16, models ...*cell.Cell) *cell.Cell {
	head := s.recordCell(wrappers.WorkerRecord{GPU: "x", GPUs: gpus, VRAMMiB: 1, Concurrency: 1}).MustBeginParse()
	n := head.BitsLeft() - 4
	b := cell.BeginCell().MustStoreSlice(head.MustLoadSlice(n), n)
	for i := range 4 {
		if b.MustStoreBoolBit(i < len(models)); i < len(models) {
			b.MustStoreRef(models[i])
		}
	}
	return b.EndCell()
}

func (s *providerStory) putWorkerCell(worker string, record *cell.Cell) trace {
	s.t.Helper()
	return ask(s, wallet("relay"), s.fees().PutWorker, s.put(s.order(worker, record), "operator"))
}
