// Package e2e_test asks a whole market over OpenAI's interface, with OpenAI's own
// client for Go: real contracts on a local chain, an indexer, a dispatcher, workers
// of two owners before engines that break where they are told to, and daemons.
package e2e_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/daemon"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/worker"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

// The models, each with engines that behave in a way of their own.
const (
	chat  = "lab/chat"  // answers at once
	slow  = "lab/slow"  // long answers, a token every few milliseconds
	busy  = "lab/busy"  // each engine answers 429 once
	full  = "lab/full"  // and here always
	cut   = "lab/cut"   // the engine is gone after four tokens
	odd   = "lab/odd"   // valid server-sent events of unusual form
	dull  = "lab/dull"  // half a second until the first token
	kill  = "lab/kill"  // of processes that die
	wired = "lab/wired" // of a worker whose wire breaks
	late  = "lab/late"  // of a worker that a test starts
)

const wiredAnswer = 400 // tokens

// price is what all ask, nanoTON for 10^6 tokens.
var price = cocoon.Price{Prompt: cocoon.NanoOf(50_000_000), Cached: cocoon.NanoOf(10_000_000), Completion: cocoon.NanoOf(200_000_000), Reasoning: cocoon.NanoOf(200_000_000)}

const (
	wait = time.Minute // for what has to come
	tick = 10 * time.Millisecond
)

// asCocoon makes this test binary the cocoon command, for processes that are killed.
const asCocoon = "COCOON_E2E_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCocoon) != "" {
		os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// world is a market.
type world struct {
	t     *testing.T
	ctx   context.Context // ends with the test, after what is in it was stopped
	log   *journal
	slog  *slog.Logger
	chain *localnet.Chain
	net   chain.Network
	conn  *chain.Client
	desk  action.Desk

	rewards    cocoon.Account
	index      *indexer.Indexer
	dispatcher *dispatcher.Dispatcher
	close      func()        // ends the dispatcher
	seed       atomic.Uint32 // of the newest key: wallets are made side by side

	slow  *engine.Engine // of both owners
	gates *gates
	wire  *wire
	late  func() // starts the worker of late
}

type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// newWorld is a market whose dispatcher has let in every worker.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), log: &journal{}, gates: newGates()}
	w.slog = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(w.log)
		}
	})
	w.chain = localnet.New(t, func(c *localnet.Config) { c.Seed, c.Heartbeat = []byte(t.Name()), 50*time.Millisecond })
	var err error
	w.net, err = chain.ParseNetwork(w.chain.GlobalConfig())
	require.NoError(t, err)
	w.conn = w.dial()
	w.net = w.conn.Network()
	house := w.wallet()
	w.deploy(house)
	alice, bob := w.provider(), w.provider()
	both, dying := []string{chat, slow, busy, full, cut, odd, dull}, []string{kill}
	a0, a1, b0 := w.register(alice, both), w.register(alice, []string{chat}), w.register(bob, both)
	w.serve(house)
	w.work(alice, a0, w.engines("alice"))
	w.work(alice, a1, map[string]http.Handler{chat: engine.New(chat)})
	w.work(bob, b0, w.engines("bob"))
	w.wire = newWire(t, strings.TrimPrefix(w.dispatcher.WorkersURL(), "nats://"))
	w.work(bob, w.register(bob, []string{wired}), map[string]http.Handler{wired: w.broken(engine.Config{Answer: wiredAnswer, Cost: engine.Cost{Step: 5 * time.Millisecond, Prefill: 1e6}})}, w.wire.url())
	b2 := w.register(bob, []string{late})
	w.late = func() { w.work(bob, b2, map[string]http.Handler{late: engine.New(late)}) }
	w.gates.victims = map[string]*exec.Cmd{
		"alice": w.process(alice, w.register(alice, dying), w.gates.door("alice", w.broken(engine.Config{Answer: 20}, "hang=3@2"))),
		"bob":   w.process(bob, w.register(bob, dying), w.gates.door("bob", w.broken(engine.Config{Answer: 20}, "hang=3@2"))),
	}
	return w
}

// engines are those of an owner's first worker.
func (w *world) engines(owner string) map[string]http.Handler {
	if w.slow == nil {
		var err error
		w.slow, err = engine.Open(engine.Config{Answer: 60_000, Cost: engine.Cost{Step: 2 * time.Millisecond, Prefill: 1e6}})
		require.NoError(w.t, err)
	}
	all := map[string]http.Handler{
		chat: engine.New(chat), slow: w.slow, busy: w.broken(engine.Config{}, "429@1"), full: w.broken(engine.Config{}, "429"),
		cut: w.broken(engine.Config{Answer: 20}, "cut=4"), odd: w.broken(engine.Config{}, "sse-split", "sse-comments"),
		dull: w.broken(engine.Config{Cost: engine.Cost{Prefill: 2}}),
	}
	if owner == "alice" {
		all[odd] = w.broken(engine.Config{}, "sse-crlf", "sse-split")
	}
	return all
}

func (w *world) broken(cfg engine.Config, faults ...string) *engine.Engine {
	w.t.Helper()
	for _, text := range faults {
		f, err := engine.ParseFault(text)
		require.NoError(w.t, err)
		cfg.Faults = append(cfg.Faults, f)
	}
	e, err := engine.Open(cfg)
	require.NoError(w.t, err)
	return e
}

func (w *world) dial() *chain.Client {
	w.t.Helper()
	c, err := chain.Dial(w.ctx, w.net, chain.Options{Policy: chain.Fast})
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	return c
}

func (w *world) key() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(w.seed.Add(1))}, ed25519.SeedSize))
}

func (w *world) wallet() *chain.Wallet {
	w.t.Helper()
	wallet, err := chain.NewWallet(w.conn, w.key())
	require.NoError(w.t, err)
	require.NoError(w.t, w.chain.Faucet(w.ctx, chain.Address(wallet.Account()), cocoon.TON(100).Big()))
	return wallet
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

func (w *world) send(from *chain.Wallet, m ...chain.Message) {
	w.t.Helper()
	_, err := from.Send(w.ctx, m...)
	require.NoError(w.t, err)
}

func (w *world) deploy(house *chain.Wallet) {
	w.t.Helper()
	w.desk = action.Desk{Chain: w.conn, GlobalID: w.net.GlobalID}
	registry, messages, err := w.desk.Deploy(w.ctx, wrappers.RegistryBirth{Owner: house.Account(), Delay: 30}, action.QuickRules(), house.Account(),
		chat, slow, busy, full, cut, odd, dull, kill, wired, late)
	require.NoError(w.t, err)
	w.desk.Registry, w.net.Registry = registry, registry
	w.send(house, messages...)
	w.await(registry, func(a chain.Account) bool { return a.State == chain.Active })
}

func (w *world) await(a cocoon.Account, enough func(chain.Account) bool) {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.ctx, wait)
	defer stop()
	_, err := w.conn.WaitAccount(ctx, a, enough)
	require.NoError(w.t, err)
}

// service runs until the test ends, or until stop.
func (w *world) service(run func(context.Context) error, after ...func() error) (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("a service failed: %v", err)
		}
		for _, f := range after {
			if err := f(); err != nil {
				w.t.Errorf("a service was not closed: %v", err)
			}
		}
	})
	w.t.Cleanup(stop)
	return stop
}

// serve runs the indexer and the dispatcher, whose contract says where it is.
func (w *world) serve(house *chain.Wallet) {
	w.t.Helper()
	msg, ledger := must[chain.Message](w.t), w.key()
	birth := w.desk.Rewards(house.Account(), 0)
	w.rewards = must[cocoon.Account](w.t)(birth.Account())
	rules := action.QuickRules()
	w.send(house, msg(w.desk.RewardsTerms(w.ctx, birth)), msg(w.desk.Bond(w.ctx, birth, rules.MinBond, house.Account())), msg(w.desk.RotateKey(w.ctx, birth, ledger)))
	w.await(w.rewards, func(a chain.Account) bool { return a.State == chain.Active })
	dir := w.t.TempDir()
	var err error
	w.index, err = indexer.Open(w.ctx, indexer.Config{Path: filepath.Join(dir, "index.db"), GlobalID: w.net.GlobalID, Registry: w.desk.Registry, Chain: w.dial(), Logger: w.slog, Skew: -1})
	require.NoError(w.t, err)
	w.service(w.index.Run, w.index.Close)
	w.indexed()
	cfg := dispatcher.DefaultConfig()
	cfg.Path, cfg.Blobs, cfg.GlobalID, cfg.Registry = filepath.Join(dir, "dispatcher.db"), filepath.Join(dir, "blobs"), w.net.GlobalID, w.desk.Registry
	cfg.Payee, cfg.Bps, cfg.Keeper.Rewards, cfg.Keeper.Period = house.Account(), 200, w.rewards, 3600
	cfg.Ledger.Dir, cfg.Ledger.Keys, cfg.Ledger.CloseDelay = filepath.Join(dir, "ledger"), []crypto.Signer{ledger}, rules.CloseDelay
	w.dispatcher, err = dispatcher.New(w.ctx, cfg, dispatcher.Deps{Feed: w.index, Index: w.index, Chain: w.dial(), Sender: house, Logger: w.slog})
	require.NoError(w.t, err)
	w.close = w.service(w.dispatcher.Run)
	w.send(house, msg(w.desk.SetEndpoint(w.ctx, birth, w.dispatcher.WorkersURL(), [32]byte{})))
}

// indexed waits until the index has seen all there is now.
func (w *world) indexed() {
	w.t.Helper()
	head, err := w.conn.Head(w.ctx)
	require.NoError(w.t, err)
	require.NoError(w.t, w.index.WaitSeqno(w.ctx, head.SeqNo))
}

// owner is who stakes and is paid.
type owner struct {
	birth    wrappers.ProviderBirth
	account  cocoon.Account
	operator ed25519.PrivateKey
	workers  int
	pays     *chain.Wallet
}

func (w *world) provider() *owner {
	w.t.Helper()
	o := &owner{operator: w.key(), pays: w.wallet()}
	o.birth = w.desk.Provider(o.pays.Account(), 0)
	o.account = must[cocoon.Account](w.t)(o.birth.Account())
	msg := must[chain.Message](w.t)
	w.send(o.pays, msg(w.desk.Stake(w.ctx, o.birth, cocoon.TON(20))), msg(w.desk.ProviderTerms(w.ctx, o.birth)))
	w.awaitProvider(o, func(s wrappers.Provider) bool { return s.Terms != nil })
	w.send(o.pays, msg(w.desk.SetOperator(w.ctx, o.birth, o.operator, cocoon.TON(5))), msg(w.desk.TopUp(w.ctx, o.birth, cocoon.TON(5))))
	w.awaitProvider(o, func(s wrappers.Provider) bool { return s.Operator == wrappers.PublicKey(o.operator) })
	return o
}

func (w *world) awaitProvider(o *owner, enough func(wrappers.Provider) bool) {
	w.t.Helper()
	w.await(o.account, func(a chain.Account) bool {
		if a.Data == nil {
			return false
		}
		s, err := wrappers.DecodeProvider(a.Data)
		require.NoError(w.t, err)
		return enough(s)
	})
}

// register puts a worker on chain and returns its key.
func (w *world) register(o *owner, models []string) ed25519.PrivateKey {
	w.t.Helper()
	key := w.key()
	r := wrappers.WorkerRecord{GPU: "NVIDIA H100", Region: "eu-west", GPUs: 1, VRAMMiB: 81_920, UptimeBps: 9900, Concurrency: 16}
	for _, m := range models {
		r.Models = append(r.Models, wrappers.ModelOffer{Model: cocoon.NewModelID(m), Price: price})
	}
	w.send(o.pays, must[chain.Message](w.t)(w.desk.PutWorker(w.ctx, o.birth, o.operator, key, r, o.pays.Account())))
	o.workers++
	w.awaitProvider(o, func(s wrappers.Provider) bool { return len(s.Workers) == o.workers })
	return key
}

func (w *world) engine(h http.Handler) string {
	s := httptest.NewServer(h)
	w.t.Cleanup(s.Close)
	return s.URL
}

// work runs a worker in this process, that dials its dispatcher, or what is in between.
func (w *world) work(o *owner, key ed25519.PrivateKey, engines map[string]http.Handler, between ...string) {
	w.t.Helper()
	cfg := worker.DefaultConfig()
	cfg.Key, cfg.Operator, cfg.Provider, cfg.GlobalID = key, o.operator, o.account, w.net.GlobalID
	cfg.Dispatcher, cfg.Data, cfg.Engines = append(between, w.dispatcher.WorkersURL())[0], w.t.TempDir(), map[cocoon.ModelID]string{}
	for model, e := range engines {
		cfg.Engines[cocoon.NewModelID(model)] = w.engine(e)
	}
	conn := w.dial()
	clock, err := chain.NewClock(w.ctx, conn, w.net.GlobalID)
	require.NoError(w.t, err)
	w.service(func(ctx context.Context) error { clock.Run(ctx, conn, w.slog); return nil })
	run, err := worker.New(cfg, worker.Deps{Chain: worker.Proven{Client: conn}, Logger: w.slog, Blocks: clock.Now})
	require.NoError(w.t, err)
	w.service(run.Run)
}

// process runs a worker as the command does, in a process that can be killed.
func (w *world) process(o *owner, key ed25519.PrivateKey, e http.Handler) *exec.Cmd {
	w.t.Helper()
	dir := w.t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(w.t, chain.SaveKey(file("worker.key"), key))
	require.NoError(w.t, chain.SaveKey(file("operator.key"), o.operator))
	require.NoError(w.t, w.net.Save(file("network.json")))
	c := exec.Command(os.Args[0], "worker", "run", "--tee", "none", "--home", dir, "--network", file("network.json"), "--worker-key", file("worker.key"),
		"--operator-key", file("operator.key"), "--provider-owner", o.pays.Account().String(), "--dispatcher", w.dispatcher.WorkersURL(),
		"--data", file("data"), "--engine", kill+"="+w.engine(e))
	c.Env = append(os.Environ(), asCocoon+"=1")
	c.Stderr = w.log
	require.NoError(w.t, c.Start())
	w.t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c
}

// app is an application with a daemon of its own.
type app struct {
	w      *world
	daemon *daemon.Daemon
	data   string
	wallet *chain.Wallet
	url    string
	secret string
	stop   func()
}

// daemon runs one whose channel holds deposit, and no more; edit changes what it is.
func (w *world) daemon(t *testing.T, deposit cocoon.Nano, edit ...func(*daemon.Config)) *app {
	t.Helper()
	a := &app{w: w, data: t.TempDir(), wallet: w.wallet()}
	cfg := daemon.DefaultConfig()
	cfg.Data, cfg.Tiers, cfg.API.Listen = a.data, []attest.Tier{attest.TierOpen}, "127.0.0.1:0"
	cfg.API.Aliases = map[string]string{"gpt-4o": chat}
	cfg.Channel.Dispatchers, cfg.Channel.CloseDelay = []cocoon.Account{w.rewards}, time.Duration(action.QuickRules().CloseDelay)*time.Second
	cfg.Channel.Deposit, cfg.Channel.Standby, cfg.Channel.MaxDeposit, cfg.Channel.Interval = deposit, deposit, deposit, 200*time.Millisecond
	cfg.Session.Caps = price
	for _, change := range edit {
		change(&cfg)
	}
	a.secret, _ = a.key(t, api.Limits{})
	var err error
	a.daemon, err = daemon.Open(w.ctx, cfg, daemon.Deps{Client: w.dial(), Registry: w.desk.Registry, Sender: a.wallet, Logger: w.slog})
	require.NoError(t, err)
	a.url, err = a.daemon.Listen()
	require.NoError(t, err)
	a.stop = w.service(a.daemon.Run)
	ctx, stop := context.WithTimeout(w.ctx, wait)
	defer stop()
	require.NoError(t, a.daemon.Ready(ctx))
	return a
}

// key makes an API key.
func (a *app) key(t *testing.T, limits api.Limits) (secret, id string) {
	t.Helper()
	k, secret, err := api.NewKey(daemon.KeysFolder(a.data), "test", limits, rand.Reader, time.Now())
	require.NoError(t, err)
	return secret, k.ID
}

// sdk is OpenAI's own client, with nothing changed but base URL and key.
func (a *app) sdk(opts ...option.RequestOption) *openai.Client {
	c := openai.NewClient(append([]option.RequestOption{option.WithBaseURL(a.url), option.WithAPIKey(a.secret)}, opts...)...)
	return &c
}

// usage are the closed requests of the usage ledger, of one API key where an id is given.
func (a *app) usage(t *testing.T, key string) (closed []api.Entry) {
	t.Helper()
	for e, err := range api.Usage(filepath.Join(a.data, "usage")) {
		require.NoError(t, err)
		if key == "" || e.Key == key {
			closed = append(closed, e)
		}
	}
	return closed
}

// bought is usage without what was refused for nothing: on a machine that is too busy
// workers may be late, and SDKs ask again.
func (a *app) bought(t *testing.T, key string) []api.Entry {
	t.Helper()
	return slices.DeleteFunc(a.usage(t, key), func(e api.Entry) bool { return e.Outcome == string(api.CodeNoCapacity) && e.Cost.IsZero() })
}

// cost sums up what requests came to.
func cost(t *testing.T, entries []api.Entry) (sum cocoon.Nano) {
	t.Helper()
	for _, e := range entries {
		sum = must[cocoon.Nano](t)(sum.Add(e.Cost))
	}
	return sum
}
