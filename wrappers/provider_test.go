package wrappers

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

func someRecord(models int) WorkerRecord {
	r := WorkerRecord{GPU: "NVIDIA H100", Region: "eu-west", GPUs: 8, VRAMMiB: 81_920, UptimeBps: 9_900, Concurrency: 64}
	for i := range models {
		r.Models = append(r.Models, ModelOffer{cocoon.NewModelID(fmt.Sprint(i)), cocoon.Price{Prompt: cocoon.NanoOf(uint64(i)), Reasoning: cocoon.NanoOf(1<<56 - 1)}})
	}
	return r
}

// providerCell is a state with so many workers and tranches.
func providerCell(t testing.TB, workers, tranches int, terms *ProviderTerms) *cell.Cell {
	record, err := someRecord(3).Cell()
	require.NoError(t, err)
	ws := cell.NewDict(256)
	for i := range workers {
		key := cocoon.NewModelID(fmt.Sprint("worker ", i))
		entry, err := Cell(workerEntry{RetiredAt: uint32(i), GPUs: 8, Record: record})
		require.NoError(t, err)
		require.NoError(t, ws.Set(cell.BeginCell().MustStoreSlice(key[:], 256).EndCell(), entry))
	}
	tied := ties{Registry: someProviderBirth.Registry, Owner: someProviderBirth.Owner, Index: someProviderBirth.Index, Awaiting: [32]byte{1}}
	if terms != nil {
		tied.Taken, err = Cell(takenTerms{Hash: [32]byte{2}, Terms: terms})
		require.NoError(t, err)
	}
	tiesCell, err := Cell(tied)
	require.NoError(t, err)
	slashed := cell.NewDict(256)
	if workers > 1 {
		at, err := Cell(slashedAt{77})
		require.NoError(t, err)
		key := cocoon.NewModelID("worker 0")
		require.NoError(t, slashed.Set(cell.BeginCell().MustStoreSlice(key[:], 256).EndCell(), at))
	}
	c, err := Cell(providerState{Ties: tiesCell, Stake: Coins{cocoon.TON(100)}, Unbonding: Coins{cocoon.TON(3)}, Allowance: fixedCoins{cocoon.TON(5)}, Leaving: uint8(tranches),
		Tranches: tranchesCell(t, tranches), Operator: [32]byte{3}, Revision: 4, GPUs: 5, Count: uint8(workers), Workers: ws, Slashed: slashed})
	require.NoError(t, err)
	return c
}

// tranchesCell holds n tranches of 1 TON, 2 TON and so on, the first of which is ripe at 1,000.
func tranchesCell(t testing.TB, n int) *cell.Cell {
	if n == 0 {
		return nil
	}
	b := cell.BeginCell()
	for i := range n {
		one, err := Cell(tranche{At: uint32(999 + n - i), Amount: Coins{cocoon.TON(uint64(n - i))}})
		require.NoError(t, err)
		b.MustStoreBuilder(one.ToBuilder())
	}
	return b.EndCell()
}

var someProviderBirth = ProviderBirth{Registry: cocoon.Account{8}, Owner: cocoon.Account{9}, Index: 10}

func TestDecodeProvider_ReadsStateAndBirth(t *testing.T) {
	t.Parallel()
	terms := &ProviderTerms{MinProvider: Coins{cocoon.TON(50)}, MinGPU: Coins{cocoon.TON(20)}, Unbonding: 86400, Treasury: cocoon.Account{7}}
	p, err := DecodeProvider(providerCell(t, 3, 2, terms))
	require.NoError(t, err)
	require.Len(t, p.Workers, 3)
	active := 0
	for i, w := range p.Workers {
		require.True(t, i == 0 || bytes.Compare(p.Workers[i-1].Key[:], w.Key[:]) < 0, "ascending")
		got, err := DecodeWorkerRecord(w.Record)
		require.NoError(t, err)
		require.Equal(t, someRecord(3), got)
		if w.Slashed {
			require.Equal(t, [32]byte(cocoon.NewModelID("worker 0")), w.Key)
			require.EqualValues(t, 77, w.RetiredAt, "the report retired it")
		}
		if w.Active() {
			active++
		}
	}
	require.Zero(t, active)
	p.Workers = nil
	require.Equal(t, Provider{Birth: someProviderBirth, Born: true, Stake: cocoon.TON(100), Unbonding: cocoon.TON(3), Allowance: cocoon.TON(5), Operator: [32]byte{3},
		Revision: 4, GPUs: 5, Tranches: []Tranche{{1000, cocoon.TON(1)}, {1001, cocoon.TON(2)}}, Awaiting: [32]byte{1}, TermsHash: [32]byte{2}, Terms: terms}, p)

	c, err := Cell(someProviderBirth)
	require.NoError(t, err)
	p, err = DecodeProvider(c)
	require.NoError(t, err)
	require.Equal(t, Provider{Birth: someProviderBirth}, p)
}

func TestDecodeProvider_RefusesWhatNoContractStores(t *testing.T) {
	t.Parallel()
	state := providerCell(t, 1, 1, nil)
	for name, c := range map[string]*cell.Cell{
		"nothing":        nil,
		"no bits":        cell.BeginCell().EndCell(),
		"a bit too many": state.ToBuilder().MustStoreUInt(0, 1).EndCell(),
		"cut short":      cell.BeginCell().MustStoreUInt(0b11, 2).EndCell(),
		"five tranches":  providerCell(t, 1, 5, nil),
		"129 workers":    providerCell(t, 129, 1, nil),
	} {
		_, err := DecodeProvider(c)
		require.Error(t, err, name)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

func FuzzDecodeProvider(f *testing.F) {
	f.Add(providerCell(f, 3, 2, &ProviderTerms{Unbonding: 1}).ToBOC())
	f.Add(providerCell(f, 0, 0, nil).ToBOC())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, boc []byte) {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		p, err := DecodeProvider(c)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		require.LessOrEqual(t, len(p.Workers), MaxWorkers)
		for _, w := range p.Workers {
			if r, err := DecodeWorkerRecord(w.Record); err == nil {
				require.NoError(t, r.Validate())
			}
		}
	})
}

func FuzzDecodeWorkerRecord(f *testing.F) {
	for n := range MaxModels + 1 {
		c, err := someRecord(n).Cell()
		require.NoError(f, err)
		f.Add(c.ToBOC())
	}
	f.Fuzz(func(t *testing.T, boc []byte) {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		r, err := DecodeWorkerRecord(c)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		again, err := r.Cell()
		require.NoError(t, err)
		got, err := DecodeWorkerRecord(again)
		require.NoError(t, err)
		require.Equal(t, r, got)
	})
}

func FuzzDecodeProviderMessage(f *testing.F) {
	operator := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	m, err := AcceptJobOrder{Job: cocoon.Account{1}, Bond: Coins{cocoon.TON(1)}, Pass: &Signature{}}.Sign(operator, 1, cocoon.Account{2})
	require.NoError(f, err)
	c, err := Cell(m)
	require.NoError(f, err)
	f.Add(c.ToBOC())
	fuzzMessages(f, KindProvider)
}

func TestMessages_OfProviderDecodeToWhatWasEncoded(t *testing.T) {
	t.Parallel()
	order := cell.BeginCell().MustStoreUInt(1, 1).EndCell()
	for _, m := range []struct {
		kind Kind
		name string
		v    any
		c    *cell.Cell
	}{
		encoded(t, KindProvider, "refresh_terms", RefreshTerms{QueryID: 1, Hash: [32]byte{2}}),
		encoded(t, KindProvider, "withdraw", Withdraw{QueryID: 1, Amount: Coins{cocoon.TON(2)}}),
		encoded(t, KindProvider, "stake", Stake{QueryID: 1, Amount: Coins{cocoon.TON(2)}, Response: cocoon.Account{3}}),
		encoded(t, KindProvider, "request_unstake", RequestUnstake{QueryID: 1, Amount: Coins{cocoon.TON(2)}}),
		encoded(t, KindProvider, "set_operator", SetOperator{QueryID: 1, Key: [32]byte{2}, Allowance: Coins{cocoon.TON(3)}, Possession: &Signature{[64]byte{4}}}),
		encoded(t, KindProvider, "prune", Prune{QueryID: 1, Response: cocoon.Account{2}, Worker: [32]byte{3}}),
		encoded(t, KindProvider, "income", Income{QueryID: 1, Bond: Coins{cocoon.TON(2)}}),
		encoded(t, KindProvider, "put_worker", PutWorker{QueryID: 1, Signature: [64]byte{2}, Order: order}),
		encoded(t, KindProvider, "retire_worker", RetireWorker{QueryID: 1, Signature: [64]byte{2}, Order: order}),
		encoded(t, KindProvider, "accept_job", AcceptJob{QueryID: 1, Signature: [64]byte{2}, Order: order}),
	} {
		name, v, err := DecodeMessage(m.kind, m.c)
		require.NoError(t, err, m.name)
		require.Equal(t, m.name, name)
		require.Equal(t, m.v, v)
	}
}

func TestWorkerRecord_SaysWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*WorkerRecord){
		"at least one GPU":    func(r *WorkerRecord) { r.GPUs = 0 },
		"memory on it":        func(r *WorkerRecord) { r.VRAMMiB = 0 },
		"one request":         func(r *WorkerRecord) { r.Concurrency = 0 },
		"above 10000":         func(r *WorkerRecord) { r.UptimeBps = 10_001 },
		"at most 8 models":    func(r *WorkerRecord) { r.Models = someRecord(9).Models },
		"stays below":         func(r *WorkerRecord) { r.Models[1].Price.Cached = cocoon.NanoOf(1 << 56) },
		"offered twice":       func(r *WorkerRecord) { r.Models = append(r.Models, r.Models[0]) },
		"longer than 32":      func(r *WorkerRecord) { r.GPU = strings.Repeat("x", 33) },
		"longer than 16":      func(r *WorkerRecord) { r.Region = strings.Repeat("x", 17) },
		"not printable ASCII": func(r *WorkerRecord) { r.GPU = "Grafikkarte mit ü" },
		"is not printable":    func(r *WorkerRecord) { r.Region = "a\x00b" },
	} {
		r := someRecord(2)
		change(&r)
		_, err := r.Cell()
		require.ErrorContains(t, err, want)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
}

func TestOrders_AreSignedOverTheirCells(t *testing.T) {
	t.Parallel()
	operator := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := operator.Public().(ed25519.PublicKey)
	put, err := PutWorkerOrder{GlobalID: -3, Contract: cocoon.Account{1}, Revision: 2, Possession: &Signature{}, Record: cell.BeginCell().EndCell()}.Sign(operator, 7, cocoon.Account{3})
	require.NoError(t, err)
	require.True(t, ed25519.Verify(public, put.Order.Hash(), put.Signature[:]))
	retire, err := RetireWorkerOrder{GlobalID: -3, Contract: cocoon.Account{1}, Revision: 2}.Sign(operator, 7, cocoon.Account{3})
	require.NoError(t, err)
	require.True(t, ed25519.Verify(public, retire.Order.Hash(), retire.Signature[:]))
	accept, err := AcceptJobOrder{GlobalID: -3, Contract: cocoon.Account{1}, Code: 2}.Sign(operator, 7, cocoon.Account{3})
	require.NoError(t, err)
	require.True(t, ed25519.Verify(public, accept.Order.Hash(), accept.Signature[:]))
	order, err := Decode[AcceptJobOrder](accept.Order)
	require.NoError(t, err)
	require.EqualValues(t, 2, order.Code)
	require.Nil(t, order.Pass)
}

func TestProviderBirth_IsAnAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[cocoon.Account]bool{}
	for _, b := range []ProviderBirth{{}, {Index: 1}, {Owner: cocoon.Account{1}}, {Registry: cocoon.Account{1}}} {
		a, err := b.Account()
		require.NoError(t, err)
		require.False(t, seen[a])
		seen[a] = true
	}
}
