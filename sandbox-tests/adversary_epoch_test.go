package sandboxtests

import (
	"fmt"

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
