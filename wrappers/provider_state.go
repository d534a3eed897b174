package wrappers

import (
	"cmp"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// MaxWorkers bounds the workers of one provider, retired ones included.
const MaxWorkers = 128

// ProviderBirth is what a provider's address is derived from. An owner may
// have several, by Index.
type ProviderBirth struct {
	_        tlb.Magic      `tlb:"$0"`
	Registry cocoon.Account `tlb:"bits 256"`
	Owner    cocoon.Account `tlb:"bits 256"`
	Index    uint32         `tlb:"## 32"`
}

// Init is the state a provider of this program's code is deployed with.
func (b ProviderBirth) Init() (*tlb.StateInit, error) { return born("provider", b) }

// Account is the address of that provider.
func (b ProviderBirth) Account() (cocoon.Account, error) { return bornAccount(b.Init()) }

// Provider is the state of a provider contract. What it holds beyond Stake,
// Unbonding and the rent it was born with is free.
type Provider struct {
	Birth     ProviderBirth
	Born      bool           // false until the first operation; everything else is zero
	Stake     cocoon.Nano    // locked
	Unbonding cocoon.Nano    // the sum of Tranches
	Allowance cocoon.Nano    // what the operator may still bond
	Operator  [32]byte       // zero where none was set
	Revision  uint64         // of the last order on workers
	GPUs      uint32         // of active workers
	Tranches  []Tranche      // ascending by time
	Workers   []Worker       // ascending by Key, retired ones included
	Awaiting  [32]byte       // hash of the terms that were asked for, zero where none
	TermsHash [32]byte       // of the Terms last taken
	Terms     *ProviderTerms // nil before any were taken
}

// Worker is one GPU machine registered under a provider.
type Worker struct {
	Key       [32]byte
	RetiredAt uint32 // unix seconds; 0 while it is active
	Slashed   bool   // for an equivocation, which happens once
	GPUs      uint16
	Record    *cell.Cell // what DecodeWorkerRecord reads; the contract did not look into its models
}

// Active reports whether the worker may take work.
func (w Worker) Active() bool { return w.RetiredAt == 0 }

type providerState struct {
	_         tlb.Magic  `tlb:"$1"`
	Ties      *cell.Cell `tlb:"^"` // read on their own, so that nothing may follow
	Stake     Coins      `tlb:"."`
	Unbonding Coins      `tlb:"."`
	Leaving   uint8      `tlb:"## 3"`
	Tranches  *cell.Cell `tlb:"maybe ^"`
	Operator  [32]byte   `tlb:"bits 256"`
	// The next four repeat the terms taken.
	Agreed      bool             `tlb:"bool"`
	Period      uint32           `tlb:"## 32"`
	MinProvider fixedCoins       `tlb:"."`
	MinGPU      fixedCoins       `tlb:"."`
	Allowance   fixedCoins       `tlb:"."`
	Revision    uint64           `tlb:"## 64"`
	GPUs        uint32           `tlb:"## 32"`
	Count       uint8            `tlb:"## 8"`
	Workers     *cell.Dictionary `tlb:"dict 256"`
	Slashed     *cell.Dictionary `tlb:"dict 256"` // time by worker
}

type ties struct {
	Registry cocoon.Account `tlb:"bits 256"`
	Owner    cocoon.Account `tlb:"bits 256"`
	Index    uint32         `tlb:"## 32"`
	Awaiting [32]byte       `tlb:"bits 256"`
	Taken    *cell.Cell     `tlb:"maybe ^"`
}

type takenTerms struct {
	Hash  [32]byte       `tlb:"bits 256"`
	Terms *ProviderTerms `tlb:"."`
}

type workerEntry struct {
	RetiredAt uint32     `tlb:"## 32"`
	GPUs      uint16     `tlb:"## 16"`
	Record    *cell.Cell `tlb:"^"`
}

// slashedAt is the value of an entry of slashed workers.
type slashedAt struct {
	Time uint32 `tlb:"## 32"`
}

// DecodeProvider reads a provider's storage, birth data or state, to its end.
func DecodeProvider(data *cell.Cell) (Provider, error) {
	if isBirth(data) {
		birth, err := Decode[ProviderBirth](data)
		return Provider{Birth: birth}, err
	}
	s, err := Decode[providerState](data)
	if err != nil {
		return Provider{}, err
	}
	p := Provider{Born: true, Stake: s.Stake.Nano, Unbonding: s.Unbonding.Nano, Allowance: s.Allowance.Nano, Operator: s.Operator, Revision: s.Revision, GPUs: s.GPUs}
	if err = p.readTies(s.Ties); err != nil {
		return Provider{}, err
	}
	if p.Tranches, err = readTranches(s.Tranches, int(s.Leaving)); err != nil {
		return Provider{}, err
	}
	if p.Workers, err = decodeWorkers(s.Workers, s.Slashed); err != nil {
		return Provider{}, err
	}
	return p, nil
}

// readTies reads the birth and the terms taken.
func (p *Provider) readTies(c *cell.Cell) error {
	t, err := Decode[ties](c)
	if err != nil {
		return err
	}
	p.Birth = ProviderBirth{Registry: t.Registry, Owner: t.Owner, Index: t.Index}
	if p.Awaiting = t.Awaiting; t.Taken == nil {
		return nil
	}
	taken, err := Decode[takenTerms](t.Taken)
	p.TermsHash, p.Terms = taken.Hash, taken.Terms
	return err
}

func decodeSlashed(d *cell.Dictionary) (map[[32]byte]uint32, error) {
	all, err := entries(d, MaxWorkers)
	if err != nil {
		return nil, err
	}
	slashed := make(map[[32]byte]uint32, len(all))
	for _, e := range all {
		key, err := e.key.LoadSlice(256)
		if err != nil {
			return nil, cocoon.Invalid.Errorf("decode a slashed worker: %w", err)
		}
		at, err := readEntry[slashedAt](e.value)
		if err != nil {
			return nil, err
		}
		slashed[[32]byte(key)] = at.Time
	}
	return slashed, nil
}

// decodeWorkers reads the register. Whom a report found active is retired by it.
func decodeWorkers(d, dead *cell.Dictionary) ([]Worker, error) {
	slashed, err := decodeSlashed(dead)
	if err != nil {
		return nil, err
	}
	all, err := entries(d, MaxWorkers)
	if err != nil {
		return nil, err
	}
	workers := make([]Worker, 0, len(all))
	for _, e := range all {
		key, err := e.key.LoadSlice(256)
		if err != nil {
			return nil, cocoon.Invalid.Errorf("decode a worker: %w", err)
		}
		w, err := readEntry[workerEntry](e.value)
		if err != nil {
			return nil, err
		}
		at, found := slashed[[32]byte(key)]
		workers = append(workers, Worker{[32]byte(key), cmp.Or(w.RetiredAt, at), found, w.GPUs, w.Record})
	}
	return workers, nil
}
