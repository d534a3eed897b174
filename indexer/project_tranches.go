package indexer

import (
	"cmp"
	"slices"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// maxUnbonding is the longest unbonding that contracts take, in seconds.
const maxUnbonding = 60 * 86400

// tranche is a part of a stake or bond that is leaving.
type tranche struct {
	At     uint32      `json:"at"`
	Amount cocoon.Nano `json:"amount"`
}

// tranches are in order of time.
type tranches []tranche

func tranchesOf(list []wrappers.Tranche) tranches {
	t := make(tranches, len(list))
	for i, one := range list {
		t[i] = tranche{one.At, one.Amount}
	}
	return t
}

// add lets amount leave at a time, with what leaves then already.
func (t *tranches) add(at uint32, amount cocoon.Nano) error {
	i, found := slices.BinarySearchFunc(*t, at, func(x tranche, at uint32) int { return cmp.Compare(x.At, at) })
	if found {
		return increase(&(*t)[i].Amount, amount)
	}
	*t = slices.Insert(*t, i, tranche{at, amount})
	return nil
}
