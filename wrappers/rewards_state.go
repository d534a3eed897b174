package wrappers

import (
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// RewardsBirth is what a rewards contract's address is derived from.
type RewardsBirth struct {
	_        tlb.Magic      `tlb:"$0"`
	Registry cocoon.Account `tlb:"bits 256"`
	Owner    cocoon.Account `tlb:"bits 256"`
	Index    uint32         `tlb:"## 32"`
}

// Init is the state a rewards contract of this program's code is deployed with.
func (b RewardsBirth) Init() (*tlb.StateInit, error) { return born("rewards", b) }

// Account is the address of that contract.
func (b RewardsBirth) Account() (cocoon.Account, error) { return bornAccount(b.Init()) }

// Tranche is a part of a stake or bond that is leaving.
type Tranche struct {
	At     uint32 // unix seconds, from which on it may be withdrawn
	Amount cocoon.Nano
}

// Rewards is the state of a rewards contract.
type Rewards struct {
	Birth     RewardsBirth
	Bond      cocoon.Nano
	Unbonding cocoon.Nano
	Cap       cocoon.Nano // of what a retry of Number may take
	Number    uint32      // of the epoch that is pending or comes next, from 1
	Attempt   uint16
	Operator  cocoon.Account
	Pending   cocoon.Account // the epoch that has not passed, zero where there is none
	Tranches  []Tranche      // by time
	Awaiting  [32]byte       // hash of the terms asked for, zero where none are
	TermsHash [32]byte       // of the terms taken, as the registry has them
	Terms     *RewardsTerms  // the terms taken, clamped; nil before
}

type rewardsState struct {
	_         tlb.Magic          `tlb:"$1"`
	Bond      Coins              `tlb:"."`
	Unbonding Coins              `tlb:"."`
	Cap       Coins              `tlb:"."`
	Number    uint32             `tlb:"## 32"`
	Attempt   uint16             `tlb:"## 16"`
	Operator  cocoon.Account     `tlb:"bits 256"`
	Pending   cocoon.Account     `tlb:"bits 256"`
	Tranches  *cell.Dictionary   `tlb:"dict 32"`
	Birth     *RewardsBirth      `tlb:"^"`
	Taken     *takenRewardsTerms `tlb:"^"`
}

type takenRewardsTerms struct {
	Awaiting [32]byte      `tlb:"bits 256"`
	Hash     [32]byte      `tlb:"bits 256"`
	Terms    *RewardsTerms `tlb:"maybe ^"`
}

// DecodeRewards reads a rewards contract's storage, birth data or state, to its
// end. Birth data stands for the state it will become.
func DecodeRewards(data *cell.Cell) (Rewards, error) {
	if isBirth(data) {
		birth, err := Decode[RewardsBirth](data)
		return Rewards{Birth: birth, Number: 1, Operator: birth.Owner}, err
	}
	s, err := Decode[rewardsState](data)
	if err != nil {
		return Rewards{}, err
	}
	tranches, err := decodeTranches(s.Tranches)
	if err != nil {
		return Rewards{}, err
	}
	return Rewards{*s.Birth, s.Bond.Nano, s.Unbonding.Nano, s.Cap.Nano, s.Number, s.Attempt, s.Operator, s.Pending, tranches,
		s.Taken.Awaiting, s.Taken.Hash, s.Taken.Terms}, nil
}

const maxTranches = 4

// decodeTranches reads at most maxTranches of them, in order of time.
func decodeTranches(d *cell.Dictionary) ([]Tranche, error) {
	it, err := d.Iterator(false, false)
	if err != nil {
		return nil, cocoon.Invalid.Errorf("decode tranches: %w", err)
	}
	var tranches []Tranche
	for it.Next() {
		if len(tranches) == maxTranches {
			return nil, cocoon.Invalid.Errorf("decode tranches: more than %d", maxTranches)
		}
		at, err := it.Key().MustBeginParse().LoadUInt(32)
		if err != nil {
			return nil, cocoon.Invalid.Errorf("decode tranches: %w", err)
		}
		value, err := it.Value().ToCell()
		if err != nil {
			return nil, cocoon.Invalid.Errorf("decode tranche of %d: %w", at, err)
		}
		amount, err := Decode[struct {
			Amount Coins `tlb:"."`
		}](value)
		if err != nil {
			return nil, err
		}
		tranches = append(tranches, Tranche{uint32(at), amount.Amount.Nano})
	}
	if err = it.Err(); err != nil {
		return nil, cocoon.Invalid.Errorf("decode tranches: %w", err)
	}
	return tranches, nil
}
