package wrappers

import (
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// Terms are the rules of the network: published by the registry, taken by
// providers and rewards contracts with their owners' consent.
type Terms struct {
	Provider *ProviderTerms `tlb:"^"`
	Rewards  *RewardsTerms  `tlb:"^"`
}

// Hash is what an owner consents to in refresh_terms.
func (t Terms) Hash() ([32]byte, error) {
	c, err := Cell(t)
	if err != nil {
		return [32]byte{}, err
	}
	return [32]byte(c.Hash()), nil
}

// ProviderTerms are the rules for providers.
type ProviderTerms struct {
	MinProvider Coins          `tlb:"."`
	MinGPU      Coins          `tlb:"."`     // on top of MinProvider for each GPU of an active worker
	Unbonding   uint32         `tlb:"## 32"` // seconds; contracts take at most 60 days
	Treasury    cocoon.Account `tlb:"bits 256"`
}

// RewardsTerms are the rules for dispatchers.
type RewardsTerms struct {
	MinBond   Coins       `tlb:"."`
	Unbonding uint32      `tlb:"## 32"` // seconds; contracts take at most 60 days
	HeirAfter uint32      `tlb:"## 32"` // seconds of silence; contracts take at most 365 days, and more than Unbonding
	Epoch     *EpochTerms `tlb:"^"`
	EpochCode *cell.Cell  `tlb:"^"`
}

// RefreshTerms consents to the terms with that hash and asks the registry for
// them. The owner of a provider or a rewards contract sends it.
type RefreshTerms struct {
	_       tlb.Magic `tlb:"#04acd7b8"`
	QueryID uint64    `tlb:"## 64"`
	Hash    [32]byte  `tlb:"bits 256"`
}

// TermsAnswer brings the terms in force. The registry sends it to who asked.
type TermsAnswer struct {
	_       tlb.Magic  `tlb:"#ae411ba9"`
	QueryID uint64     `tlb:"## 64"`
	Terms   *cell.Cell `tlb:"^"` // a Terms; a cell, since its hash matters
}

// Withdraw frees ripe unbondings, then pays Amount of what is free to the
// owner, who sends it; an Amount of 0 is all of it.
type Withdraw struct {
	_       tlb.Magic `tlb:"#0e68368f"`
	QueryID uint64    `tlb:"## 64"`
	Amount  Coins     `tlb:"."`
}
