package wrappers

import (
	"crypto/sha256"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/contracts"
)

// MaxBirthCodes bounds the provider codes that job terms list.
const MaxBirthCodes = 3

// JobTerms are the registry's rules for jobs. Each job carries those it was offered under.
type JobTerms struct {
	Registry   cocoon.Account `tlb:"bits 256"`
	NetworkBps uint16         `tlb:"## 16"` // of the amount paid
	Treasury   cocoon.Account `tlb:"bits 256"`
	Codes      BirthCodes     `tlb:"^"`
}

// BirthCode names a version of the provider contract: addresses are derived from it.
type BirthCode struct {
	Hash  [32]byte `tlb:"bits 256"`
	Depth uint16   `tlb:"## 16"`
}

// ProviderCode is the version this program deploys.
func ProviderCode() (BirthCode, error) {
	artifact, err := contracts.Load(string(KindProvider))
	if err != nil {
		return BirthCode{}, err
	}
	return BirthCode{[32]byte(artifact.Code.Hash()), artifact.Code.Depth()}, nil
}

// BirthCodes are the versions of the provider contract that may accept a job.
type BirthCodes struct{ List []BirthCode }

// ToCell writes one code after another.
func (c BirthCodes) ToCell() (*cell.Cell, error) {
	if len(c.List) > MaxBirthCodes {
		return nil, cocoon.Invalid.Errorf("terms list at most %d provider codes, not %d", MaxBirthCodes, len(c.List))
	}
	b := cell.BeginCell()
	for _, code := range c.List {
		one, err := Cell(code)
		if err != nil {
			return nil, err
		}
		if err = b.StoreBuilder(one.ToBuilder()); err != nil {
			return nil, fmt.Errorf("store provider codes: %w", err)
		}
	}
	return b.EndCell(), nil
}

// LoadFromCell reads what is left of s as codes.
func (c *BirthCodes) LoadFromCell(s *cell.Slice) error {
	c.List = nil
	for s.BitsLeft() > 0 {
		hash, err := s.LoadSlice(256)
		if err != nil {
			return err
		}
		depth, err := s.LoadUInt(16)
		if err != nil {
			return err
		}
		if c.List = append(c.List, BirthCode{[32]byte(hash), uint16(depth)}); len(c.List) > MaxBirthCodes {
			return cocoon.Invalid.Errorf("more than %d provider codes", MaxBirthCodes)
		}
	}
	return nil
}

// CodeOf is the number of the code under which birth lives at account, as
// accept_job and accept carry it. NotFound says that the job takes no such provider.
func (t JobTerms) CodeOf(birth ProviderBirth, account cocoon.Account) (uint8, error) {
	if birth.Registry != t.Registry {
		return 0, cocoon.NotFound.Errorf("provider %s is registered with %s, the job wants %s", account, birth.Registry, t.Registry)
	}
	data, err := Cell(birth)
	if err != nil {
		return 0, err
	}
	for i, code := range t.Codes.List {
		if code.bornWith(data) == account {
			return uint8(i), nil
		}
	}
	return 0, cocoon.NotFound.Errorf("provider %s runs none of the %d codes that the job takes", account, len(t.Codes.List))
}

// bornWith is the account of a contract of this code that is born with data:
// the hash of its StateInit, for which the code itself is not needed.
func (c BirthCode) bornWith(data *cell.Cell) cocoon.Account {
	representation := []byte{2, 1, 0x34, byte(c.Depth >> 8), byte(c.Depth), byte(data.Depth() >> 8), byte(data.Depth())}
	representation = append(append(representation, c.Hash[:]...), data.Hash()...)
	return sha256.Sum256(representation)
}
