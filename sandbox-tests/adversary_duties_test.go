package sandboxtests

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// proving refutes a tree that gives provider 1 less than its receipt.
func proving(d *duel) (uint32, []move) {
	name, e := d.currentEpoch()
	if e.Opened == nil || e.Phase != wrappers.EpochWindow {
		return 0, nil
	}
	amount, number := d.receipt(e.Birth.Number), int(e.Birth.Number)
	tree := d.trees[e.Opened.Root]
	if given := tree.amountOf(d.place(victimName)); amount <= given.Big().Int64() {
		return 0, nil
	}
	return e.Until - e.Opened.Terms.Window + provesAfter, []move{{Do: "prove", By: "owner 1", At: name, Index: tree.indexOf(d.place(victimName)), Key: "receipts 0", Number: number, Other: victimName, Amount: nano(amount), Value: ton(1)}}
}

// owing lodges a receipt once bond is leaving.
func owing(d *duel) (uint32, []move) {
	r := d.rewards()
	for _, number := range []uint32{r.Number + 1, r.Number} {
		if amount := d.receipt(number); amount > 0 && len(r.Tranches) > 0 && number > r.Owed {
			return r.Tranches[0].At - r.Terms.Unbonding + owesAfter, []move{{Do: "owe", By: "owner 1", At: "rewards 0", Key: "receipts 0", Number: int(number), Other: victimName, Amount: nano(amount), Value: ton(1)}}
		}
	}
	return 0, nil
}

// claiming takes the leaf of provider 1, a minute after its epoch has passed.
func claiming(d *duel) (uint32, []move) {
	name, e := d.currentEpoch()
	if e.Opened == nil || e.Phase != wrappers.EpochPaying {
		return 0, nil
	}
	tree := d.trees[e.Opened.Root]
	i := tree.indexOf(d.place(victimName))
	if given := tree.amountOf(d.place(victimName)); given.IsZero() || e.Claimed(uint32(i)) || int(e.Cursor) > i {
		return 0, nil
	}
	return e.Until - e.Opened.Terms.Expiry + 60, []move{{Do: "claim", By: "owner 1", At: name, Index: i, Value: ton(1)}}
}

// indexOf is where the provider's leaf is, or would be.
func (p *planted) indexOf(a cocoon.Account) int {
	for i, l := range p.leaves {
		if string(l.Provider[:]) >= string(a[:]) {
			return i
		}
	}
	return len(p.leaves)
}

// cranks are what anybody does with an epoch when it is time, since the money of others waits for it.
func cranks() []duty {
	return []duty{func(d *duel) (uint32, []move) {
		name, e := d.currentEpoch()
		if e.Opened == nil {
			return 0, nil
		}
		m := move{By: "crank", At: name, Value: ton(1)}
		switch e.Phase {
		case wrappers.EpochPublishing:
			m.Do = "fail"
			return e.Until, []move{m}
		case wrappers.EpochWindow:
			m.Do = "pass"
			return e.Until, []move{m}
		case wrappers.EpochPaying:
			m.Do = "finish"
			if left := int(e.Opened.Count) - int(e.Cursor); left > 0 {
				m.Do, m.Index, m.Count = "push", int(e.Cursor), left
			}
			return e.Until - e.Opened.Terms.Expiry + 3600, []move{m}
		}
		return 0, nil
	}}
}
