package harness

import (
	"context"
	"flag"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/worker/engine"
)

var (
	full  = flag.Bool("full", false, "the numbers of a real market: minutes")
	kills = flag.Int("kills", 100, "of each kind of process, in full")
	out   = flag.String("figures", "", "file for what everybody lost, as JSON")
	run   = flag.Bool("market", false, "run a small market of processes: a minute")
	seed  = flag.Uint64("seed", 1, "of what is asked, killed and cheated")
	keep  = flag.String("keep", "", "folder in which what the parties wrote stays, their logs among it; keys are in there")
)

var (
	maxOwed = cocoon.NanoOf(100_000_000) // X_e: that a dispatcher may owe a provider and not have opened
	most    = cocoon.NanoOf(1_000_000)   // that a request may cost: 340 KB and 700 tokens
)

// plan is how much happens. A dispatcher that is killed every few seconds loses frames,
// for which honest clients pay less than was billed: it has to forgive them more.
type plan struct {
	size
	at    int // requests at a time of the first client; of the others a tenth
	kills int // of each kind of process
	free  cocoon.Nano
}

func thePlan() plan {
	if *full {
		return plan{size{Daemons: 4, Dispatchers: 2, Providers: 5, Machines: 4, Concurrency: 64}, 500, *kills, cocoon.NanoOf(50_000_000)}
	}
	return plan{size{Daemons: 4, Dispatchers: 2, Providers: 3, Machines: 2, Concurrency: 32}, 40, 2, bound.Base()}
}

// engines break in their own ways.
func engines(n int) http.Handler {
	c := engine.Config{Models: []string{model}, Answer: 600, Cost: engine.Cost{Prefill: 50_000, Step: 2 * time.Millisecond}}
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
	return opened(c)
}

func opened(c engine.Config) http.Handler {
	e, err := engine.Open(c)
	if err != nil {
		panic(err) // as it is written above
	}
	return e
}

func TestMarket_NobodyLosesMoreThanTheBounds(t *testing.T) {
	mayRun(t)
	t.Parallel()
	p := thePlan()
	t.Logf("seed %d", *seed)
	w := newWorld(t, p.size, engines, func(q *party) {
		q.Free, q.MaxOwed = p.free, maxOwed
		if q.Role == aDispatcher && q.Rewards != q.Home {
			q.Period = 60 * 86_400 // it skips its epochs
		}
	})
	ears := []*ear{newEar(w.houses[0]), newEar(w.houses[1])}
	ears[1].hostile = true
	j := newJudge(w, ears, p.free, most)
	defer j.print()
	for i, m := range []manner{honest, honest, silent, contrary} {
		f, err := w.apps[i].figures()
		require.NoError(t, err)
		ears[0].behaves(f.Accounts[w.houses[0].rewards], m)
	}
	loads, stop := w.ask(p)
	defer stop()
	random := rand.New(rand.NewPCG(*seed, 0))
	for _, do := range w.steps(p, random) {
		rest(t.Context(), time.Duration(random.IntN(300))*time.Millisecond)
		require.NoError(t, do(j, loads))
		j.look()
	}
	stop()
	for i, l := range loads {
		t.Logf("client %d: %v", i, l.count)
		require.Positive(t, l.of("whole"), "client %d is served", i)
		require.Zero(t, l.of("another answer by the same key"))
	}
	for i, e := range ears {
		t.Logf("wire of dispatcher %d: %v", i, e.did)
	}
	for _, cheat := range []string{"hides the newest voucher", "withholds the tail", "alters counts", "alters a receipt", "orders twice"} {
		require.Positive(t, ears[1].did[cheat], cheat)
	}
	require.Positive(t, ears[0].did["never signs"])
	require.Positive(t, ears[0].did["disputes"])
	require.GreaterOrEqual(t, j.peak, p.at*3/4, "requests at a time under one channel")
	j.end()
	t.Logf("looked at all books %d times, with up to %d requests open under one channel, over kills of %v", j.looked, j.peak, w.kills())
}

// kills counts them by role.
func (w *world) kills() map[role]int {
	n := map[role]int{}
	for _, h := range w.houses {
		n[aDispatcher] += h.kills
	}
	for _, m := range w.machines {
		n[aWorker] += m.kills
	}
	for _, a := range w.apps {
		n[aDaemon] += a.kills
	}
	return n
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
type step func(*judge, []*load) error

// steps are the plan's kills and what else goes wrong, in any order; what ends a
// channel comes late.
func (w *world) steps(p plan, random *rand.Rand) (all []step) {
	for n := range p.kills {
		all = append(all, func(j *judge, _ []*load) error { return again(j.houses[random.IntN(len(j.houses))].process) },
			func(j *judge, _ []*load) error { return again(j.machines[random.IntN(len(j.machines))].process) },
			func(j *judge, loads []*load) error {
				i := random.IntN(len(j.apps))
				if err := again(j.apps[i].process); err != nil {
					return err
				}
				return loads[i].find()
			},
			func(*judge, []*load) error { return nil })
		if n%10 == 0 {
			all = append(all, func(j *judge, _ []*load) error { j.houses[random.IntN(len(j.houses))].wire.cut(); return nil })
		}
	}
	random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	quiet := func(*judge, []*load) error { rest(w.Context(), time.Second); return nil }
	return append(append([]step{quiet, quiet}, all...), quiet, quiet, (*judge).twin, (*judge).settleCover, quiet, quiet)
}

// again kills a process and starts it once more.
func again(p *process) error {
	if err := p.kill(); err != nil {
		return err
	}
	return p.start()
}

// twin runs a second daemon over a copy of the last one's folder, beside it.
func (j *judge) twin([]*load) error {
	a := j.apps[len(j.apps)-1]
	p := a.party
	pr, err := newProcess(j.dir, "twin", p)
	if err != nil {
		return err
	}
	if err = copyFolder(j.path("twin"), p.Data); err != nil {
		return err
	}
	if err = pr.start(); err != nil {
		return err
	}
	l := newLoad(&app{a.somebody, pr, a.secret})
	if err = l.find(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(j.Context(), 2*time.Second)
	defer cancel()
	l.run(ctx, 4, *seed).Wait()
	j.Logf("twin: %v", l.count)
	return pr.kill()
}

// copyFolder copies files as they are at the moment, for their owner alone.
func copyFolder(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), raw, 0o600)
	})
}

// settleCover has the hostile dispatcher take all that its client ever signed.
func (j *judge) settleCover([]*load) error {
	var account cocoon.Account
	j.await("the client to pay the hostile dispatcher", func() bool { // it may just have been started
		f, err := j.apps[1].figures()
		require.NoError(j, err)
		account = f.Accounts[j.houses[1].rewards]
		return !j.ears[1].highest(account).Cumulative.IsZero()
	})
	v := j.ears[1].highest(account)
	settle, err := j.patron.Settle(j.Context(), v, j.patron.wallet.Account())
	if err != nil {
		return err
	}
	if _, err = j.patron.wallet.Send(j.Context(), settle); err != nil {
		return err
	}
	j.robbed = account
	j.await("the robbed client to leave", func() bool {
		f, err := j.apps[1].figures()
		require.NoError(j, err)
		_, open := f.Accounts[j.houses[1].rewards]
		return !open
	})
	return nil
}

// mayRun skips what takes a quiet machine for a minute or more.
func mayRun(t *testing.T) {
	if !*run && !*full {
		t.Skip("a minute on a quiet machine: make test-harness, or make harness")
	}
}
