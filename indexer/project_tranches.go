package indexer

import (
	"cmp"
	"errors"
	"fmt"
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

// takeRipe removes what may leave now, and returns its sum.
func (t *tranches) takeRipe(now uint32) (sum cocoon.Nano, err error) {
	for len(*t) > 0 && now >= (*t)[0].At {
		if err = increase(&sum, (*t)[0].Amount); err != nil {
			return sum, err
		}
		*t = (*t)[1:]
	}
	return sum, nil
}

// requested are tranches as a contract keeps them: newest first, which with
// changing terms need not be the last in time.
type requested []tranche

// add lets amount leave at a time, with what was requested for then just before.
func (r *requested) add(at uint32, amount cocoon.Nano) error {
	if len(*r) > 0 && (*r)[0].At == at {
		return increase(&(*r)[0].Amount, amount)
	}
	*r = slices.Insert(*r, 0, tranche{at, amount})
	return nil
}

// takeRipe removes what may leave now, and returns its sum.
func (r *requested) takeRipe(now uint32) (sum cocoon.Nano, err error) {
	kept := requested{}
	for _, t := range *r {
		if now < t.At {
			kept = append(kept, t)
		} else if err = increase(&sum, t.Amount); err != nil {
			return sum, err
		}
	}
	*r = kept
	return sum, nil
}

// slash takes so much, newest first.
func (r *requested) slash(amount cocoon.Nano) error {
	for len(*r) > 0 && !amount.IsZero() {
		newest := &(*r)[0]
		taken := lesser(amount, newest.Amount)
		if err := errors.Join(decrease(&amount, taken), decrease(&newest.Amount, taken)); err != nil {
			return err
		}
		if newest.Amount.IsZero() {
			*r = (*r)[1:]
		}
	}
	if !amount.IsZero() {
		return fmt.Errorf("%w: a slash of more than is leaving", errUnread)
	}
	return nil
}

// inTime are the same in order of time.
func (r requested) inTime() (all tranches, err error) {
	all = tranches{}
	for _, t := range r {
		if err = all.add(t.At, t.Amount); err != nil {
			return nil, err
		}
	}
	return all, nil
}
