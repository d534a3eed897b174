package wrappers

import (
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// Bounds of a registry's state.
const (
	MaxListed    = 1000 // models, and as many images
	MaxCodes     = 64
	MaxAnnounced = 16
)

// RegistryBirth is what a registry's address is derived from.
type RegistryBirth struct {
	_     tlb.Magic      `tlb:"$0"`
	Owner cocoon.Account `tlb:"bits 256"`
	Delay uint32         `tlb:"## 32"` // seconds that announced changes wait and suspensions last
}

// Init is the state a registry of this program's code is deployed with.
func (b RegistryBirth) Init() (*tlb.StateInit, error) { return born("registry", b) }

// Account is the address of that registry.
func (b RegistryBirth) Account() (cocoon.Account, error) { return bornAccount(b.Init()) }

// Registry is the state of a registry contract.
type Registry struct {
	Owner      cocoon.Account
	Delay      uint32         // seconds
	Guardian   cocoon.Account // zero is nobody
	NextOwner  cocoon.Account // who may take the ownership, zero is nobody
	Launched   bool
	NextChange uint32     // id of the change that is announced next
	Terms      *cell.Cell // a Terms; nil before they are published
	JobTerms   *cell.Cell // a JobTerms; nil before they are published
	Announced  []Change   // ascending by ID
	Models     []Listed   // ascending by Key, as all lists are; Data is a ModelData
	Images     []Listed   // Data is an ImageData
	Codes      []Listed   // Data is a CodeData; never suspended
}

// Change is an announced change that is not in force.
type Change struct {
	ID        uint32
	Kind      ChangeKind
	Key       [32]byte
	AppliesAt uint32     // unix seconds
	Value     *cell.Cell // nil where it removes or Kind has none
}

// Listed is one entry of a registry's lists.
type Listed struct {
	Key            [32]byte
	SuspendedUntil uint32     // unix seconds
	Data           *cell.Cell // the owner's word; the contract does not look into it
}

// Suspended reports whether the entry is not to be used at that time.
func (l Listed) Suspended(now uint32) bool { return now < l.SuspendedUntil }

type registryState struct {
	_              tlb.Magic      `tlb:"$1"`
	Owner          cocoon.Account `tlb:"bits 256"`
	Delay          uint32         `tlb:"## 32"`
	Guardian       cocoon.Account `tlb:"bits 256"`
	NextOwner      cocoon.Account `tlb:"bits 256"`
	Launched       bool           `tlb:"bool"`
	NextChange     uint32         `tlb:"## 32"`
	AnnouncedCount uint8          `tlb:"## 8"`
	ModelCount     uint16         `tlb:"## 16"`
	ImageCount     uint16         `tlb:"## 16"`
	CodeCount      uint8          `tlb:"## 8"`
	Terms          *cell.Cell     `tlb:"maybe ^"`
	More           *registryMore  `tlb:"^"`
}

type registryMore struct {
	JobTerms  *cell.Cell       `tlb:"maybe ^"`
	Announced *cell.Dictionary `tlb:"dict 32"`
	Models    *cell.Dictionary `tlb:"dict 256"`
	Lists     *registryLists   `tlb:"^"`
}

type registryLists struct {
	Images *cell.Dictionary `tlb:"dict 256"`
	Codes  *cell.Dictionary `tlb:"dict 256"`
}

type changeEntry struct {
	Kind      ChangeKind `tlb:"## 8"`
	Key       [32]byte   `tlb:"bits 256"`
	AppliesAt uint32     `tlb:"## 32"`
	Value     *cell.Cell `tlb:"maybe ^"`
}

type listedEntry struct {
	SuspendedUntil uint32     `tlb:"## 32"`
	Data           *cell.Cell `tlb:"^"`
}

// refEntry is an entry whose value lies in a cell of its own.
type refEntry struct {
	Value *cell.Cell `tlb:"^"`
}

// DecodeRegistry reads a registry's storage, birth data or state, to its end.
// Birth data stands for the state it will become.
func DecodeRegistry(data *cell.Cell) (Registry, error) {
	if isBirth(data) {
		birth, err := Decode[RegistryBirth](data)
		return Registry{Owner: birth.Owner, Delay: birth.Delay}, err
	}
	s, err := Decode[registryState](data)
	if err != nil {
		return Registry{}, err
	}
	r := Registry{Owner: s.Owner, Delay: s.Delay, Guardian: s.Guardian, NextOwner: s.NextOwner, Launched: s.Launched, NextChange: s.NextChange,
		Terms: s.Terms, JobTerms: s.More.JobTerms}
	if r.Announced, err = decodeChanges(s.More.Announced); err != nil {
		return Registry{}, err
	}
	if r.Models, err = decodeList(s.More.Models, MaxListed, true); err != nil {
		return Registry{}, err
	}
	if r.Images, err = decodeList(s.More.Lists.Images, MaxListed, true); err != nil {
		return Registry{}, err
	}
	r.Codes, err = decodeList(s.More.Lists.Codes, MaxCodes, false)
	return r, err
}

func decodeChanges(d *cell.Dictionary) ([]Change, error) {
	all, err := entries(d, MaxAnnounced)
	if err != nil {
		return nil, err
	}
	changes := make([]Change, 0, len(all))
	for _, e := range all {
		id, err := e.key.LoadUInt(32)
		if err != nil {
			return nil, cocoon.Invalid.Errorf("decode a change: %w", err)
		}
		ref, err := readEntry[refEntry](e.value)
		if err != nil {
			return nil, err
		}
		c, err := Decode[changeEntry](ref.Value)
		if err != nil {
			return nil, err
		}
		changes = append(changes, Change{uint32(id), c.Kind, c.Key, c.AppliesAt, c.Value})
	}
	return changes, nil
}

// decodeList reads a list; the entries of a suspendable one say until when they are suspended.
func decodeList(d *cell.Dictionary, limit int, suspendable bool) ([]Listed, error) {
	all, err := entries(d, limit)
	if err != nil {
		return nil, err
	}
	list := make([]Listed, 0, len(all))
	for _, e := range all {
		key, err := e.key.LoadSlice(256)
		if err != nil {
			return nil, cocoon.Invalid.Errorf("decode a list: %w", err)
		}
		ref, err := readEntry[refEntry](e.value)
		if err != nil {
			return nil, err
		}
		entry := listedEntry{Data: ref.Value}
		if suspendable {
			if entry, err = Decode[listedEntry](ref.Value); err != nil {
				return nil, err
			}
		}
		list = append(list, Listed{[32]byte(key), entry.SuspendedUntil, entry.Data})
	}
	return list, nil
}
