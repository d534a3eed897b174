package sandboxtests

import (
	"slices"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Two receipts over one number by a worker of 20 TON of stake.
const (
	cheated      = 10_000_000_000 // nanoTON that an equivocation brings whoever signs it
	comesOut     = 86_400         // seconds until somebody has both receipts
	shareOfGPU   = 20_000_000_000 // nanoTON of stake that are taken for it
	reporterPart = 5              // one part in so many is the reporter's
)

func (d *duel) provider() wrappers.Provider {
	return stateOf[wrappers.Provider](d.bazaar, "provider 0")
}

func (d *duel) workerNamed(name string) (wrappers.Worker, bool) {
	all := d.provider().Workers
	i := slices.IndexFunc(all, func(w wrappers.Worker) bool { return w.Key == publicOf(name) })
	if i < 0 {
		return wrappers.Worker{}, false
	}
	return all[i], true
}

func reporting(by, worker string) move {
	return move{Do: "report_equivocation", By: by, At: "provider 0", Worker: worker, Key: worker, Value: ton(1)}
}

// equivocatorPlot is a provider whose workers sign two receipts for one number, and that would have its stake
// out before the report arrives: by retiring and pruning, by unbonding in parts, by a job with itself, by terms
// of its own, by reporting itself.
func equivocatorPlot() plot {
	return plot{name: "provider that equivocates", depth: 4, width: 20, coalition: []string{"owner 0"}, stock: []string{"provider 0"}, victims: []string{"treasury"}, scene: duelJobs,
		begin: func(d *duel) { d.deal("owner 0", nobody, [32]byte{}) },
		bound: func(*duel) int64 {
			return max(0, cheated-shareOfGPU+shareOfGPU/reporterPart) // by each worker
		},
		moves: movesOfEquivocator,
		talk: func(d *duel, m move) (known, agreed bool) {
			if m.Do != "equivocate" {
				return false, false
			}
			agreed = d.facts.held[m.Worker] == 0 && d.trusted(m.Worker)
			if agreed {
				d.facts.held[m.Worker] = int64(d.now)
				d.facts.gained += cheated
				d.facts.lost += cheated
			}
			return true, agreed
		},
		duties: []duty{reportOf("worker 0"), reportOf("worker 1")},
		exits:  [][]duty{append(unstaking(), ending("owner 0")...)}}
}

// trusted reports whether anybody gives that worker work: it is active, and what its GPUs require is locked.
// What is unbonding does not count, since it may leave before evidence is out.
func (d *duel) trusted(worker string) bool {
	p := d.provider()
	w, found := d.workerNamed(worker)
	required := plus(d.t, p.Terms.MinProvider.Nano, nano(int64(p.GPUs)*p.Terms.MinGPU.Big().Int64()))
	return found && w.Active() && p.Stake.Cmp(required) >= 0
}

// reportOf is what an honest reporter does with the evidence against a worker, once it is out.
func reportOf(worker string) duty {
	return func(d *duel) (uint32, []move) {
		w, found := d.workerNamed(worker)
		if d.facts.held[worker] == 0 || found && w.Slashed {
			return 0, nil
		}
		return uint32(d.facts.held[worker]) + comesOut, []move{reporting("reporter", worker)}
	}
}

// unstaking is how a provider leaves: all of it, when it is ripe.
func unstaking() []duty {
	order := func(do string, amount int64) []move {
		return []move{{Do: do, By: "owner 0", At: "provider 0", Amount: nano(amount), Value: ton(1)}}
	}
	return []duty{
		func(d *duel) (uint32, []move) {
			p := d.provider()
			if p.Stake.IsZero() || len(p.Tranches) == 4 {
				return 0, nil
			}
			return d.now, order("request_unstake", p.Stake.Big().Int64())
		},
		func(d *duel) (uint32, []move) {
			p := d.provider()
			if len(p.Tranches) == 0 {
				return 0, nil
			}
			return p.Tranches[len(p.Tranches)-1].At, order("withdraw", 0)
		},
	}
}

func movesOfEquivocator(d *duel) (all [][]move) {
	p := d.provider()
	owner := func(m move) []move {
		m.By, m.At, m.Value = "owner 0", "provider 0", ton(1)
		return []move{m}
	}
	half := nano(p.Stake.Big().Int64() / 2)
	next := int(p.Revision) + 1
	for _, worker := range []string{"worker 0", "worker 1"} {
		all = append(all, []move{{Do: "equivocate", Worker: worker}}, []move{reporting("owner 0", worker)},
			owner(move{Do: "retire_worker", Key: "operator 0", Worker: worker, Number: next}), owner(move{Do: "prune", Worker: worker}),
			append(owner(move{Do: "retire_worker", Key: "operator 0", Worker: worker, Number: next}), owner(move{Do: "prune", Worker: worker})...),
			owner(move{Do: "put_worker", Key: "operator 0", Worker: worker, Number: next, Count: 1}))
	}
	all = append(all, owner(move{Do: "request_unstake", Amount: p.Stake}), owner(move{Do: "request_unstake", Amount: half}), owner(move{Do: "withdraw"}),
		owner(move{Do: "set_operator", Key: "operator 0", Amount: ton(200)}), owner(move{Do: "refresh_terms"}), owner(move{Do: "terms", Number: 2}),
		owner(move{Do: "terms", Number: ownTerms}))
	return append(all, movesWithOneself("owner 0", p.Stake, half)...)
}

// movesWithOneself are a job whose client has the operator's key, with bonds of those amounts.
func movesWithOneself(by string, bonds ...cocoon.Nano) (all [][]move) {
	name := duelJobs[0]
	allow := move{Do: "set_operator", By: by, At: "provider 0", Key: "operator 0", Amount: ton(200), Value: ton(1)}
	for _, bond := range append(bonds, nano(jobBond)) {
		accept := move{Do: "accept_job", By: by, At: "provider 0", Key: "operator 0", Worker: "worker 0", Other: name, Amount: bond, Value: ton(1), Wait: orderLasts}
		all = append(all, []move{accept}, []move{opening(by, name), accept}, []move{allow, opening(by, name), accept})
	}
	return append(all, []move{opening(by, name)}, []move{{Do: "expire", By: by, At: name, Value: ton(1)}}, []move{{Do: "cancel", By: by, At: name, Value: ton(1)}},
		[]move{{Do: "dispute", By: by, At: name, Value: ton(2)}},
		[]move{{Do: "deliver_result", By: by, At: name, Worker: "worker 0", Amount: nano(jobBudget), Value: ton(1)}, {Do: "approve", By: by, At: name, Value: ton(1)}})
}
