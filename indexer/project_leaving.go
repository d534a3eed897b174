package indexer

import (
	"cmp"
	"slices"

	"github.com/cocoon-network/cocoon"
)

// leaving are tranches in the order a contract keeps them, newest first, which
// is not always that of time: shorter terms let a newer one ripen before an
// older. A penalty goes by this order, readers see that of time.
type leaving []tranche

// add joins the newest only where that ripens in the same second, as contracts do.
func (l *leaving) add(at uint32, amount cocoon.Nano) error {
	if len(*l) > 0 && (*l)[0].At == at {
		return increase(&(*l)[0].Amount, amount)
	}
	*l = slices.Insert(*l, 0, tranche{at, amount})
	return nil
}

// takeRipe removes what may leave now, and returns its sum.
func (l *leaving) takeRipe(now uint32) (sum cocoon.Nano, err error) {
	var kept leaving
	for _, t := range *l {
		if now < t.At {
			kept = append(kept, t)
		} else if err = increase(&sum, t.Amount); err != nil {
			return sum, err
		}
	}
	*l = kept
	return sum, nil
}

// slash takes amount out of the tranches, newest first.
func (l *leaving) slash(amount cocoon.Nano) error {
	for len(*l) > 0 && (*l)[0].Amount.Cmp(amount) <= 0 {
		if err := decrease(&amount, (*l)[0].Amount); err != nil {
			return err
		}
		*l = (*l)[1:]
	}
	if amount.IsZero() {
		return nil
	}
	if len(*l) == 0 {
		return cocoon.ErrOverflow
	}
	return decrease(&(*l)[0].Amount, amount)
}

// byTime is what readers see.
func (l leaving) byTime() (tranches, error) {
	t := tranches{}
	for _, one := range slices.SortedStableFunc(slices.Values(l), func(a, b tranche) int { return cmp.Compare(a.At, b.At) }) {
		if err := t.add(one.At, one.Amount); err != nil {
			return nil, err
		}
	}
	return t, nil
}
