// Package e2e_test asks a whole market over OpenAI's interface, with OpenAI's own
// client for Go: real contracts on a local chain, an indexer, dispatchers, workers
// of two owners before engines that break where they are told to, and daemons.
package e2e_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/worker"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

// price is what all ask, nanoTON for 10^6 tokens.
var price = cocoon.Price{Prompt: cocoon.NanoOf(50_000_000), Cached: cocoon.NanoOf(10_000_000), Completion: cocoon.NanoOf(200_000_000), Reasoning: cocoon.NanoOf(200_000_000)}

const (
	wait = time.Minute // for what has to come
	tick = 10 * time.Millisecond

	retry = 50 * time.Millisecond // of who dials a dispatcher, at first
)

// asCocoon makes this test binary the cocoon command, for processes that are killed.
const asCocoon = "COCOON_E2E_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCocoon) != "" {
		os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// world is a market: a chain whose registry lists models, and an index of it.
type world struct {
	t      *testing.T
	ctx    context.Context // ends with the test, after what is in it was stopped
	log    *journal
	slog   *slog.Logger
	chain  *localnet.Chain
	net    chain.Network
	conn   *chain.Client
	desk   action.Desk
	index  *indexer.Indexer
	houses []*house      // that daemons pay, the preferred one first
	seed   atomic.Uint32 // of the newest key: wallets are made side by side
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

func newWorld(t *testing.T, models ...string) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), log: &journal{}}
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
	w.deploy(models)
	w.index, err = indexer.Open(w.ctx, indexer.Config{Path: filepath.Join(t.TempDir(), "index.db"), GlobalID: w.net.GlobalID, Registry: w.desk.Registry, Chain: w.dial(), Logger: w.slog, Skew: -1})
	require.NoError(t, err)
	w.service(w.index.Run, w.index.Close)
	return w
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

func (w *world) wallet() *chain.Wallet { return w.walletOf(w.key()) }

func (w *world) walletOf(key ed25519.PrivateKey) *chain.Wallet {
	w.t.Helper()
	wallet, err := chain.NewWallet(w.conn, key)
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

func (w *world) deploy(models []string) {
	w.t.Helper()
	owner := w.wallet()
	w.desk = action.Desk{Chain: w.conn, GlobalID: w.net.GlobalID}
	registry, messages, err := w.desk.Deploy(w.ctx, wrappers.RegistryBirth{Owner: owner.Account(), Delay: 30}, action.QuickRules(), owner.Account(), models...)
	require.NoError(w.t, err)
	w.desk.Registry, w.net.Registry = registry, registry
	w.send(owner, messages...)
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
func (w *world) work(h *house, o *owner, key ed25519.PrivateKey, engines map[string]http.Handler, between ...string) *hand {
	w.t.Helper()
	cfg := worker.DefaultConfig()
	cfg.Key, cfg.Operator, cfg.Provider, cfg.GlobalID = key, o.operator, o.account, w.net.GlobalID
	cfg.Dispatcher, cfg.Data, cfg.Engines, cfg.Retry = append(between, h.url())[0], w.t.TempDir(), map[cocoon.ModelID]string{}, retry
	for model, e := range engines {
		cfg.Engines[cocoon.NewModelID(model)] = w.engine(e)
	}
	conn := w.dial()
	clock, err := chain.NewClock(w.ctx, conn, w.net.GlobalID)
	require.NoError(w.t, err)
	w.service(func(ctx context.Context) error { clock.Run(ctx, conn, w.slog); return nil })
	run, err := worker.New(cfg, worker.Deps{Chain: worker.Proven{Client: conn}, Logger: w.slog, Blocks: clock.Now})
	require.NoError(w.t, err)
	return &hand{run, w.service(run.Run)}
}

// hand is a worker in this process.
type hand struct {
	*worker.Worker
	stop func()
}

// process runs a worker as the command does, in a process that can be killed.
func (w *world) process(h *house, o *owner, key ed25519.PrivateKey, model string, e http.Handler) *exec.Cmd {
	w.t.Helper()
	dir := w.t.TempDir()
	return w.command(dir, "worker", "run", "--tee", "none", "--worker-key", w.keep(dir, "worker", key), "--operator-key", w.keep(dir, "operator", o.operator),
		"--provider-owner", o.pays.Account().String(), "--dispatcher", h.url(), "--data", filepath.Join(dir, "data"), "--engine", model+"="+w.engine(e))
}

// command runs cocoon in a process of its own, until the test ends or somebody kills it.
func (w *world) command(home string, args ...string) *exec.Cmd {
	w.t.Helper()
	network := filepath.Join(home, "network.json")
	require.NoError(w.t, w.net.Save(network))
	c := exec.Command(os.Args[0], append(args, "--home", home, "--network", network)...)
	c.Env = append(os.Environ(), asCocoon+"=1")
	c.Stderr = w.log
	require.NoError(w.t, c.Start())
	w.t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c
}

// keep writes a key into a folder, as the command reads it.
func (w *world) keep(dir, name string, key ed25519.PrivateKey) (file string) {
	w.t.Helper()
	require.NoError(w.t, os.MkdirAll(dir, 0o700))
	file = filepath.Join(dir, name+".key")
	require.NoError(w.t, chain.SaveKey(file, key))
	return file
}
