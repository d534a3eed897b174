package harness

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/worker/engine"
)

var (
	full = flag.Bool("full", false, "the numbers of a real market: minutes, and 100 kills of each kind of process")
	seed = flag.Uint64("seed", 1, "of what is asked, killed and cheated")
)

// plan is how much happens.
type plan struct {
	size
	at    int // requests at a time of the first client; of the others a tenth
	kills int // of each kind of process
	free  cocoon.Nano
}

func thePlan() plan {
	if *full {
		return plan{size{Daemons: 4, Dispatchers: 2, Providers: 5, Machines: 4, Concurrency: 64}, 500, 100, cocoon.NanoOf(50_000_000)}
	}
	return plan{size{Daemons: 4, Dispatchers: 2, Providers: 3, Machines: 2, Concurrency: 32}, 40, 2, cocoon.NanoOf(5_000_000)}
}

// engines break in their own ways.
func engines(n int) engine.Config {
	c := engine.Config{Answer: 600, Cost: engine.Cost{Prefill: 50_000, Step: 2 * time.Millisecond}}
	fault := func(kind string, count int, wait time.Duration, chance float64) {
		c.Faults = append(c.Faults, engine.Fault{Kind: kind, Count: count, Wait: wait, Chance: chance})
	}
	switch n % 6 {
	case 0:
		c.Answer = 40
		fault("usage-over", 20, 0, 0.5)
	case 1:
		fault("cut", 4, 0, 0.1)
	case 2:
		fault("slow-first", 0, 3*time.Second, 0.02)
	case 3:
		fault("error", 4, 0, 0.05)
		fault("500", 0, 0, 0.05)
	}
	return c
}

func TestMarket_NobodyLosesMoreThanTheBounds(t *testing.T) {
	t.Parallel()
	p := thePlan()
	w := newWorld(t, p.size, engines, func(q *party) {
		if q.Free = p.free; q.Role == aWorker {
			q.MaxOwed = cocoon.NanoOf(20_000_000)
		}
	})
	ears := []*ear{newEar(w.houses[0]), newEar(w.houses[1])}
	ears[1].hostile = true
	j := newJudge(w, ears, p.free, cocoon.NanoOf(1_000_000))
	defer j.print()
	loads, stop := w.ask(p)
	defer stop()
	for i, m := range []manner{honest, honest, silent, contrary} {
		f, err := w.apps[i].figures()
		require.NoError(t, err)
		ears[0].behaves(f.Accounts[w.houses[0].rewards], m)
	}
	random := rand.New(rand.NewPCG(*seed, 0))
	for _, step := range w.steps(p, random) {
		rest(t.Context(), time.Duration(random.IntN(300))*time.Millisecond)
		require.NoError(t, step(w, loads))
		j.look()
	}
	j.look()
	stop()
	for i, l := range loads {
		t.Logf("client %d: %v", i, l.count)
	}
	for i, e := range ears {
		t.Logf("wire of dispatcher %d: %v", i, e.did)
	}
	t.Logf("looked at all books %d times", j.looked)
}

// ask has applications ask all daemons until stop.
func (w *world) ask(p plan) (loads []*load, stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	var running []*sync.WaitGroup
	for i, a := range w.apps {
		l := newLoad(a)
		require.NoError(w, l.find())
		loads = append(loads, l)
		n := p.at
		if i > 0 {
			n = max(2, p.at/10)
		}
		running = append(running, l.run(ctx, n, *seed+uint64(i)))
	}
	return loads, func() {
		cancel()
		for _, r := range running {
			r.Wait()
		}
	}
}

// find asks the daemon where it is.
func (l *load) find() error {
	f, err := l.app.figures()
	if err == nil {
		l.url.Store(&f.URL)
	}
	return err
}

// step is what happens between two looks.
type step func(*world, []*load) error

// steps are the plan's kills, in any order.
func (w *world) steps(p plan, random *rand.Rand) (all []step) {
	for range p.kills {
		all = append(all, func(w *world, _ []*load) error { return again(w.houses[random.IntN(len(w.houses))].process) },
			func(w *world, _ []*load) error { return again(w.machines[random.IntN(len(w.machines))].process) },
			func(w *world, loads []*load) error {
				i := random.IntN(len(w.apps))
				if err := again(w.apps[i].process); err != nil {
					return err
				}
				return loads[i].find()
			})
	}
	for range 2 * p.kills {
		all = append(all, func(*world, []*load) error { return nil })
	}
	random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	return all
}

// again kills a process and starts it once more.
func again(p *process) error {
	if err := p.kill(); err != nil {
		return err
	}
	return p.start()
}
