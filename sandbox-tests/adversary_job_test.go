package sandboxtests

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// A job for which a client pays 4 TON, and whose provider stands for 2.
const (
	jobBudget     = 4_000_000_000
	jobBond       = 2_000_000_000
	jobDeposit    = 1_000_000_000
	jobDefaultBps = 7_500
	honestWork    = 1_800 // seconds that the work truly takes, half of what the offer gives
	looksAfter    = 600   // seconds after which a client looks at a result
	rulesAfter    = 3_600 // seconds after which an honest arbiter rules
	orderLasts    = 600   // seconds that an order to accept is good for
)

// duelJobs are the jobs of a plot; a second one is for who takes two with one bond.
var duelJobs = []string{"deal 0", "deal 1"}

// umpire is who rules where a result is disputed.
type umpire string

const (
	nobody    umpire = ""                // the offer's default decides
	arbiter   umpire = "arbiter"         // who knows what was delivered
	silent    umpire = "silent arbiter"  // who never rules
	corrupted umpire = "corrupt arbiter" // who is of the coalition
)

// deal writes the offers of a plot and gives them their names.
func (d *duel) deal(client string, u umpire, key [32]byte) {
	for i, name := range duelJobs {
		o := d.offerOf(2, 7200)
		o.Client, o.OfferKey, o.Salt = wallet(client), key, uint64(1000+i)
		o.Money.Budget, o.Money.MinBond, o.Money.Deposit = coins(nano(jobBudget)), coins(nano(jobBond)), coins(nano(jobDeposit))
		o.Money.Work, o.Money.Review, o.Money.Arbitration, o.Money.DefaultBps = 2*honestWork, 1800, 7200, jobDefaultBps
		o.Money.Arbiter = cocoon.Account{}
		if u != nobody {
			o.Money.Arbiter = wallet(string(u))
		}
		init, err := o.Init()
		d.found(name, init, err)
		d.offers[name] = o
	}
}

func (d *duel) job(name string) wrappers.Job { return stateOf[wrappers.Job](d.bazaar, name) }

func opening(client, name string) move {
	return move{Do: "open_job", By: client, At: name, Value: nano(jobBudget + 1_000_000_000), Init: true}
}

// good and junk results differ in nothing that a contract sees; the facts tell them apart.
const (
	goodResult = "good result of "
	junkResult = "junk result of "
)

// ruling is what an honest arbiter does about each job.
func ruling() (all []duty) {
	for _, name := range duelJobs {
		all = append(all, func(d *duel) (uint32, []move) {
			j := d.job(name)
			if j.Phase != wrappers.JobDisputed {
				return 0, nil
			}
			m := move{Do: "rule", By: string(arbiter), At: name, Value: ton(1)}
			if d.facts.held[goodResult+name] > 0 {
				m.Count = 10_000
			} else {
				m.Number = 10_000
			}
			return j.Until - j.Offer.Money.Arbitration + rulesAfter, []move{m}
		})
	}
	return all
}

// ending finishes jobs when their time is over, by somebody; a client takes back what nobody accepted.
func ending(client string) (all []duty) {
	for _, name := range duelJobs {
		all = append(all, func(d *duel) (uint32, []move) {
			switch j := d.job(name); j.Phase {
			case wrappers.JobOpen:
				return d.now, []move{{Do: "cancel", By: client, At: name, Value: ton(1)}}
			case wrappers.JobAccepted:
				return j.Until, []move{{Do: "expire", By: "crank", At: name, Value: ton(1)}}
			case wrappers.JobDelivered, wrappers.JobDisputed:
				return j.Until, []move{{Do: "finish", By: "crank", At: name, Value: ton(1)}}
			}
			return 0, nil
		})
	}
	return all
}

// clientOfJobPlot is a client that would have the work and the money: by disputes of good work, by cancelling
// and expiring in time, by too small an escrow, by relaying an order late.
func clientOfJobPlot(u umpire) plot {
	p := plot{name: "client of a job, " + nameOfUmpire(u), depth: 6, width: 10, coalition: []string{"client 0"}, victims: []string{"owner 0"}, theirs: []string{"provider 0"}, scene: duelJobs,
		begin: func(d *duel) { d.deal("client 0", u, [32]byte{}) },
		moves: movesOfJobClient(u), talk: talkOfResults,
		duties: append(ruling(), working()...), exits: [][]duty{ending("client 0")}}
	switch u {
	case arbiter:
		p.bound = func(*duel) int64 { return 0 }
	case corrupted:
		p.coalition = append(p.coalition, string(u))
		p.bound = func(*duel) int64 { return jobBudget + jobBond }
	default:
		p.bound = func(*duel) int64 { return jobBudget * (10_000 - jobDefaultBps) / 10_000 }
	}
	return p
}

func nameOfUmpire(u umpire) string {
	if u == nobody {
		return "no arbiter"
	}
	return string(u)
}

// working is an honest provider: it has signed an order to accept, and delivers when the work is done.
func working() (all []duty) {
	for _, name := range duelJobs {
		all = append(all, func(d *duel) (uint32, []move) {
			if j := d.job(name); j.Phase != wrappers.JobAccepted {
				return 0, nil
			}
			return uint32(d.facts.held[name]) + honestWork, []move{
				{Do: "deliver_result", By: "owner 0", At: name, Worker: "worker 0", Amount: nano(jobBudget), Value: ton(1)},
				{Do: "result", At: name, Amount: nano(jobBudget)}}
		})
	}
	return all
}

// talkOfResults is what happens to jobs beside the chain.
func talkOfResults(d *duel, m move) (known, agreed bool) {
	f := &d.facts
	switch m.Do {
	case "result": // good work is in the client's hands, once it was delivered
		if d.job(m.At).Phase == wrappers.JobDelivered && f.held[goodResult+m.At] == 0 {
			f.held[goodResult+m.At] = 1
			f.gained += m.Amount.Big().Int64()
			f.lost += m.Amount.Big().Int64()
		}
		return true, true
	case "ask": // for an order to accept, which the provider signs where the job is open
		agreed = d.job(m.At).Phase == wrappers.JobOpen && f.held["order "+m.At] == 0
		if agreed {
			f.held["order "+m.At] = int64(d.now)
		}
		return true, agreed
	case "relay": // the order that was signed, as long as it is good
		left := f.held["order "+m.At] + orderLasts - int64(d.now)
		if left <= 0 || !d.say(move{Do: "accept_job", By: m.By, At: "provider 0", Key: "operator 0", Worker: "worker 0", Other: m.At, Amount: nano(jobBond), Value: ton(1), Wait: int(left)}, true) {
			return true, false
		}
		f.held[m.At] = int64(d.now)
		return true, d.job(m.At).Phase == wrappers.JobAccepted
	}
	return false, false
}

func movesOfJobClient(u umpire) func(*duel) [][]move {
	return func(d *duel) (all [][]move) {
		for _, name := range duelJobs[:1] {
			short := opening("client 0", name)
			short.Value = nano(jobBudget)
			all = append(all, []move{opening("client 0", name)}, []move{short}, []move{{Do: "ask", At: name}}, []move{{Do: "relay", By: "client 0", At: name}})
			for _, do := range []string{"cancel", "expire", "approve", "dispute", "finish"} {
				all = append(all, []move{{Do: do, By: "client 0", At: name, Value: ton(2)}})
			}
			if j := d.job(name); j.Phase == wrappers.JobOpen {
				all = append(all, []move{{Do: "wait", Wait: int(j.Until - 1 - d.now)}, {Do: "ask", At: name}, {Do: "relay", By: "client 0", At: name}})
			}
			all = append(all, []move{opening("client 0", name), {Do: "ask", At: name}, {Do: "relay", By: "client 0", At: name}})
			if u == corrupted {
				all = append(all, []move{{Do: "rule", By: string(u), At: name, Number: 10_000, Value: ton(1)}})
			}
		}
		return all
	}
}
