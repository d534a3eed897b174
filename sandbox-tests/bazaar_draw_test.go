package sandboxtests

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// drawing chooses moves: most often what the state allows, or nearly so.
type drawing struct {
	*bazaar
	rt    *rapid.T
	focus []string // where things happen, the more often the more likely
}

// bit is uniform, as integers of rapid are not.
var bit = rapid.Bool()

// n is one of 0 to k-1, all as likely.
func (d *drawing) n(k int) (v int) {
	for most := 1; most < 8*k; most *= 2 {
		v *= 2
		if bit.Draw(d.rt, "bit") {
			v++
		}
	}
	return v % k
}

// rarely is true once in k times; never is what a failure shrinks to.
func (d *drawing) rarely(k int) bool { return d.n(k) == k-1 }

// one is any of all.
func one[T any](d *drawing, all ...T) T { return all[d.n(len(all))] }

// part is often a round one of an amount, at times its edges or a nanoTON beyond.
func (d *drawing) part(of cocoon.Nano) cocoon.Nano {
	switch d.n(8) {
	case 0:
		return of
	case 1:
		return plus(d.t, of, cocoon.NanoOf(1))
	case 2:
		return cocoon.NanoOf(1)
	case 3:
		return cocoon.Nano{}
	}
	n, err := of.MulDiv(uint64(d.n(64)), 64)
	if err != nil {
		d.rt.Fatal(err)
	}
	return n
}

// value is what a message brings beyond amount: plenty, or hardly enough, or not.
func (d *drawing) value(amount cocoon.Nano) cocoon.Nano {
	if d.rarely(6) {
		return plus(d.t, amount, cocoon.NanoOf(uint64(d.n(4000))*1000))
	}
	return plus(d.t, amount, ton(1))
}

// move is the next one.
func (d *drawing) move(rt *rapid.T) move {
	d.rt = rt
	if len(d.letters) > 0 && d.n(5) > 0 {
		ways := d.pairs()
		way := ways[d.n(len(ways))]
		m := move{Do: "deliver", By: d.wayName(way[0]), At: d.wayName(way[1])}
		if d.rarely(3) {
			m.Form = "whole"
		}
		return m
	}
	if d.rarely(12) {
		return d.worldly()
	}
	return d.mischief(d.message())
}

// wayName is how a scenario names an end of a way: contracts and wallets by name.
func (d *drawing) wayName(a cocoon.Account) string { return d.nameOf(a) }

// worldly moves are those of time, prices and rent.
func (d *drawing) worldly() move {
	switch d.n(8) {
	case 0, 1, 2, 3:
		return move{Do: "wait", Wait: one(d, 1, 60, 1800, 3600, 7200, 6*3600, 12*3600, 86400, 86400, 5*86400, 15*86400, 40*86400)}
	case 4:
		if d.now < genesis+3*365*86400 {
			return move{Do: "wait", Wait: 365 * 86400}
		}
	case 5:
		return move{Do: "freeze", At: d.contract()}
	}
	return move{Do: "prices", Count: one(d, 100, 25, 50, 200, 400, 100)}
}

// contract is any that is there.
func (d *drawing) contract() string {
	var all []string
	for name, a := range d.places {
		if d.holdsCode(a) || d.frozen[a] != nil {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return one(d, all...)
}

// mischief makes some messages ones that are refused, or those of somebody else.
func (d *drawing) mischief(m move) move {
	if a := d.places[m.At]; d.frozen[a] != nil && d.n(2) == 0 {
		return move{Do: "transfer", By: "stranger", At: m.At, Value: ton(1), Init: true, Late: true}
	}
	if !d.rarely(6) {
		return m
	}
	switch d.n(5) {
	case 0:
		m.By = one(d, "stranger", "client 0", "owner 0", "dispatcher 0", "arbiter")
	case 1:
		m.Key = "impostor"
	case 2:
		if m.Do != "transfer" && m.Do != "income" {
			m.Spoil = one(d, "cut", "longer", "op")
		}
	case 3:
		m.Late = true
	case 4:
		if !m.Init {
			m.At = d.contract()
		}
	}
	if m.Key == "" {
		m.Key = "impostor"
	}
	return m
}

// message is one to a contract.
func (d *drawing) message() move {
	var m move
	switch where := one(d, d.focus...); where {
	case "provider":
		m = d.toProvider(d.n(manyProviders))
	case "job":
		m = d.toJob()
	case "rewards":
		m = d.toRewards(d.n(manyRewards))
	case "epoch":
		m = d.toEpoch()
	case "channel":
		m = d.toChannel(d.n(4 * manyChannels))
	default:
		m = d.elsewhere()
	}
	if m.Value.IsZero() && m.Do != "external" {
		m.Value = d.value(m.Amount)
	}
	return m
}

// elsewhere are transfers, the registry, and what impostors say that contracts say.
func (d *drawing) elsewhere() move {
	rewards := numbered("rewards", d.n(manyRewards))
	switch d.n(9) {
	case 0, 1:
		return move{Do: "transfer", By: "stranger", At: d.contract(), Value: d.part(ton(5))}
	case 2:
		return move{Do: "announce", By: "registry owner", At: "registry", Number: d.n(3)}
	case 3:
		return move{Do: "apply", By: "stranger", At: "registry", Index: d.change()}
	case 4:
		return move{Do: "terms", By: "stranger", At: one(d, numbered("provider", d.n(manyProviders)), rewards), Number: d.n(3)}
	case 5:
		return move{Do: "income", By: "stranger", At: numbered("provider", d.n(manyProviders)), Amount: d.part(ton(3)), Value: d.part(ton(3))}
	case 6:
		r := stateOf[wrappers.Rewards](d.bazaar, rewards)
		return move{Do: one(d, "passed", "failed", "remainder", "settlement"), By: "stranger", At: rewards, Number: int(r.Number), Index: int(r.Attempt), Amount: ton(1), Other: "provider 0"}
	case 7:
		return move{Do: "accept", By: "stranger", At: d.job(), Amount: ton(1), Other: "provider 0", Worker: "worker 0"}
	}
	return move{Do: "request_terms", By: "stranger", At: "registry"}
}

// change is one that the registry has announced, or the next.
func (d *drawing) change() int {
	r := stateOf[wrappers.Registry](d.bazaar, "registry")
	if n := len(r.Announced); n > 0 {
		return int(r.Announced[d.n(n)].ID)
	}
	return int(r.NextChange)
}

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

func (d *drawing) toRewards(i int) move {
	at := numbered("rewards", i)
	r := stateOf[wrappers.Rewards](d.bazaar, at)
	people := []string{numbered("dispatcher", i), numbered("heir", i), numbered("next", i), "operator of rewards"}
	owner := d.who(r.Owner, people...)
	switch d.n(18) {
	case 0, 1:
		return move{Do: "bond", By: "stranger", At: at, Amount: d.part(ton(40))}
	case 2:
		return move{Do: "fund", By: "stranger", At: at, Amount: d.part(ton(40))}
	case 3:
		return move{Do: "request_unbond", By: owner, At: at, Amount: d.part(r.Bond), Value: ton(1)}
	case 4, 5:
		return move{Do: "withdraw", By: owner, At: at, Amount: d.part(r.Unbonding), Value: ton(1)}
	case 6:
		return move{Do: one(d, "set_heir", "transfer_ownership", "appoint"), By: owner, At: at, Other: one(d, people...)}
	case 7:
		return move{Do: "accept_ownership", By: d.who(r.NextOwner, people...), At: at}
	case 8:
		return move{Do: "succeed", By: d.who(r.Heir, people...), At: at}
	case 9:
		return move{Do: "rotate_key", By: owner, At: at, Key: d.receiptKey(i)}
	case 10:
		number := int(r.Number) + d.n(3)
		return move{Do: "owe", By: "stranger", At: at, Key: d.keyOf(i, r.Keys.Of(uint32(number))), Number: number, Other: numbered("provider", d.n(3)), Amount: d.part(ton(2)), Value: ton(1)}
	case 11:
		return move{Do: "refresh_terms", By: owner, At: at, Number: d.n(3)}
	}
	return move{Do: "open_epoch", By: d.who(r.Operator, people...), At: at, Amount: d.part(ton(60)), Value: ton(2), Count: 1 + d.n(6), Number: one(d, 0, 0, 0, 0, 0, 1, 2, 3)}
}

// receiptKey is the name of one of a dispatcher's.
func (d *drawing) receiptKey(i int) string {
	return one(d, numbered("receipts", i), fmt.Sprint("receipts ", i, " next"))
}

// keyOf is the name of that receipt key, most often.
func (d *drawing) keyOf(i int, key [32]byte) string {
	return d.signer(key, numbered("receipts", i), fmt.Sprint("receipts ", i, " next"))
}

func (d *drawing) toEpoch() move {
	if len(d.epochs) == 0 {
		return d.toRewards(d.n(manyRewards))
	}
	at := d.epochs[max(0, len(d.epochs)-1-d.n(3))]
	e, tree := stateOf[wrappers.Epoch](d.bazaar, at), d.treeOfEpoch(at)
	if e.Opened == nil || tree == nil {
		return move{Do: one(d, "fail", "pass", "finish"), By: "stranger", At: at}
	}
	n := len(tree.leaves)
	if d.rarely(6) {
		return move{Do: one(d, "publish", "push", "claim", "fail", "pass", "finish"), By: "stranger", At: at, Index: d.n(n), Count: 1 + d.n(n)}
	}
	switch e.Phase {
	case wrappers.EpochPublishing:
		left := n - int(e.Published)
		return move{Do: one(d, "publish", "publish", "publish", "fail"), By: "stranger", At: at, Index: int(e.Published), Count: max(1, left-d.n(2)*d.n(left))}
	case wrappers.EpochWindow:
		if d.n(2) == 0 {
			return d.proving(at, e, tree)
		}
		return move{Do: "pass", By: "stranger", At: at}
	case wrappers.EpochPaying:
		left := n - int(e.Cursor)
		if left > 0 && d.n(3) == 0 {
			return move{Do: "push", By: "stranger", At: at, Index: int(e.Cursor), Count: max(1, left-d.n(2)*d.n(left))}
		}
		return move{Do: one(d, "claim", "claim", "finish", "pass"), By: "stranger", At: at, Index: d.n(n)}
	}
	return move{Do: one(d, "fail", "finish", "pass", "claim"), By: "stranger", At: at, Index: d.n(n)}
}

// proving shows a receipt over less than a leaf, as much or more.
func (d *drawing) proving(at string, e wrappers.Epoch, tree *planted) move {
	var r int
	_, _ = fmt.Sscanf(d.nameOf(e.Birth.Rewards), "rewards %d", &r)
	i := d.n(len(tree.leaves))
	l := tree.leaves[i]
	other := numbered("payee", 0)
	if name, ours := d.names[l.Provider]; ours {
		other = name
	}
	amount := plus(d.t, l.Amount.Nano, cocoon.NanoOf(uint64(d.n(3))))
	return move{Do: "prove", By: "stranger", At: at, Index: i, Key: d.keyOf(r, e.Opened.ReceiptKey), Number: int(e.Birth.Number), Other: other, Amount: amount, Value: ton(1)}
}

func (d *drawing) toChannel(i int) move {
	at, client := numbered("channel", i), numbered("client", i%2)
	c := stateOf[wrappers.Channel](d.bazaar, at)
	if c.Birth.CloseDelay == 0 {
		return move{Do: one(d, "transfer", "open_channel"), By: client, At: at, Value: plus(d.t, ton(1), d.part(ton(20))), Init: true}
	}
	keys := []string{at, at + " next", at + " third"}
	switch d.n(12) {
	case 0:
		return move{Do: "rotate", By: client, At: at, Key: one(d, keys...)}
	case 1:
		return move{Do: one(d, "request_close", "open_channel"), By: client, At: at}
	case 2:
		return move{Do: "finish", By: "stranger", At: at}
	case 3:
		if d.rarely(3) {
			return move{Do: "close_now", By: client, At: at, Amount: plus(d.t, c.Settled, d.part(ton(3))), Value: ton(1), Key: one(d, numbered("receipts", i%manyRewards), numbered("receipts", i%manyRewards), at)}
		}
	case 4:
		return move{Do: "transfer", By: client, At: at, Value: d.part(ton(20))}
	}
	return move{Do: "settle", By: "relay", At: at, Key: d.signer(c.Key, keys...), Amount: plus(d.t, c.Settled, d.part(ton(2))), Value: d.value(cocoon.Nano{})}
}
