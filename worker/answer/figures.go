package answer

import (
	"bytes"
	"slices"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
)

// Figures are what one dispatcher owes a worker, in nanoTON: what (4) is about.
type Figures struct {
	Rewards    cocoon.Account `json:"rewards"`
	Receipts   int            `json:"receipts"`        // that it has not acknowledged
	Owed       cocoon.Nano    `json:"owed_nano"`       // by them
	Unpromised cocoon.Nano    `json:"unpromised_nano"` // acknowledged, in this run or before, and not signed for
	Ahead      cocoon.Nano    `json:"ahead_nano"`      // signed for, and not acknowledged
	Limit      cocoon.Nano    `json:"limit_nano"`      // of both together, above which no order is taken: X_u
}

// Figures are the books of all dispatchers that were heard of, now.
func (s *Service) Figures() (all []Figures) {
	b := s.bills
	b.mu.Lock()
	defer b.mu.Unlock()
	for rewards, t := range b.by {
		all = append(all, Figures{rewards, len(t.open), t.owed, t.debt.left, t.debt.ahead, bound.Credit(t.earned(b.clock()))})
	}
	slices.SortFunc(all, func(a, b Figures) int { return bytes.Compare(a.Rewards[:], b.Rewards[:]) })
	return all
}
