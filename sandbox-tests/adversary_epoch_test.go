package sandboxtests

import (
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// A dispatcher with 40 TON of bond and 50 TON of pot, of which a receipt gives provider 1 thirty.
const (
	earnedFirst  = 30_000_000_000 // nanoTON that a receipt names when it begins
	workPiece    = 2_000_000_000  // nanoTON of work at a time
	creditWork   = 4_000_000_000  // nanoTON of work that provider 1 does before it wants a receipt: X_u
	creditClaim  = 40_000_000_000 // nanoTON of receipts that it takes before they are opened: X_e
	provesAfter  = 3_600          // seconds until it has read a tree that was published
	noticesAfter = 3_600          // seconds until an owner has noticed that a key is used by others
	owesAfter    = 3_600          // seconds until it has seen that bond is unbonding
)

const (
	dispatcherName = "dispatcher 0"
	victimName     = "provider 1"
	unreceipted    = "work"
)

func (d *duel) rewards() wrappers.Rewards { return stateOf[wrappers.Rewards](d.bazaar, "rewards 0") }

// pot is what an epoch and its network share may take.
func (d *duel) pot() int64 {
	r := d.rewards()
	reserve := d.facts.held["reserve"]
	held := d.balance(d.place("rewards 0")).Big().Int64() - r.Bond.Big().Int64() - r.Unbonding.Big().Int64() - reserve
	if r.Attempt > 0 {
		held = min(held, r.Cap.Big().Int64())
	}
	return max(held, 0)
}

// receipt is what a receipt of that number gives provider 1.
func (d *duel) receipt(number uint32) int64 { return d.facts.held[fmt.Sprint("number ", number)] }

// claims are all receipts whose number was not passed.
func (d *duel) claims() int64 {
	n := d.rewards().Number
	return d.receipt(n) + d.receipt(n+1)
}

// counting is the number that receipts are of now: the one after an epoch that is open.
func (d *duel) counting() uint32 {
	r := d.rewards()
	if r.Pending.IsZero() && r.Attempt == 0 {
		return r.Number
	}
	return r.Number + 1
}

// currentEpoch is the last that was opened, "" where there is none.
func (d *duel) currentEpoch() (string, wrappers.Epoch) {
	if len(d.epochs) == 0 {
		return "", wrappers.Epoch{}
	}
	name := d.epochs[len(d.epochs)-1]
	return name, stateOf[wrappers.Epoch](d.bazaar, name)
}

// dispatcherPlot is a dispatcher, with its sybils among the leaves, that would keep what providers earned. Either
// honest clients pay it, or clients of its own do not.
func dispatcherPlot(own bool) plot {
	p := plot{name: "dispatcher and sybil providers", depth: 5, width: 6, hand: dispatcherName, coalition: []string{dispatcherName, "sybil"}, victims: []string{"owner 1"}, theirs: []string{victimName}, scene: []string{"rewards 0"},
		begin: func(d *duel) {
			d.facts.held["number 1"] = earnedFirst
			d.facts.held["reserve"] = d.reserveOfRewards()
		},
		// What is lodged holds the bond: receipts that are never opened are worth no more than what they cost.
		bound: func(d *duel) int64 {
			return creditWork + max(0, creditClaim-d.rewards().Bond.Big().Int64())
		},
		moves: movesWithEpochs, talk: talkOfReceipts(own)}
	if own {
		p.name = "client and dispatcher"
	}
	p.duties = append([]duty{proving, owing, claiming}, cranks()...)
	p.exits = [][]duty{append([]duty{opensHonestly}, unbondingAll()...), append([]duty{sybilsFirst}, unbondingAll()...)}
	return p
}

// dispatcherThiefPlot has the keys that a dispatcher keeps online: it opens epochs and signs receipts, until the owner has
// noticed. It may take one number's pot, as far as no receipt names it, and a quarter of the penalties that it proves against
// epochs of its own, which cost the bond until it is below its least.
func dispatcherThiefPlot() plot {
	p := dispatcherPlot(true)
	p.name, p.hand, p.coalition, p.victims, p.theirs = "thief of a dispatcher's keys", "operator", []string{"operator", "sybil"}, []string{"owner 1", dispatcherName}, []string{victimName, "rewards 0"}
	begin := p.begin
	p.begin = func(d *duel) {
		begin(d)
		d.say(move{Do: "appoint", By: dispatcherName, At: "rewards 0", Other: "operator", Value: ton(1)}, true)
		d.facts.held["noticed"] = int64(d.now) + noticesAfter
	}
	p.bound = func(d *duel) int64 {
		r := d.rewards()
		penalty := r.Terms.Epoch.Penalty.Big().Int64()
		return d.pot() - d.claims() + (r.Bond.Big().Int64()-r.Terms.MinBond.Big().Int64()+penalty)/4
	}
	p.talk, p.depth, p.width = nil, 6, 4
	p.duties = append(p.duties, func(d *duel) (uint32, []move) {
		if d.rewards().Operator != d.place("operator") {
			return 0, nil
		}
		return uint32(d.facts.held["noticed"]), []move{{Do: "appoint", By: dispatcherName, At: "rewards 0", Other: dispatcherName, Value: ton(1)}}
	})
	p.exits = [][]duty{nil, {sybilsTree, sybilsFirst}}
	return p
}

// reserveOfRewards is what its balance is beyond pot and bond.
func (d *duel) reserveOfRewards() int64 {
	pot := d.getPot()
	r := d.rewards()
	return d.balance(d.place("rewards 0")).Big().Int64() - r.Bond.Big().Int64() - r.Unbonding.Big().Int64() - pot
}

// talkOfReceipts is what passes between the dispatcher and provider 1: work within its credit, and receipts.
func talkOfReceipts(own bool) func(*duel, move) (bool, bool) {
	return func(d *duel, m move) (known, agreed bool) {
		f, r := &d.facts, d.rewards()
		switch m.Do {
		case "work":
			backed := d.claims()+f.held[unreceipted]+workPiece <= d.pot()*99/100+r.Bond.Big().Int64()
			agreed = f.held[unreceipted]+workPiece <= creditWork && d.claims()+workPiece <= creditClaim && backed &&
				r.Bond.Cmp(r.Terms.MinBond.Nano) >= 0 && r.Tranches == nil
			if !agreed {
				return true, false
			}
			f.held[unreceipted] += workPiece
			f.lost += workPiece
			if own {
				f.gained += workPiece
				return true, true
			}
			d.say(move{Do: "settlement", By: "client 1", At: "rewards 0", Amount: nano(workPiece), Value: nano(workPiece)}, true)
			return true, true
		case "receipt":
			agreed = f.held[unreceipted] > 0
			f.held[fmt.Sprint("number ", d.counting())] += f.held[unreceipted]
			f.held[unreceipted] = 0
			return true, agreed
		}
		return false, false
	}
}

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
