package e2e_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/channel"
	"github.com/cocoon-network/cocoon/client/daemon"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/worker/answer"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

// More models, of a market with two dispatchers.
const (
	held = "lab/held" // answers once a test lets it
	far  = "lab/far"  // of the standby's worker alone
	afar = "lab/afar" // as well
)

// The dispatchers, and their workers.
const (
	home    = "home"
	standby = "standby"
)

// pair is a market of two dispatchers with a worker each, and an application whose
// daemon pays both.
type pair struct {
	*world
	gates   *gates
	process *exec.Cmd              // home's
	second  *dispatcher.Dispatcher // that stands by
	workers map[string]*employed   // by dispatcher
	names   map[string]string      // of dispatchers, by their worker's key as applications see it
	app     *app

	killed  time.Time      // home
	waiting errgroup.Group // for an answer that had no token then
	amid    *ssestream.Stream[openai.ChatCompletionChunk]
	said    int // tokens of it before that
}

// employed is a worker that ends and comes back.
type employed struct {
	*hand
	owner   *owner
	key     ed25519.PrivateKey
	engines map[string]http.Handler
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{world: newWorld(t, chat, slow, held, far, afar), gates: newGates(home, standby), workers: map[string]*employed{}, names: map[string]string{}}
	first, second := p.house(), p.house()
	p.process = first.start()
	p.second, _ = second.serve()
	first.up()
	p.employ(home, chat, slow, held)
	p.employ(standby, chat, slow, held, far, afar)
	p.app = p.daemon(t, cocoon.TON(2), func(c *daemon.Config) {
		c.Channel.Standby = cocoon.TON(1)
		c.Session.Silence, c.Session.Retry = 3*time.Second, retry // that a test can wait for
	})
	return p
}

// employ gives a dispatcher a worker, of an owner of its own.
func (p *pair) employ(name string, models ...string) {
	p.t.Helper()
	e := &employed{owner: p.provider(), engines: map[string]http.Handler{}}
	e.key = p.register(e.owner, models)
	public := wrappers.PublicKey(e.key)
	p.workers[name], p.names[fmt.Sprintf("%x", public[:])] = e, name
	for _, m := range models {
		e.engines[m] = engine.New(m)
	}
	e.engines[slow] = p.broken(engine.Config{Answer: 60_000, Cost: engine.Cost{Step: 2 * time.Millisecond, Prefill: 1e6}})
	e.engines[held] = p.gates.door(name, e.engines[held])
	p.employAgain(name)
}

func (p *pair) employAgain(name string) {
	p.t.Helper()
	e := p.workers[name]
	e.hand = p.work(p.houseOf(name), e.owner, e.key, e.engines)
}

func (p *pair) houseOf(name string) *house {
	return p.houses[map[string]int{home: 0, standby: 1}[name]]
}

// channel is the one to a dispatcher.
func (p *pair) channel(t *testing.T, name string) *channel.Channel {
	t.Helper()
	for _, c := range p.app.daemon.Channels() {
		if c.Rewards == p.houseOf(name).rewards {
			return c
		}
	}
	require.FailNow(t, "there is no channel", name)
	return nil
}

// ask has a model say a few words, asks once, and says whose worker answered.
func (p *pair) ask(t *testing.T, model string) (by string, err error) {
	var answer *http.Response
	ask := params(model, "x")
	ask.MaxCompletionTokens = param.NewOpt(int64(8))
	_, err = p.app.sdk(option.WithMaxRetries(0)).Chat.Completions.New(t.Context(), ask, option.WithResponseInto(&answer))
	if answer != nil {
		by = p.names[answer.Header.Get("X-Cocoon-Worker")]
	}
	return by, err
}

// answers wants requests at once and in a row all answered by one's worker.
func (p *pair) answers(t *testing.T, who, model string) {
	t.Helper()
	var g errgroup.Group
	for range 4 {
		g.Go(func() error {
			for range 3 {
				by, err := p.ask(t, model)
				if err == nil && by != who {
					err = errors.New(by + " answered")
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
}

// comes waits until requests are answered by one's worker; none of them may fail.
func (p *pair) comes(t *testing.T, who, model string) {
	t.Helper()
	for late := time.Now().Add(wait); ; time.Sleep(tick) {
		by, err := p.ask(t, model)
		require.NoError(t, err)
		if by == who {
			return
		}
		require.True(t, time.Now().Before(late), "%s has no requests", who)
	}
}

// A daemon keeps a funded channel at a second dispatcher, and goes on there when the
// first one dies.
func TestStandby(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for _, step := range []struct {
		name string
		show func(*testing.T, *pair)
	}{
		{"both channels are funded, home has the requests", testFunded}, {"home is killed", testHomeKilled}, {"what had no token", testWaiting},
		{"what had one", testAmid}, {"home is back", testHomeBack}, {"who has capacity", testCapacity}, {"the books", testBooks},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.show(t, p) }) {
			return
		}
	}
}

func testFunded(t *testing.T, p *pair) {
	require.Eventually(t, func() bool { return len(p.app.daemon.Channels()) == 2 }, wait, tick)
	for name, deposit := range map[string]cocoon.Nano{home: cocoon.TON(2), standby: cocoon.TON(1)} {
		got := p.channel(t, name).Ledger.Figures().Deposit
		require.GreaterOrEqual(t, got.Cmp(deposit), 0, "%s of %s", got, deposit)
		require.Negative(t, got.Cmp(deposit.Plus(cocoon.NanoOf(1_000_000))), "%s of %s", got, deposit)
	}
	for _, first := range []struct{ who, model string }{{standby, far}, {standby, afar}, {home, chat}, {home, slow}} { // a worker whose first answer is late rests a while
		require.Eventually(t, func() bool { by, err := p.ask(t, first.model); return err == nil && by == first.who }, wait, tick)
	}
	require.Eventually(t, func() bool { return p.channel(t, standby).Ledger.Figures().Open == 0 }, wait, tick, "what it answered is billed")
	before := p.channel(t, standby).Ledger.Figures().Used
	p.answers(t, home, chat)
	require.Equal(t, before, p.channel(t, standby).Ledger.Figures().Used)
}

// Home dies amid an answer, and while another waits for its first token. Whoever asks
// from then on notices nothing.
func testHomeKilled(t *testing.T, p *pair) {
	p.amid = p.app.sdk(option.WithMaxRetries(0)).Chat.Completions.NewStreaming(p.t.Context(), params(slow, "x"))
	for ; p.said < 20; p.said++ {
		require.True(t, p.amid.Next())
	}
	p.waiting.Go(func() error {
		by, err := p.ask(p.t, held)
		if err == nil && by != standby {
			err = errors.New(by + " answered")
		}
		return err
	})
	require.Equal(t, home, p.gates.next(t))
	time.Sleep(20 * tick) // so that its daemon knows that it was taken
	require.NoError(t, p.process.Process.Kill())
	p.killed = time.Now()
	_ = p.process.Wait() // it was killed
	by, err := p.ask(t, chat)
	require.NoError(t, err)
	require.Equal(t, standby, by)
	t.Logf("the first request was answered %s after home was killed", time.Since(p.killed))
	p.answers(t, standby, chat)
}

// What had no token yet is answered by the standby's worker, and paid there alone.
func testWaiting(t *testing.T, p *pair) {
	require.Equal(t, standby, p.gates.next(t))
	t.Logf("%s after home was killed the standby has what waited", time.Since(p.killed))
	p.gates.let(t, standby)
	require.NoError(t, p.waiting.Wait())
	e := p.last(t, held)
	require.Equal(t, "ok", e.Outcome)
	require.Equal(t, must[cocoon.Nano](t)(price.Cost(e.Usage)), e.Cost)
}

// last is the newest request of a model that ended.
func (p *pair) last(t *testing.T, model string) (last api.Entry) {
	t.Helper()
	for _, e := range p.app.usage(t, "") {
		if e.Model == model {
			last = e
		}
	}
	return last
}

// An answer that has begun ends with an error, and costs what came of it.
func testAmid(t *testing.T, p *pair) {
	for p.amid.Next() {
		p.said++
	}
	t.Logf("%s after home was killed the answer that was under way ends: %v", time.Since(p.killed), p.amid.Err())
	var lost *ssestream.StreamError
	require.ErrorAs(t, p.amid.Err(), &lost)
	require.Contains(t, lost.Message, "worker_lost")
	e := p.last(t, slow)
	require.Equal(t, "worker_lost", e.Outcome)
	require.LessOrEqual(t, e.Usage.Completion, uint64(p.said))
	require.Equal(t, must[cocoon.Nano](t)(price.Cost(e.Usage)), e.Cost)
}

// Home is back at its address, and has the requests again; in between none fails.
func testHomeBack(t *testing.T, p *pair) {
	began := time.Now()
	p.process = p.houseOf(home).start()
	p.houseOf(home).up()
	t.Logf("home is up %s after it was started", time.Since(began))
	p.comes(t, home, chat)
	t.Logf("it has requests again after %s", time.Since(began))
	p.answers(t, home, chat)
	require.Eventually(t, func() bool { return p.channel(t, home).Ledger.Figures().Open == 0 }, wait, tick, "what was cut is settled")
}

// A request goes to the dispatcher that has somebody for it.
func testCapacity(t *testing.T, p *pair) {
	p.answers(t, standby, far)
	p.workers[home].stop()
	p.answers(t, standby, chat)
	p.employAgain(home)
	p.comes(t, home, chat)
	p.workers[standby].stop()
	p.answers(t, home, chat)
	_, err := p.ask(t, far)
	var e *openai.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, http.StatusServiceUnavailable, e.StatusCode)
	require.Equal(t, "no_capacity", e.Code)
	p.employAgain(standby)
}

// At the end usage ledger, the client's books of each channel and what the chain paid
// from it agree. Dispatchers owe their workers for that, and home for what its worker
// did while nobody heard of it.
func testBooks(t *testing.T, p *pair) {
	spent, bills := map[string]cocoon.Nano{}, map[string]uint64{}
	for _, e := range p.app.usage(t, "") {
		name := p.names[e.Worker]
		spent[name] = spent[name].Plus(e.Cost)
		bills[name]++
	}
	for name, e := range p.workers {
		require.Eventually(t, func() bool { return p.channel(t, name).Ledger.Figures().Open == 0 }, wait, tick)
		require.Equal(t, spent[name], p.channel(t, name).Ledger.Figures().Used, name)
		require.Eventually(t, func() bool {
			return !slices.ContainsFunc(e.Figures(), func(f answer.Figures) bool { return f.Receipts > 0 })
		}, wait, tick)
	}
	p.app.settles(t)
	require.NoError(t, p.process.Process.Signal(os.Interrupt))
	require.NoError(t, p.process.Wait())
	for name, f := range map[string]ledger.Figures{home: p.houseOf(home).books(), standby: p.second.Figures()} {
		t.Logf("%s: used %s, disputed %s", name, spent[name], f.Disputes)
		require.Len(t, f.Claims, 1, name)
		due := bound.Fees(action.QuickRules().NetworkBps + share).Rest(spent[name].Plus(f.Disputes))
		require.LessOrEqual(t, f.Claims[0].Payable.Cmp(due), 0, name)
		require.Negative(t, due.Cmp(f.Claims[0].Payable.Plus(cocoon.NanoOf(2*bills[name]))), "%s: each bill is rounded", name)
		require.Equal(t, name == standby, f.Disputes.IsZero(), "%s: %s", name, f.Disputes)
		require.Negative(t, f.Disputes.Cmp(bound.Base()))
	}
}
