package sandboxtests

import (
	"github.com/cocoon-network/cocoon/wrappers"
)

// patience is what a client does about junk.
type patience string

const (
	attentive patience = "attentive client"
	asleep    patience = "client asleep"
)

// providerOfJobPlot is a provider that would be paid for nothing: it stalls, delivers junk, takes two jobs with
// one bond, takes what it was not given, and moves its stake and allowance meanwhile.
func providerOfJobPlot(u umpire, client patience, given bool) plot {
	p := plot{name: "provider of a job, " + nameOfUmpire(u) + ", " + string(client), depth: 6, width: 8, coalition: []string{"owner 0"}, stock: []string{"provider 0"}, victims: []string{"client 0"}, scene: duelJobs,
		begin: func(d *duel) {
			key := [32]byte{}
			if !given {
				key = publicOf("offer")
			}
			d.deal("client 0", u, key)
			for _, name := range duelJobs {
				d.play(opening("client 0", name))
			}
		},
		bound: func(*duel) int64 { return 0 },
		moves: movesOfJobProvider(u, given), talk: talkOfWork, duties: ruling(), exits: [][]duty{ending("client 0")}}
	if client == attentive {
		p.duties = append(p.duties, looking()...)
	}
	switch {
	case !given:
		p.name = "provider without a pass"
	case u == corrupted:
		p.coalition = append(p.coalition, string(u))
		p.bound = func(*duel) int64 { return 2 * (jobBudget + jobDeposit) }
	case client == asleep:
		p.bound = func(*duel) int64 { return 2 * jobBudget }
	case u != arbiter:
		p.bound = func(*duel) int64 { return 2 * jobBudget * jobDefaultBps / 10_000 }
	}
	return p
}

// looking is a client that approves what is good, and disputes what is not.
func looking() (all []duty) {
	for _, name := range duelJobs {
		all = append(all, func(d *duel) (uint32, []move) {
			j := d.job(name)
			if j.Phase != wrappers.JobDelivered {
				return 0, nil
			}
			m := move{Do: "dispute", By: "client 0", At: name, Value: ton(2)}
			if d.facts.held[goodResult+name] > 0 {
				m.Do = "approve"
			}
			return j.Until - j.Offer.Money.Review + looksAfter, []move{m}
		})
	}
	return all
}

// talkOfWork is the work that the provider truly does.
func talkOfWork(d *duel, m move) (known, agreed bool) {
	if m.Do != "work" {
		return false, false
	}
	agreed = d.job(m.At).Phase == wrappers.JobDelivered && d.facts.held[goodResult+m.At] == 0
	if agreed {
		d.facts.held[goodResult+m.At] = 1
		d.facts.earned += jobBudget
		d.facts.lost -= jobBudget
	}
	return true, agreed
}

func movesOfJobProvider(u umpire, given bool) func(*duel) [][]move {
	return func(d *duel) (all [][]move) {
		for _, name := range duelJobs {
			accept := move{Do: "accept_job", By: "owner 0", At: "provider 0", Key: "operator 0", Worker: "worker 0", Other: name, Amount: nano(jobBond), Value: ton(1), Wait: orderLasts}
			if !given {
				accept.Number = 1 // a pass of its own making
			}
			deliver := func(amount int64) move {
				return move{Do: "deliver_result", By: "owner 0", At: name, Worker: "worker 0", Amount: nano(amount), Value: ton(1)}
			}
			all = append(all, []move{accept}, []move{accept, deliver(jobBudget)}, []move{deliver(jobBudget)}, []move{deliver(1)}, []move{deliver(jobBudget), {Do: "work", At: name}})
			for _, do := range []string{"expire", "finish"} {
				all = append(all, []move{{Do: do, By: "owner 0", At: name, Value: ton(1)}})
			}
			if u == corrupted {
				all = append(all, []move{{Do: "rule", By: string(u), At: name, Count: 10_000, Value: ton(1)}})
			}
		}
		return append(all, []move{{Do: "withdraw", By: "owner 0", At: "provider 0", Amount: ton(19), Value: ton(1)}},
			[]move{{Do: "request_unstake", By: "owner 0", At: "provider 0", Amount: ton(30), Value: ton(1)}},
			[]move{{Do: "set_operator", By: "owner 0", At: "provider 0", Key: "operator 0", Amount: ton(2), Value: ton(1)}})
	}
}
