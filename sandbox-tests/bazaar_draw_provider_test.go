package sandboxtests

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func (d *drawing) toProvider(i int) move {
	at, owner := numbered("provider", i), numbered("owner", i)
	p := stateOf[wrappers.Provider](d.bazaar, at)
	signer := d.signer(p.Operator, "operator 0", "operator 1", "operator 2", "operator 3")
	worker := numbered("worker", d.n(4))
	switch d.n(14) {
	case 0:
		return move{Do: "stake", By: "stranger", At: at, Amount: d.part(ton(60))}
	case 1:
		return move{Do: "request_unstake", By: owner, At: at, Amount: d.part(p.Stake)}
	case 2, 3:
		return move{Do: "withdraw", By: owner, At: at, Amount: d.part(ton(5)), Value: ton(1)}
	case 4:
		return move{Do: "set_operator", By: owner, At: at, Amount: d.part(ton(60)), Value: ton(1), Key: numbered("operator", d.n(4))}
	case 5, 6:
		return move{Do: "put_worker", By: "relay", At: at, Key: signer, Worker: worker, Number: int(p.Revision) + d.n(3), Count: 1 + d.n(3)}
	case 7:
		return move{Do: "retire_worker", By: "relay", At: at, Key: signer, Worker: worker, Number: int(p.Revision) + d.n(3)}
	case 8:
		return move{Do: "prune", By: "relay", At: at, Worker: worker}
	case 9:
		return move{Do: "report_equivocation", By: "reporter", At: at, Worker: worker, Key: worker, Number: d.n(4) / 3}
	case 10:
		return move{Do: "refresh_terms", By: owner, At: at, Number: d.n(3)}
	case 11:
		return move{Do: "transfer", By: "stranger", At: at, Value: d.part(ton(20))}
	}
	return d.accepting(at, signer, worker)
}

// accepting is an order to take a job.
func (d *drawing) accepting(at, signer, worker string) move {
	return move{Do: "accept_job", By: "relay", At: at, Key: signer, Worker: worker, Other: d.job(), Amount: plus(d.t, ton(uint64(d.n(3))), cocoon.NanoOf(uint64(d.n(2)))), Value: ton(1), Wait: one(d, 600, 600, 86400, 1), Number: d.n(4) / 3}
}

// signer is the name of a key, most often among names.
func (d *drawing) signer(key [32]byte, names ...string) string {
	for _, name := range names {
		if publicOf(name) == key && d.n(16) > 0 {
			return name
		}
	}
	return one(d, names...)
}

// job is one that is there, the newest most often.
func (d *drawing) job() string {
	if n := len(d.offers); n > 0 {
		return numbered("job", n-1-d.n(n)*d.n(2))
	}
	return "job 0"
}

func (d *drawing) toJob() move {
	if n := len(d.offers); n == 0 || n < 40 && d.rarely(4) {
		o := d.offerOf(n, 0)
		return move{Do: "open_job", By: numbered("client", n%2), At: numbered("job", n), Number: n, Wait: one(d, 600, 7200, 86400), Value: d.value(o.Money.Budget.Nano), Init: true}
	}
	at := d.job()
	j, o := stateOf[wrappers.Job](d.bazaar, at), d.offers[at]
	client := d.who(o.Client, "client 0", "client 1")
	if d.rarely(8) {
		return move{Do: one(d, "open_job", "cancel", "expire", "finish", "approve", "dispute"), By: client, At: at, Value: d.value(o.Money.Budget.Nano)}
	}
	switch j.Phase {
	case wrappers.JobInert:
		return move{Do: one(d, "open_job", "cancel"), By: client, At: at, Value: plus(d.t, o.Money.Budget.Nano, ton(1))}
	case wrappers.JobOpen:
		if d.n(4) > 0 {
			i := d.n(manyProviders)
			p := stateOf[wrappers.Provider](d.bazaar, numbered("provider", i))
			return d.accepting(numbered("provider", i), d.signer(p.Operator, "operator 0", "operator 1", "operator 2", "operator 3"), numbered("worker", d.n(4)))
		}
		return move{Do: one(d, "cancel", "expire"), By: client, At: at}
	case wrappers.JobAccepted:
		return d.delivering(at, o, j)
	case wrappers.JobDelivered:
		return move{Do: one(d, "approve", "finish", "dispute", "dispute"), By: client, At: at, Value: plus(d.t, ton(1), o.Money.Deposit.Nano)}
	case wrappers.JobDisputed:
		return move{Do: one(d, "rule", "rule", "finish"), By: "arbiter", At: at, Count: d.n(21) * 500, Number: d.n(21) * 500}
	}
	return move{Do: one(d, "finish", "transfer"), By: "stranger", At: at}
}

// delivering hands a result in, by whoever carries it, or gives up.
func (d *drawing) delivering(at string, o wrappers.JobOffer, j wrappers.Job) move {
	worker := d.signer(j.Bound.Worker, "worker 0", "worker 1", "worker 2", "worker 3")
	amount := d.part(o.Money.Budget.Nano)
	switch d.n(4) {
	case 0:
		return move{Do: "expire", By: "stranger", At: at}
	case 1:
		return move{Do: "external", At: at, Worker: worker, Amount: amount}
	}
	return move{Do: "deliver_result", By: "relay", At: at, Worker: worker, Amount: amount, Value: ton(1)}
}

// who is the name of a wallet, most often among names.
func (d *drawing) who(a cocoon.Account, names ...string) string {
	for _, name := range names {
		if wallet(name) == a && d.n(16) > 0 {
			return name
		}
	}
	return one(d, names...)
}
