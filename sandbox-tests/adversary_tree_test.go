package sandboxtests

import (
	"context"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// getPot is what the contract says its pot is.
func (d *duel) getPot() int64 {
	money, err := wrappers.GetPot(context.Background(), d.world, d.place("rewards 0"))
	require.NoError(d.t, err)
	return money.Big().Int64()
}

// opened opens an epoch of those leaves that says it is of so much, and publishes all of it.
func (d *duel) opened(shares map[string]cocoon.Nano, said int64) []move {
	r := d.rewards()
	name := d.epochAt(wrappers.EpochBirth{Rewards: d.place("rewards 0"), Number: r.Number, Attempt: r.Attempt})
	return []move{
		{Do: "open_epoch", By: d.plan.hand, At: "rewards 0", Shares: shares, Amount: nano(said), Value: ton(2)},
		{Do: "publish", By: d.plan.hand, At: name, Count: len(shares), Value: ton(1)},
	}
}

// most is what an epoch may be of, its network share apart.
func (d *duel) most() int64 { return d.pot() * 10_000 / 10_100 }

// opensHonestly pays what receipts name, and itself the rest; it brings what the pot lacks.
func opensHonestly(d *duel) (uint32, []move) {
	r := d.rewards()
	due := d.receipt(r.Number)
	if !r.Pending.IsZero() || d.claims() == 0 && d.most() < 1_000_000_000 || r.Number > 4 {
		return 0, nil
	}
	if lack := due - d.most(); lack > 0 {
		return d.now, []move{{Do: "fund", By: dispatcherName, At: "rewards 0", Amount: nano(lack*101/100 + 1000), Value: nano(lack*101/100 + 1_000_000_000)}}
	}
	rest := d.most() - due
	shares := map[string]cocoon.Nano{dispatcherName: nano(rest)}
	if due > 0 {
		shares[victimName] = nano(due)
	}
	return d.now, d.opened(shares, rest+due)
}

// sybilsFirst takes a leaf of the coalition's as soon as its epoch has passed, before anybody else can.
func sybilsFirst(d *duel) (uint32, []move) {
	name, e := d.currentEpoch()
	if e.Opened == nil || e.Phase != wrappers.EpochPaying {
		return 0, nil
	}
	tree := d.trees[e.Opened.Root]
	i := tree.indexOf(d.place("sybil"))
	if given := tree.amountOf(d.place("sybil")); given.IsZero() || e.Claimed(uint32(i)) || int(e.Cursor) > i {
		return 0, nil
	}
	return e.Until - e.Opened.Terms.Expiry, []move{{Do: "claim", By: d.plan.hand, At: name, Index: i, Value: ton(1)}}
}

// sybilsTree opens an epoch that pays what receipts name, and the coalition all else.
func sybilsTree(d *duel) (uint32, []move) {
	r := d.rewards()
	rest := d.most() - d.receipt(r.Number)
	if r.Operator != d.place(d.plan.hand) || !r.Pending.IsZero() || rest < 1_000_000_000 {
		return 0, nil
	}
	return d.now, d.opened(map[string]cocoon.Nano{victimName: nano(d.receipt(r.Number)), "sybil": nano(rest)}, d.most())
}

// unbondingAll is how a dispatcher takes its bond home.
func unbondingAll() []duty {
	order := func(do string, amount cocoon.Nano) []move {
		return []move{{Do: do, By: dispatcherName, At: "rewards 0", Amount: amount, Value: ton(1)}}
	}
	return []duty{
		func(d *duel) (uint32, []move) {
			r := d.rewards()
			if r.Bond.IsZero() || len(r.Tranches) == 4 || !r.Pending.IsZero() {
				return 0, nil
			}
			return d.now, order("request_unbond", r.Bond)
		},
		func(d *duel) (uint32, []move) {
			r := d.rewards()
			if len(r.Tranches) == 0 {
				return 0, nil
			}
			return r.Tranches[len(r.Tranches)-1].At, order("withdraw", cocoon.Nano{})
		},
	}
}

// movesWithEpochs are trees right and wrong, what may be done with an epoch, and the ways of the bond.
func movesWithEpochs(d *duel) (all [][]move) {
	r := d.rewards()
	by := func(m move) { m.By, m.Value = d.plan.hand, ton(1); all = append(all, []move{m}) }
	worked := []move{{Do: "work"}, {Do: "receipt"}}
	all = append(all, worked[:1], worked[1:], worked, slices.Concat(worked, worked, worked))
	if r.Pending.IsZero() {
		all = append(all, d.wrongTrees()...)
	}
	by(move{Do: "request_unbond", At: "rewards 0", Amount: r.Bond})
	by(move{Do: "withdraw", At: "rewards 0"})
	by(move{Do: "rotate_key", At: "rewards 0", Key: "receipts 0 next"})
	by(move{Do: "fund", At: "rewards 0", Amount: nano(1)})
	name, e := d.currentEpoch()
	if e.Opened == nil {
		return all
	}
	tree := d.trees[e.Opened.Root]
	sybil := tree.indexOf(d.place("sybil"))
	for _, do := range []string{"pass", "fail", "finish"} {
		by(move{Do: do, At: name})
	}
	by(move{Do: "publish", At: name, Index: int(e.Published), Count: 1})
	by(move{Do: "claim", At: name, Index: sybil})
	by(move{Do: "push", At: name, Index: sybil, Count: 1})
	by(move{Do: "push", At: name, Index: int(e.Cursor), Count: len(tree.leaves) - int(e.Cursor)})
	by(d.selfProof(name, e))
	return all
}

// selfProof refutes a tree of the coalition's own, for the quarter of the penalty.
func (d *duel) selfProof(name string, e wrappers.Epoch) move {
	sybil := d.trees[e.Opened.Root].indexOf(d.place("sybil"))
	return move{Do: "prove", At: name, Index: sybil, Key: "receipts 0", Number: int(e.Birth.Number), Other: "sybil", Amount: plus(d.t, e.Opened.Total.Nano, ton(1))}
}

// wrongTrees are what it may open: an honest one, and those that leave provider 1 out, pay it a nanoTON less, fake
// leaves behind right ones, say more or less than their sum, or only use a number up.
func (d *duel) wrongTrees() (all [][]move) {
	most, due := d.most(), d.receipt(d.rewards().Number)
	tree := func(victim, sybil, said int64) {
		shares := map[string]cocoon.Nano{"sybil": nano(sybil)}
		if victim > 0 {
			shares[victimName] = nano(victim)
		}
		phrase := d.opened(shares, said)
		all = append(all, phrase, phrase[:1])
	}
	tree(due, max(most-due, 1), max(most, due+1))
	tree(0, most, most)
	tree(due-1, most-due+1, most)
	tree(due, most, most)
	tree(due, most, most+due)
	tree(due, 1, most)
	tree(0, 1, 1)
	tree(0, 1, most)
	tree(0, most/2, most/2)
	rotated := move{Do: "rotate_key", By: d.plan.hand, At: "rewards 0", Key: "receipts 0 next", Value: ton(1)}
	all = append(all, append([]move{rotated}, d.opened(map[string]cocoon.Nano{"sybil": nano(most)}, most)...))
	alone := d.opened(map[string]cocoon.Nano{"sybil": nano(1)}, 1)
	proof := move{Do: "prove", By: d.plan.hand, At: alone[1].At, Key: "receipts 0", Number: int(d.rewards().Number), Other: "sybil", Amount: ton(1), Value: ton(1)}
	all = append(all, append(alone, proof))
	return all
}
