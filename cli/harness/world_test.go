package harness

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/daemon"
	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/internal/freeport"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/wrappers"
)

const model = "Qwen/Qwen3-32B"

// price is 2 nanoTON a prompt token and 160 another.
var price = cocoon.Price{Prompt: cocoon.NanoOf(2_000_000), Cached: cocoon.NanoOf(400_000), Completion: cocoon.NanoOf(160_000_000), Reasoning: cocoon.NanoOf(160_000_000)}

// size is how much of everything there is.
type size struct {
	Daemons, Dispatchers, Providers, Machines int // machines of each provider
	Concurrency                               uint16
}

// world is a chain with everybody on it.
type world struct {
	*testing.T
	dir      string
	size     size
	rules    action.Rules
	local    *localnet.Chain
	net      chain.Network
	index    *indexer.Indexer
	network  *somebody
	patron   *somebody
	houses   []*house   // dispatchers
	vaults   []*vault   // providers
	machines []*machine // workers
	apps     []*app     // clients
}

// somebody has a wallet.
type somebody struct {
	action.Desk
	seed   []byte
	client *chain.Client
	wallet *chain.Wallet
}

type house struct {
	*somebody
	*process
	ledger  ed25519.PrivateKey
	rewards cocoon.Account
	wire    *wire
}

type vault struct {
	*somebody
	operator ed25519.PrivateKey
	account  cocoon.Account
}

type machine struct {
	*process
	key   ed25519.PrivateKey
	vault *vault
	house *house
}

type app struct {
	*somebody
	*process
	secret string // API key
}

// newWorld brings everybody up.
func newWorld(t *testing.T, s size, engines func(machine int) http.Handler, change func(*party)) *world {
	t.Helper()
	w := &world{T: t, dir: folder(t), size: s, rules: action.QuickRules()}
	var err error
	seed := sha256.Sum256([]byte(t.Name()))
	w.local, err = localnet.Start(context.WithoutCancel(t.Context()), localnet.Config{Seed: seed[:]})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.local.Close()) })
	require.NoError(t, os.WriteFile(w.path("global.json"), w.local.GlobalConfig(), 0o600))
	w.net, err = chain.ParseNetwork(w.local.GlobalConfig())
	require.NoError(t, err)
	w.network, w.patron = w.somebody(100), w.somebody(100)
	w.net.GlobalID = w.network.GlobalID
	w.deploy()
	var g errgroup.Group
	for i := range s.Dispatchers {
		w.houses = append(w.houses, &house{})
		g.Go(func() error { return w.bond(i) })
	}
	for range s.Providers {
		v := &vault{}
		w.vaults = append(w.vaults, v)
		for range s.Machines {
			i := len(w.machines)
			w.machines = append(w.machines, &machine{vault: v, house: w.houses[i%s.Dispatchers], key: newKey()})
		}
	}
	require.NoError(t, g.Wait())
	for i := range w.vaults {
		g.Go(func() error { return w.enrol(i) })
	}
	require.NoError(t, g.Wait())
	for i := range w.houses {
		g.Go(func() error { return w.openHouse(i, change) })
	}
	require.NoError(t, g.Wait())
	for i := range w.machines {
		g.Go(func() error { return w.openMachine(i, engines(i), change) })
	}
	w.follow()
	for i := range s.Daemons {
		w.apps = append(w.apps, &app{})
		g.Go(func() error { return w.openApp(i, change) })
	}
	require.NoError(t, g.Wait())
	for _, a := range w.apps {
		w.await("a channel to be open", func() bool {
			f, err := a.figures()
			require.NoError(t, err)
			return f.Ready && len(f.Channels) == len(a.party.Dispatchers)
		})
	}
	return w
}

// folder is a new one for all that the parties of a test write.
func folder(t *testing.T) string {
	t.Helper()
	if *keep == "" {
		return t.TempDir()
	}
	require.NoError(t, os.MkdirAll(*keep, 0o700))
	dir, err := os.MkdirTemp(*keep, t.Name()+"-")
	require.NoError(t, err)
	return dir
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// await polls; what does not come in a minute is not coming.
func (w *world) await(what string, ready func() bool) {
	w.Helper()
	for until := time.Now().Add(time.Minute); !ready(); time.Sleep(50 * time.Millisecond) {
		require.True(w, time.Now().Before(until), "waiting for %s", what)
	}
}

func newKey() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err) // there is no randomness
	}
	return key
}

func (w *world) bring(tons uint64) (*somebody, error) {
	client, err := chain.Dial(w.Context(), w.net, chain.Options{})
	if err != nil {
		return nil, err
	}
	w.Cleanup(client.Close)
	key := newKey()
	wallet, err := chain.NewWallet(client, key)
	if err != nil {
		return nil, err
	}
	s := &somebody{action.Desk{Chain: client, GlobalID: client.Network().GlobalID, Registry: w.net.Registry}, key.Seed(), client, wallet}
	return s, w.local.Faucet(w.Context(), chain.Address(wallet.Account()), cocoon.TON(tons).Big())
}

func (w *world) somebody(tons uint64) *somebody {
	s, err := w.bring(tons)
	require.NoError(w, err)
	return s
}

func (w *world) deploy() {
	birth := wrappers.RegistryBirth{Owner: w.network.wallet.Account(), Delay: w.rules.Delay}
	registry, messages, err := w.network.Deploy(w.Context(), birth, w.rules, birth.Owner, model)
	require.NoError(w, err)
	_, err = w.network.wallet.Send(w.Context(), messages...)
	require.NoError(w, err)
	w.net.Registry, w.network.Registry, w.patron.Registry = registry, registry, registry
}

func (w *world) bond(i int) (err error) {
	h := w.houses[i]
	if h.somebody, err = w.bring(200); err != nil {
		return err
	}
	port, err := freeport.Loopback()
	if err != nil {
		return err
	}
	if h.wire, err = newWire(port); err != nil {
		return err
	}
	w.Cleanup(h.wire.close)
	h.ledger = newKey()
	birth := h.Rewards(h.wallet.Account(), 0)
	if h.rewards, err = birth.Account(); err != nil {
		return err
	}
	ctx := w.Context()
	terms, err := h.RewardsTerms(ctx, birth)
	if err != nil {
		return err
	}
	bond, err := h.Bond(ctx, birth, w.rules.MinBond, birth.Owner)
	if err != nil {
		return err
	}
	key, err := h.RotateKey(ctx, birth, h.ledger)
	if err != nil {
		return err
	}
	endpoint, err := h.SetEndpoint(ctx, birth, h.wire.url(), [32]byte{})
	if err != nil {
		return err
	}
	if _, err = h.wallet.Send(ctx, terms, bond, key, endpoint); err != nil {
		return err
	}
	fund, err := h.Fund(ctx, birth, cocoon.TON(1), h.wallet.Account()) // rent and opening cost more than so little trade brings
	if err != nil {
		return err
	}
	_, err = h.wallet.Send(ctx, fund)
	return err
}

func (w *world) enrol(i int) (err error) {
	v, ctx := w.vaults[i], w.Context()
	if v.somebody, err = w.bring(200); err != nil {
		return err
	}
	v.operator = newKey()
	birth := v.Provider(v.wallet.Account(), 0)
	if v.account, err = birth.Account(); err != nil {
		return err
	}
	locked, err := v.Stake(ctx, birth, cocoon.TON(30))
	if err != nil {
		return err
	}
	terms, err := v.ProviderTerms(ctx, birth)
	if err != nil {
		return err
	}
	if _, err = v.wallet.Send(ctx, locked, terms); err != nil {
		return err
	}
	if err = v.until(ctx, v.account, func(s wrappers.Provider) bool { return s.Terms != nil }); err != nil {
		return err
	}
	operator, err := v.SetOperator(ctx, birth, v.operator, cocoon.TON(5))
	if err != nil {
		return err
	}
	if _, err = v.wallet.Send(ctx, operator); err != nil {
		return err
	}
	if err = v.until(ctx, v.account, func(s wrappers.Provider) bool { return s.Operator == wrappers.PublicKey(v.operator) }); err != nil {
		return err
	}
	r := wrappers.WorkerRecord{GPU: "NVIDIA H100", Region: "eu-west", GPUs: 1, VRAMMiB: 81_920, UptimeBps: 9900, Concurrency: w.size.Concurrency,
		Models: []wrappers.ModelOffer{{Model: cocoon.NewModelID(model), Price: price}}}
	n := 0
	for _, m := range w.machines {
		if m.vault != v {
			continue
		}
		put, err := v.PutWorker(ctx, birth, v.operator, m.key, r, v.wallet.Account())
		if err != nil {
			return err
		}
		if _, err = v.wallet.Send(ctx, put); err != nil {
			return err
		}
		n++
		if err = v.until(ctx, v.account, func(s wrappers.Provider) bool { return len(s.Workers) == n }); err != nil {
			return err
		}
	}
	return nil
}

// until reads a provider at each block.
func (s *somebody) until(ctx context.Context, a cocoon.Account, enough func(wrappers.Provider) bool) error {
	var bad error
	_, err := s.client.WaitAccount(ctx, a, func(acc chain.Account) bool {
		if acc.Data == nil {
			return false
		}
		state, err := wrappers.DecodeProvider(acc.Data)
		bad = err
		return err != nil || enough(state)
	})
	if err != nil {
		return err
	}
	return bad
}

// open starts a party, which ends with the test.
func (w *world) open(name string, p party, change func(*party)) (*process, error) {
	p.Home = w.houses[0].rewards
	p.Network, p.Registry, p.GlobalID, p.Caps, p.CloseDelay = w.path("global.json"), w.net.Registry, w.net.GlobalID, price, w.rules.CloseDelay
	if change != nil {
		change(&p)
	}
	pr, err := newProcess(w.dir, name, p)
	if err != nil {
		return nil, err
	}
	w.Cleanup(func() {
		if pr.cmd != nil && pr.cmd.ProcessState == nil {
			_ = pr.kill() // it may have ended
		}
	})
	return pr, pr.start()
}

func (w *world) openHouse(i int, change func(*party)) (err error) {
	h := w.houses[i]
	h.process, err = w.open(fmt.Sprintf("dispatcher-%d", i), party{Role: aDispatcher, Wallet: h.seed, Rewards: h.rewards, Listen: h.wire.to, Ledger: h.ledger.Seed(),
		Period: w.rules.Period}, change)
	return err
}

func (w *world) openMachine(i int, e http.Handler, change func(*party)) (err error) {
	m := w.machines[i]
	server := httptest.NewServer(e)
	w.Cleanup(server.Close)
	m.process, err = w.open(fmt.Sprintf("worker-%d", i), party{Role: aWorker, Worker: m.key.Seed(), Operator: m.vault.operator.Seed(), Provider: m.vault.account,
		Dial: m.house.wire.url(), Engine: server.URL}, change)
	return err
}

func (w *world) openApp(i int, change func(*party)) (err error) {
	a := w.apps[i]
	if a.somebody, err = w.bring(20); err != nil {
		return err
	}
	name := fmt.Sprintf("daemon-%d", i)
	if _, a.secret, err = api.NewKey(daemon.KeysFolder(w.path(name)), "first", api.Limits{}, rand.Reader, time.Now()); err != nil {
		return err
	}
	p := party{Role: aDaemon, Wallet: a.seed, Deposit: cocoon.TON(2), Dispatchers: []cocoon.Account{w.houses[0].rewards}}
	if i == 1 && len(w.houses) > 1 { // pays the other one, and this one where that is no good
		p.Dispatchers = []cocoon.Account{w.houses[1].rewards, w.houses[0].rewards}
	}
	a.process, err = w.open(name, p, change)
	return err
}

// follow runs an indexer of nobody's, to judge by.
func (w *world) follow() {
	var err error
	w.index, err = indexer.Open(w.Context(), indexer.Config{Path: w.path("index.db"), GlobalID: w.net.GlobalID, Registry: w.net.Registry, Chain: w.network.client,
		Logger: slog.New(slog.DiscardHandler), Skew: -1})
	require.NoError(w, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(w.Context()))
	var g errgroup.Group
	g.Go(func() error { return w.index.Run(ctx) })
	w.Cleanup(func() {
		stop()
		require.NoError(w, g.Wait())
		require.NoError(w, w.index.Close())
	})
}
