package wrappers

import (
	"cmp"
	"slices"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// providerTranche is a Tranche as a provider holds it.
type providerTranche struct {
	At     uint32 `tlb:"## 32"`
	Amount Coins  `tlb:"."`
}

// readTranches reads n of them, newest first, and puts them in order of time:
// shorter terms let a newer one ripen first, or at the same moment as an older.
func (p *Provider) readTranches(c *cell.Cell, n int) error {
	if n > maxTranches || (n > 0) != (c != nil) {
		return cocoon.Invalid.Errorf("decode tranches: %d of them, at most %d", n, maxTranches)
	}
	if c == nil {
		return nil
	}
	s, err := c.BeginParse()
	if err != nil {
		return cocoon.Invalid.Errorf("decode tranches: %w", err)
	}
	for range n {
		var t providerTranche
		if err = tlb.LoadFromCell(&t, s); err != nil {
			return cocoon.Invalid.Errorf("decode tranches: %w", err)
		}
		if err = p.addTranche(t); err != nil {
			return cocoon.Invalid.Errorf("decode tranche of %d: %w", t.At, err)
		}
	}
	if s.BitsLeft() > 0 || s.RefsNum() > 0 {
		return cocoon.Invalid.Errorf("decode tranches: %d bits and %d references too many", s.BitsLeft(), s.RefsNum())
	}
	return nil
}

func (p *Provider) addTranche(t providerTranche) (err error) {
	i, found := slices.BinarySearchFunc(p.Tranches, t.At, func(x Tranche, at uint32) int { return cmp.Compare(x.At, at) })
	if !found {
		p.Tranches = slices.Insert(p.Tranches, i, Tranche{t.At, t.Amount.Nano})
		return nil
	}
	p.Tranches[i].Amount, err = p.Tranches[i].Amount.Add(t.Amount.Nano)
	return err
}
