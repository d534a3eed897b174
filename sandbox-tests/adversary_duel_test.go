package sandboxtests

import (
	"fmt"
	"maps"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

// duel is one history of an adversary against honest software over the compiled
// contracts: what the adversary does, what the others do when it is their time,
// and what happened off chain. Sums are nanoTON with a sign.
type duel struct {
	*bazaar
	plan  *plot
	facts facts
	did   []move          // by the adversary
	vain  map[string]bool // duties that were refused, which are not tried again
}

// facts are what no contract knows. Each plot keeps those it needs.
type facts struct {
	gained   int64            // service that the coalition had, at its price
	earned   int64            // the price of what the coalition truly did
	lost     int64            // by victims: work they did, or money they gave for nothing, as far as no contract shows it
	used     int64            // agreed usage of the channel
	open     int64            // a request that was served and not yet agreed on
	disputed int64            // usage that the client denied
	promised bool             // the dispatcher has signed a close, and serves no more
	promise  int64            // at which amount
	since    uint32           // unix seconds of the last thing that starts somebody's time
	held     map[string]int64 // by who holds it: vouchers by their key, receipts by their number, unreceipted work
}

func (f facts) clone() facts {
	f.held = maps.Clone(f.held)
	return f
}

// plot is what one adversary is, may do and would gain.
type plot struct {
	name      string
	coalition []string               // wallets
	hand      string                 // the one of them that acts, where moves are shared by plots
	stock     []string               // contracts whose balance counts as the coalition's
	victims   []string               // wallets
	theirs    []string               // contracts whose balance counts as theirs
	scene     []string               // other contracts that it is about
	begin     func(d *duel)          // what is there before the attack
	bound     func(d *duel) int64    // what it may gain at most, by the protocol
	moves     func(d *duel) [][]move // what it may do now, in phrases
	talk      func(d *duel, m move) (known, agreed bool)
	duties    []duty   // of the honest, as the protocol says
	exits     [][]duty // ways in which everybody leaves at the end; the first is the honest one
	depth     int      // how many phrases a search goes on for
	width     int      // how many histories of each length it goes on with
	worth     int64    // of the coalition at the start, if everybody left honestly
	whole     int64    // of the victims, likewise
}

// duty is something that somebody does at a time: what to do, and from when on; nothing where there is nothing.
type duty func(d *duel) (due uint32, moves []move)

func (d *duel) fork() *duel {
	c := *d
	c.bazaar, c.facts, c.did, c.vain = d.clone(), d.facts.clone(), slices.Clone(d.did), maps.Clone(d.vain)
	return &c
}

// newDuel begins a plot in a market of its own, where nobody's purse counts yet.
func newDuel(start *bazaar, p plot) *duel {
	d := &duel{bazaar: start.clone(), plan: &p, facts: facts{held: map[string]int64{}}, vain: map[string]bool{}}
	d.t, d.lawless = start.t, true
	p.begin(d)
	d.drain()
	d.purses = map[cocoon.Account]int64{}
	d.facts.gained, d.facts.earned, d.facts.lost = 0, 0, 0
	end := d.fork()
	end.leave(p.exits[0])
	p.worth, p.whole = end.wealth(p.coalition, p.stock), end.wealth(p.victims, p.theirs)
	return d
}

// wealth is what these wallets and contracts have.
func (d *duel) wealth(wallets, contracts []string) (sum int64) {
	for _, name := range wallets {
		sum += d.purses[d.place(name)]
	}
	for _, name := range contracts {
		sum += d.balance(d.place(name)).Big().Int64()
	}
	return sum
}

// act does what the adversary wants, and reports whether it could be done.
func (d *duel) act(m move) bool {
	d.did = append(d.did, m)
	if m.Do == "wait" {
		d.pass(d.now + uint32(m.Wait))
		return m.Wait > 0
	}
	if known, agreed := d.hear(m); known {
		return agreed
	}
	return d.say(m, true)
}

// say sends a message, whole or only to its first contract, and reports whether that took it.
func (d *duel) say(m move, whole bool) bool {
	n, refused, count := len(d.letters), d.refused, d.count
	d.play(m)
	if len(d.letters) == n {
		return false
	}
	l := d.letters[n]
	d.letters = d.letters[:n]
	d.carry(l)
	agreed := d.refused == refused && d.count > count
	for whole && len(d.letters) > n {
		l := d.letters[n]
		d.letters = slices.Delete(d.letters, n, n+1)
		d.carry(l)
	}
	return agreed
}

// pass lets time go by until then; whoever has something to do on the way does it. What they
// send in the last second is still on its way, so that the adversary may overtake it.
func (d *duel) pass(until uint32) {
	for d.now <= until {
		due, moves, key := d.next(d.plan.duties)
		if moves == nil || due > until {
			break
		}
		if due > d.now {
			d.drain()
			d.now = due
		}
		d.perform(moves, key)
	}
	if d.now < until {
		d.drain()
		d.now = until
	}
}

// next is the duty that is due first, and a name for it.
func (d *duel) next(all []duty) (due uint32, moves []move, key string) {
	for i, what := range all {
		at, m := what(d)
		k := fmt.Sprint(i, at, m)
		if len(m) > 0 && !d.vain[k] && (moves == nil || at < due) {
			due, moves, key = at, m, k
		}
	}
	return due, moves, key
}

// perform does a duty, once. Its last message is on its way afterwards.
func (d *duel) perform(moves []move, key string) {
	d.vain[key] = true
	for i, m := range moves {
		if i > 0 {
			d.drain() // its sender waits for what came of the one before
		}
		if known, _ := d.hear(m); !known {
			d.say(m, false)
		}
	}
}

func (d *duel) hear(m move) (known, agreed bool) {
	if d.plan.talk == nil {
		return false, false
	}
	return d.plan.talk(d, m)
}

// leave lets everybody do what is due and go, until nobody has anything left to do.
func (d *duel) leave(exit []duty) {
	all := slices.Concat(d.plan.duties, exit)
	for range 200 {
		d.drain()
		due, moves, key := d.next(all)
		if moves == nil {
			return
		}
		d.now = max(d.now, due)
		d.perform(moves, key)
	}
	require.Fail(d.t, "nobody ever leaves")
}

// profit is what the adversary would have if everybody left now, by its best exit, beyond what it had
// and has earned; and what the victims would have lost by that.
func (d *duel) profit() (profit, loss int64) {
	for i, exit := range d.plan.exits {
		end := d.fork()
		end.leave(exit)
		got := end.wealth(d.plan.coalition, d.plan.stock) - d.plan.worth - end.facts.earned + end.facts.gained
		if i == 0 || got > profit {
			profit, loss = got, d.plan.whole-end.wealth(d.plan.victims, d.plan.theirs)+end.facts.lost
		}
	}
	return profit, loss
}
