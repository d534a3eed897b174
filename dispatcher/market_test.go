package dispatcher_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/client"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/internal/freeport"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/worker"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

const (
	model = "Qwen/Qwen3-32B"
	wait  = 60 * time.Second // for what will come
	tick  = 10 * time.Millisecond
)

var price = cocoon.Price{Prompt: cocoon.NanoOf(50_000_000), Cached: cocoon.NanoOf(10_000_000), Completion: cocoon.NanoOf(200_000_000), Reasoning: cocoon.NanoOf(200_000_000)}

// town is a chain with contracts, an indexer and a dispatcher on it, all real.
type town struct {
	t     *testing.T
	ctx   context.Context
	chain *localnet.Chain
	net   chain.Network
	log   *journal
	slog  *slog.Logger

	client  *chain.Client
	desk    action.Desk
	index   *indexer.Indexer
	keeper  *chain.Wallet // the dispatcher's
	payer   *chain.Wallet
	rewards cocoon.Account

	cfg        dispatcher.Config
	deps       dispatcher.Deps
	dispatcher *dispatcher.Dispatcher
	api        *httptest.Server
	handler    atomic.Pointer[http.Handler] // of the dispatcher that runs
	stop       func()                       // of the dispatcher
}

// journal collects logs, to be shown when a test fails and searched for secrets.
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

// newTown deploys a registry that lists the model, and starts the services.
func newTown(t *testing.T, options ...func(*town)) *town {
	t.Helper()
	w := &town{t: t, ctx: t.Context(), log: &journal{}}
	w.slog = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(w.log)
		}
	})
	w.chain = localnet.New(t, func(c *localnet.Config) { c.Seed, c.Heartbeat = []byte(t.Name()), 50*time.Millisecond })
	var err error
	w.net, err = chain.ParseNetwork(w.chain.GlobalConfig())
	require.NoError(t, err)
	w.client, err = chain.Dial(w.ctx, w.net, chain.Options{Policy: chain.Fast})
	require.NoError(t, err)
	t.Cleanup(w.client.Close)
	w.net = w.client.Network() // with the global id that the chain told
	w.deploy()
	w.keeper, w.payer = w.wallet(2), w.wallet(3)
	w.index, err = indexer.Open(w.ctx, indexer.Config{Path: filepath.Join(t.TempDir(), "index.db"), GlobalID: w.net.GlobalID, Registry: w.desk.Registry, Chain: w.client})
	require.NoError(t, err)
	w.service(w.index.Run, w.index.Close)
	w.cfg = dispatcher.DefaultConfig()
	w.cfg.Listen, err = freeport.Loopback()
	require.NoError(w.t, err)
	w.cfg.Path, w.cfg.Blobs = filepath.Join(t.TempDir(), "dispatcher.db"), t.TempDir()
	w.cfg.GlobalID, w.cfg.Registry, w.cfg.Payee, w.cfg.Bps = w.net.GlobalID, w.desk.Registry, w.keeper.Account(), 200
	w.cfg.PollTimeout = 5 * time.Second
	w.deps = dispatcher.Deps{Feed: w.index, Index: w.index, Chain: w.client, Sender: w.keeper, Logger: w.slog}
	for _, o := range options {
		o(w)
	}
	w.start()
	return w
}

func (w *town) deploy() {
	w.t.Helper()
	owner := w.wallet(1)
	w.desk = action.Desk{Chain: w.client, GlobalID: w.net.GlobalID}
	registry, messages, err := w.desk.Deploy(w.ctx, wrappers.RegistryBirth{Owner: owner.Account(), Delay: 30}, action.QuickRules(), owner.Account(), model)
	require.NoError(w.t, err)
	w.desk.Registry = registry
	w.send(owner, messages...)
	w.await(registry, func(a chain.Account) bool { return a.State == chain.Active })
}

// service runs until the test ends.
func (w *town) service(run func(context.Context) error, after ...func() error) (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(w.t, <-done)
			for _, f := range after {
				require.NoError(w.t, f())
			}
		})
	}
	w.t.Cleanup(stop)
	return stop
}

// start runs the dispatcher, again where it was stopped, on the same port.
func (w *town) start() {
	w.t.Helper()
	var err error
	w.dispatcher, err = dispatcher.New(w.ctx, w.cfg, w.deps)
	require.NoError(w.t, err)
	handler := w.dispatcher.Handler()
	w.handler.Store(&handler)
	if w.api == nil {
		w.api = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { (*w.handler.Load()).ServeHTTP(rw, r) }))
		w.t.Cleanup(w.api.Close)
	}
	w.stop = w.service(w.dispatcher.Run)
}

func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func (w *town) wallet(n byte) *chain.Wallet {
	w.t.Helper()
	wallet, err := chain.NewWallet(w.client, testKey(n))
	require.NoError(w.t, err)
	require.NoError(w.t, w.chain.Faucet(w.ctx, chain.Address(wallet.Account()), cocoon.TON(100).Big()))
	return wallet
}

func (w *town) send(from *chain.Wallet, m ...chain.Message) {
	w.t.Helper()
	_, err := from.Send(w.ctx, m...)
	require.NoError(w.t, err)
}

func (w *town) await(a cocoon.Account, enough func(chain.Account) bool) {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.ctx, wait)
	defer stop()
	_, err := w.client.WaitAccount(ctx, a, enough)
	require.NoError(w.t, err)
}

// advance moves the chain's time, and waits until the index has seen it.
func (w *town) advance(seconds uint32) {
	w.t.Helper()
	require.NoError(w.t, w.chain.Advance(time.Duration(seconds)*time.Second))
	head, err := w.client.Head(w.ctx)
	require.NoError(w.t, err)
	require.NoError(w.t, w.index.WaitSeqno(w.ctx, head.SeqNo))
}

// provider is a staked provider with one registered worker.
type provider struct {
	account  cocoon.Account
	operator ed25519.PrivateKey
	worker   ed25519.PrivateKey
	folder   string // of the worker
	wallet   *chain.Wallet
	birth    wrappers.ProviderBirth
}

func (p provider) id() bus.ID { return bus.ID(wrappers.PublicKey(p.worker)) }

// provider enrols number n, whose worker asks the price.
func (w *town) provider(n byte, asks cocoon.Price) provider {
	w.t.Helper()
	p := provider{operator: testKey(n + 1), worker: testKey(n + 2), folder: w.t.TempDir(), wallet: w.wallet(n)}
	p.birth = w.desk.Provider(p.wallet.Account(), 0)
	var err error
	p.account, err = p.birth.Account()
	require.NoError(w.t, err)
	msg := func(m chain.Message, err error) chain.Message {
		w.t.Helper()
		require.NoError(w.t, err)
		return m
	}
	w.send(p.wallet, msg(w.desk.Stake(w.ctx, p.birth, cocoon.TON(20))), msg(w.desk.ProviderTerms(w.ctx, p.birth)))

	w.awaitProvider(p, func(s wrappers.Provider) bool { return s.Terms != nil })
	w.send(p.wallet, msg(w.desk.SetOperator(w.ctx, p.birth, p.operator, cocoon.TON(5))), msg(w.desk.TopUp(w.ctx, p.birth, cocoon.TON(5))))

	w.awaitProvider(p, func(s wrappers.Provider) bool { return s.Operator == wrappers.PublicKey(p.operator) })
	record := wrappers.WorkerRecord{GPU: "NVIDIA H100", Region: "eu-west", GPUs: 1, VRAMMiB: 81_920, UptimeBps: 9900, Concurrency: 2,
		Models: []wrappers.ModelOffer{{Model: cocoon.NewModelID(model), Price: asks}}}
	w.send(p.wallet, msg(w.desk.PutWorker(w.ctx, p.birth, p.operator, p.worker, record, p.wallet.Account())))
	w.awaitProvider(p, func(s wrappers.Provider) bool { return len(s.Workers) == 1 })
	w.indexed()
	return p
}

func (w *town) awaitProvider(p provider, enough func(wrappers.Provider) bool) {
	w.t.Helper()
	w.await(p.account, func(a chain.Account) bool {
		if a.Data == nil {
			return false
		}
		s, err := wrappers.DecodeProvider(a.Data)
		require.NoError(w.t, err)
		return enough(s)
	})
}

// indexed waits until the index has seen all there is now.
func (w *town) indexed() {
	w.t.Helper()
	head, err := w.client.Head(w.ctx)
	require.NoError(w.t, err)
	require.NoError(w.t, w.index.WaitSeqno(w.ctx, head.SeqNo))
}

// work runs the provider's real worker with the embedded engine.
func (w *town) work(p provider) {
	w.t.Helper()
	e := httptest.NewServer(engine.New(model))
	w.t.Cleanup(e.Close)
	w.workOn(p, e.URL)
}

// stuckEngine looks well and never answers.
func stuckEngine(t *testing.T) string {
	t.Helper()
	healthy := engine.New(model)
	e := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			healthy.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(e.Close)
	return e.URL
}

// workOn runs the provider's worker; one that is stopped goes on from its folder.
func (w *town) workOn(p provider, engineURL string) (stop func()) {
	w.t.Helper()
	cfg := worker.DefaultConfig()
	cfg.Key, cfg.Operator, cfg.Provider, cfg.GlobalID = p.worker, p.operator, p.account, w.net.GlobalID
	cfg.Dispatcher, cfg.Engine, cfg.Data, cfg.Heartbeat = w.dispatcher.WorkersURL(), engineURL, p.folder, 50*time.Millisecond
	cfg.Retry, cfg.Request = tick, 2*time.Second
	run, err := worker.New(cfg, worker.Deps{Chain: worker.Proven{Client: w.client}, Logger: w.slog})
	require.NoError(w.t, err)
	return w.service(run.Run)
}

// customer is a client with its secrets in dir.
func (w *town) customer(dir string) *client.Client {
	w.t.Helper()
	cfg := client.DefaultConfig()
	cfg.Dispatcher, cfg.Data, cfg.GlobalID, cfg.Registry, cfg.Retry = w.api.URL, dir, w.net.GlobalID, w.desk.Registry, tick
	c, err := client.New(cfg, client.Deps{Chain: client.Proven{Client: w.client, Contract: w.desk.Registry}, Sender: w.payer, Logger: w.slog})
	require.NoError(w.t, err)
	return c
}

func terms() client.Terms {
	t := client.DefaultTerms()
	t.Budget, t.Caps, t.AcceptIn, t.Work, t.Review = cocoon.TON(1), price, time.Minute, time.Minute, 30*time.Second
	return t
}

const secret = "What would nobody but the worker read?"

func batch(lines int) *bytes.Buffer {
	var b bytes.Buffer
	for i := range lines {
		b.WriteString(`{"custom_id":"line-` + string(rune('a'+i)) + `","method":"POST","url":"/v1/chat/completions","body":{"model":"` + model +
			`","max_tokens":20,"messages":[{"role":"user","content":"` + secret + `"}]}}` + "\n")
	}
	return &b
}

// job waits until the index says so of the job.
func (w *town) job(a cocoon.Account, enough func(market.Job) bool) (j market.Job) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		var err error
		j, err = w.index.Job(w.ctx, a)
		return err == nil && enough(j)
	}, wait, tick, "job %s", a)
	return j
}

func is(s market.Status) func(market.Job) bool {
	return func(j market.Job) bool { return j.Status == s }
}

// events are all that the index has seen.
func (w *town) events() []market.Event {
	w.t.Helper()
	all, err := w.index.Events(w.ctx, 0, 10_000)
	require.NoError(w.t, err)
	return all
}

func (w *town) logged(text string) bool { return strings.Contains(w.log.String(), text) }

// lyingIndex knows a worker that nobody registered.
type lyingIndex struct {
	dispatcher.Index
	worker bus.ID
}

func (l *lyingIndex) Workers(ctx context.Context) ([]market.Worker, error) {
	all, err := l.Index.Workers(ctx)
	for i := range all {
		all[i].Key = l.worker.String()
	}
	return all, err
}

func chainMessage(to cocoon.Account, value cocoon.Nano, init *tlb.StateInit, body *cell.Cell) chain.Message {
	return chain.Message{To: to, Amount: value, Bounce: true, Init: init, Body: body}
}
