package wrappers

import (
	"cmp"
	"slices"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// Tranche is a part of a stake or bond that is leaving.
type Tranche struct {
	At     uint32 // unix seconds, from which on it may be withdrawn
	Amount cocoon.Nano
}

const maxTranches = 4

// Ripe parts tranches, ascending by time, into those that may be withdrawn at now, in
// unix seconds, and those that wait.
func Ripe(all []Tranche, now uint32) (ripe, waiting []Tranche) {
	i := slices.IndexFunc(all, func(t Tranche) bool { return t.At > now })
	if i < 0 {
		i = len(all)
	}
	return all[:i], all[i:]
}

// tranche is a Tranche as a contract holds it.
type tranche struct {
	At     uint32 `tlb:"## 32"`
	Amount Coins  `tlb:"."`
}

// readTranches reads n of them, newest first, and puts them in order of time:
// shorter terms let a newer one ripen first, or at the same moment as an older.
func readTranches(c *cell.Cell, n int) (all []Tranche, err error) {
	if n > maxTranches || (n > 0) != (c != nil) {
		return nil, cocoon.Invalid.Errorf("decode tranches: %d of them, at most %d", n, maxTranches)
	}
	if c == nil {
		return nil, nil
	}
	s, err := c.BeginParse()
	if err != nil {
		return nil, cocoon.Invalid.Errorf("decode tranches: %w", err)
	}
	for range n {
		var t tranche
		if err = tlb.LoadFromCell(&t, s); err != nil {
			return nil, cocoon.Invalid.Errorf("decode tranches: %w", err)
		}
		if all, err = addTranche(all, t); err != nil {
			return nil, cocoon.Invalid.Errorf("decode tranche of %d: %w", t.At, err)
		}
	}
	if s.BitsLeft() > 0 || s.RefsNum() > 0 {
		return nil, cocoon.Invalid.Errorf("decode tranches: %d bits and %d references too many", s.BitsLeft(), s.RefsNum())
	}
	return all, nil
}

func addTranche(all []Tranche, t tranche) (_ []Tranche, err error) {
	i, found := slices.BinarySearchFunc(all, t.At, func(x Tranche, at uint32) int { return cmp.Compare(x.At, at) })
	if !found {
		return slices.Insert(all, i, Tranche{t.At, t.Amount.Nano}), nil
	}
	all[i].Amount, err = all[i].Amount.Add(t.Amount.Nano)
	return all, err
}
