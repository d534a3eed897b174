package wrappers

import (
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/contracts"
)

// EpochPhase is what an epoch waits for.
type EpochPhase uint8

// The phases. An epoch that was born but not opened is in none: its Opened is nil.
const (
	EpochPublishing EpochPhase = iota
	EpochWindow
	EpochPaying
	EpochFinished
	EpochFailed
)

// String is the phase in our words.
func (p EpochPhase) String() string {
	if names := [...]string{"publishing", "window", "paying", "finished", "failed"}; int(p) < len(names) {
		return names[p]
	}
	return fmt.Sprintf("phase %d", uint8(p))
}

// EpochBirth is what an epoch's address is derived from.
type EpochBirth struct {
	_       tlb.Magic      `tlb:"$0"`
	Rewards cocoon.Account `tlb:"bits 256"`
	Number  uint32         `tlb:"## 32"`
	Attempt uint16         `tlb:"## 16"`
}

// Init is the state an epoch of this program's code is deployed with.
func (b EpochBirth) Init() (*tlb.StateInit, error) { return born("epoch", b) }

// Account is the address of that epoch.
func (b EpochBirth) Account() (cocoon.Account, error) { return bornAccount(b.Init()) }

// EpochOpened is what rewards opened an epoch with.
type EpochOpened struct {
	Root       [32]byte       `tlb:"bits 256"`
	Count      uint32         `tlb:"## 18"`
	Total      Coins          `tlb:"."`
	Rewards    cocoon.Account `tlb:"bits 256"`
	Number     uint32         `tlb:"## 32"`
	Attempt    uint16         `tlb:"## 16"`
	ReceiptKey [32]byte       `tlb:"bits 256"` // of Number; zero where there is none
	Terms      *EpochTerms    `tlb:"^"`
}

// Epoch is the state of an epoch contract.
type Epoch struct {
	Birth     EpochBirth
	Opened    *EpochOpened // nil before open came
	Phase     EpochPhase
	Until     uint32 // unix seconds, the end of the phase
	Cursor    uint32 // leaves before it were pushed
	Published uint32 // leaves before it were published
	Paid      cocoon.Nano
	Sum       cocoon.Nano    // of the published leaves
	Last      cocoon.Account // provider of the last published leaf; once failed, the one that proved it, if any
	claimed   [][]byte       // words of claim bits
}

// Claimed reports whether the leaf at index was paid by claim.
func (e Epoch) Claimed(index uint32) bool {
	word, bit := index/claimWordBits, index%claimWordBits
	return int(word) < len(e.claimed) && e.claimed[word][bit/8]>>(7-bit%8)&1 == 1
}

const (
	claimWordBits = 1000
	claimTrees    = 3
)

type epochState struct {
	_         tlb.Magic      `tlb:"$1"`
	Phase     uint8          `tlb:"## 3"`
	Until     uint32         `tlb:"## 32"`
	Cursor    uint32         `tlb:"## 18"`
	Published uint32         `tlb:"## 18"`
	Last      cocoon.Account `tlb:"bits 256"`
	Paid      Coins          `tlb:"."`
	Sum       Coins          `tlb:"."`
	Claims0   *cell.Cell     `tlb:"^"`
	Claims1   *cell.Cell     `tlb:"^"`
	Claims2   *cell.Cell     `tlb:"^"`
	Opened    *EpochOpened   `tlb:"^"`
}

// DecodeEpoch reads an epoch's storage, birth data or state, to its end.
func DecodeEpoch(data *cell.Cell) (Epoch, error) {
	if isBirth(data) {
		birth, err := Decode[EpochBirth](data)
		return Epoch{Birth: birth}, err
	}
	s, err := Decode[epochState](data)
	if err != nil {
		return Epoch{}, err
	}
	if EpochPhase(s.Phase) > EpochFailed {
		return Epoch{}, cocoon.Invalid.Errorf("decode epoch: no phase %d", s.Phase)
	}
	e := Epoch{Birth: EpochBirth{Rewards: s.Opened.Rewards, Number: s.Opened.Number, Attempt: s.Opened.Attempt}, Opened: s.Opened,
		Phase: EpochPhase(s.Phase), Until: s.Until, Cursor: s.Cursor, Published: s.Published, Paid: s.Paid.Nano, Sum: s.Sum.Nano, Last: s.Last}
	e.claimed, err = readClaims([claimTrees]*cell.Cell{s.Claims0, s.Claims1, s.Claims2}, s.Opened.Count)
	return e, err
}

// readClaims reads the words of count leaves out of their trees; schema.tlb says
// which node is which word. A finished epoch has thrown them away: what is
// missing was not claimed ahead of the others, for all that it says.
func readClaims(trees [claimTrees]*cell.Cell, count uint32) (words [][]byte, err error) {
	for word := range (int(count) + claimWordBits - 1) / claimWordBits {
		node := trees[word%claimTrees]
		for at := word / claimTrees; at > 0; at = (at - 1) / 4 {
			if node.RefsNum() == 0 {
				return words, nil
			}
			if node, err = node.PeekRef((at - 1) % 4); err != nil {
				return nil, cocoon.Invalid.Errorf("decode claims: %w", err)
			}
		}
		if n := node.RefsNum(); n != 0 && n != 4 || node.BitsSize() != claimWordBits {
			return nil, cocoon.Invalid.Errorf("decode claims: word %d is %d bits with %d references", word, node.BitsSize(), n)
		}
		bits, err := node.MustBeginParse().LoadSlice(claimWordBits)
		if err != nil {
			return nil, cocoon.Invalid.Errorf("decode claims: %w", err)
		}
		words = append(words, bits)
	}
	return words, nil
}

// isBirth reports whether storage still is birth data, which begins with 0.
func isBirth(data *cell.Cell) bool {
	if data == nil || data.BitsSize() == 0 {
		return false
	}
	s, err := data.BeginParse()
	if err != nil {
		return false
	}
	bit, err := s.LoadUInt(1)
	return err == nil && bit == 0
}

// born is the first state of the contract called name.
func born[T any](name string, birth T) (*tlb.StateInit, error) {
	artifact, err := contracts.Load(name)
	if err != nil {
		return nil, err
	}
	data, err := Cell(birth)
	if err != nil {
		return nil, err
	}
	return &tlb.StateInit{Code: artifact.Code, Data: data}, nil
}

func bornAccount(init *tlb.StateInit, err error) (cocoon.Account, error) {
	if err != nil {
		return cocoon.Account{}, err
	}
	return chain.BornAccount(init)
}
