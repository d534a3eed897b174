package sandboxtests

import (
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
		m := move{Do: "deliver", By: d.nameOf(way[0]), At: d.nameOf(way[1])}
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
