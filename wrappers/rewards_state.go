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

// Rewards is the state of a rewards contract.
type Rewards struct {
	Birth     RewardsBirth
	Owner     cocoon.Account
	NextOwner cocoon.Account // may become the owner, zero where nobody may
	Heir      cocoon.Account // takes over after a long silence, zero where nobody does
	Operator  cocoon.Account
	SeenAt    uint32 // unix seconds, when owner or operator last sent something
	Bond      cocoon.Nano
	Unbonding cocoon.Nano // the sum of Tranches
	Cap       cocoon.Nano // of what a retry of Number may take
	Number    uint32      // of the epoch that is pending or comes next, from 1
	Attempt   uint16
	Owed      uint32         // nothing leaves before Number is above it
	Pending   cocoon.Account // the epoch that has not passed, zero where there is none
	Tranches  []Tranche      // ascending by time
	Keys      ReceiptKeys
	Awaiting  [32]byte      // hash of the terms asked for, zero where none are
	TermsHash [32]byte      // of the terms taken, as the registry has them
	Terms     *RewardsTerms // the terms taken, clamped; nil before
}

// ReceiptKeys are the keys that receipts verify under, and where their owner is reached.
type ReceiptKeys struct {
	Key      [32]byte  `tlb:"bits 256"` // zero where there is none
	Next     [32]byte  `tlb:"bits 256"` // of numbers from NextFrom on
	NextFrom uint32    `tlb:"## 32"`    // 0 while there is no Next
	Endpoint *Endpoint `tlb:"maybe ^"`
}

// Of is the key that signs the receipts of number, zero where there is none.
func (k ReceiptKeys) Of(number uint32) [32]byte {
	if k.NextFrom != 0 && number >= k.NextFrom {
		return k.Next
	}
	return k.Key
}

type rewardsState struct {
	_         tlb.Magic          `tlb:"$1"`
	Bond      Coins              `tlb:"."`
	Unbonding Coins              `tlb:"."`
	Cap       Coins              `tlb:"."`
	Number    uint32             `tlb:"## 32"`
	Attempt   uint16             `tlb:"## 16"`
	Owed      uint32             `tlb:"## 32"`
	SeenAt    uint32             `tlb:"## 32"`
	Pending   cocoon.Account     `tlb:"bits 256"`
	Operator  cocoon.Account     `tlb:"bits 256"`
	Leaving   uint8              `tlb:"## 3"`
	Tranches  *cell.Cell         `tlb:"maybe ^"`
	Roles     *roles             `tlb:"^"`
	Keys      *ReceiptKeys       `tlb:"^"`
	Taken     *takenRewardsTerms `tlb:"^"`
}

type roles struct {
	Owner     cocoon.Account `tlb:"bits 256"`
	NextOwner cocoon.Account `tlb:"bits 256"`
	Heir      cocoon.Account `tlb:"bits 256"`
	Birth     *RewardsBirth  `tlb:"^"`
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
		return Rewards{Birth: birth, Owner: birth.Owner, Operator: birth.Owner, Number: 1}, err
	}
	s, err := Decode[rewardsState](data)
	if err != nil {
		return Rewards{}, err
	}
	tranches, err := readTranches(s.Tranches, int(s.Leaving))
	return Rewards{*s.Roles.Birth, s.Roles.Owner, s.Roles.NextOwner, s.Roles.Heir, s.Operator, s.SeenAt, s.Bond.Nano, s.Unbonding.Nano, s.Cap.Nano,
		s.Number, s.Attempt, s.Owed, s.Pending, tranches, *s.Keys, s.Taken.Awaiting, s.Taken.Hash, s.Taken.Terms}, err
}
