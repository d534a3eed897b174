// Package market is the scenario behind cocoon up: a TON chain, every party of
// the market on it, and one day of their business, all of it for real.
package market

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/client/daemon"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/worker"
)

// Config says where the market keeps its things, and who hears of it.
type Config struct {
	Data   string // folder; must be empty or missing
	API    string // address of the HTTP API
	Batch  []byte // a file of requests in OpenAI's batch format
	Once   bool   // end after the scenario
	Tell   Teller
	Logger *slog.Logger
}

// Teller hears what happens.
type Teller interface {
	Tell(event string, v any) error
}

// Market is a chain with everybody on it.
type Market struct {
	cfg   Config
	rules action.Rules
	chain *localnet.Chain
	net   chain.Network

	network, dispatcher, client, patron, app party
	providers                                []*provider

	ledger ed25519.PrivateKey // signs receipts, and close promises

	index     *indexer.Indexer
	dispatch  *dispatcher.Dispatcher
	http      *http.Server
	contracts map[string]cocoon.Account
	jobs      []string // names in contracts, in order of opening
	channels  []string // likewise
	api       string
	daemon    *daemon.Daemon
	openai    OpenAI
	narrated  uint64 // seq of the last event told
	healthy   string // URL of an engine that answers
	quoter    attest.Quoter
	services  *errgroup.Group
	life      context.Context // of what runs on after the scenario
}

// party is somebody with a wallet and a connection of its own.
type party struct {
	action.Desk
	name   string
	client *chain.Client
	wallet *chain.Wallet
}

// provider is a party that owns a provider contract and works for it.
type provider struct {
	party
	account  cocoon.Account
	operator ed25519.PrivateKey
	machines []*machine
}

// machine is one GPU worker.
type machine struct {
	key    ed25519.PrivateKey
	worker *worker.Worker
	stop   context.CancelFunc
	done   chan error
}

// Run plays the scenario and then, unless it is to happen once, keeps serving
// until ctx ends. Everything has stopped when it returns.
func Run(ctx context.Context, cfg Config) (err error) {
	m := &Market{cfg: cfg, rules: rules(), contracts: map[string]cocoon.Account{}}
	if m.cfg.Logger == nil {
		m.cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if err = prepareFolder(cfg.Data); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	m.services, ctx = errgroup.WithContext(ctx)
	m.life = ctx
	defer func() {
		if err != nil {
			err = errors.Join(err, m.narrate(context.WithoutCancel(ctx))) // what led to it
		}
		stop()
		err = errors.Join(err, m.close())
	}()
	if err = m.open(ctx); err != nil {
		return err
	}
	if err = m.play(ctx); err != nil || cfg.Once {
		return err
	}
	if err = m.step(ctx, "serving", "serving until Ctrl-C"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// rules are quick ones with one long period, so that everything the story brings
// into the pot is paid out by one epoch, once the story lets that period pass.
// A bond has to outlast it, and an owner the bond.
func rules() action.Rules {
	r := action.QuickRules()
	r.Period, r.Unbonding, r.HeirAfter = 600, 720, 1200
	return r
}

// prepareFolder wants a folder that nobody uses: a new chain cannot go on with old databases.
func prepareFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	found, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("open the data folder: %w", err)
	}
	if len(found) > 0 {
		return cocoon.WithHint(cocoon.Conflict.Errorf("data folder %s is not empty", path), "every run makes a new chain: name another folder, or none")
	}
	return nil
}

// open starts the chain and brings every party to it.
func (m *Market) open(ctx context.Context) (err error) {
	seed := sha256.Sum256([]byte(m.cfg.Data + time.Now().String()))
	if m.chain, err = localnet.Start(context.WithoutCancel(ctx), localnet.Config{Seed: seed[:], Logger: m.cfg.Logger}); err != nil {
		return err
	}
	if m.net, err = chain.ParseNetwork(m.chain.GlobalConfig()); err != nil {
		return err
	}
	for _, p := range []struct {
		to   *party
		name string
		tons uint64
	}{{&m.network, "network", 100}, {&m.dispatcher, "dispatcher", 200}, {&m.client, "client", 100}, {&m.patron, "patron", 100}, {&m.app, "application", 20}} {
		if err = m.bring(ctx, p.to, p.name, p.tons); err != nil {
			return err
		}
	}
	if _, m.ledger, err = ed25519.GenerateKey(nil); err != nil {
		return err
	}
	m.net.Name, m.net.GlobalID = "localnet", m.network.GlobalID
	for _, name := range []string{"alice", "bob"} {
		p := &provider{}
		if err = m.bring(ctx, &p.party, name, 200); err != nil {
			return err
		}
		if _, p.operator, err = ed25519.GenerateKey(nil); err != nil {
			return err
		}
		m.providers = append(m.providers, p)
	}
	return nil
}

// bring gives a party a connection, a wallet and coins from the faucet.
func (m *Market) bring(ctx context.Context, p *party, name string, tons uint64) error {
	client, err := chain.Dial(ctx, m.net, chain.Options{Logger: m.cfg.Logger})
	if err != nil {
		return fmt.Errorf("connect %s: %w", name, err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	wallet, err := chain.NewWallet(client, key)
	if err != nil {
		return err
	}
	*p = party{action.Desk{Chain: client, GlobalID: client.Network().GlobalID}, name, client, wallet}
	if err = m.chain.Faucet(ctx, chain.Address(wallet.Account()), cocoon.TON(tons).Big()); err != nil {
		return fmt.Errorf("fund %s: %w", name, err)
	}
	return nil
}

// serve opens the HTTP port for the indexer's API and the dispatcher's.
func (m *Market) serve() (string, error) {
	l, err := net.Listen("tcp", m.cfg.API)
	if err != nil {
		return "", cocoon.WithHint(cocoon.Conflict.Errorf("serve the API: %w", err), "choose another address with --api")
	}
	mux := http.NewServeMux()
	mux.Handle("/", m.index.Handler())
	mux.Handle("/dispatch/", http.StripPrefix("/dispatch", m.dispatch.Handler()))
	m.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return m.life }}
	m.services.Go(func() error {
		if err := m.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return "http://" + l.Addr().String(), nil
}

// close stops everything, services first, the chain last.
func (m *Market) close() (err error) {
	for _, p := range m.providers {
		for _, w := range p.machines {
			err = errors.Join(err, w.close())
		}
	}
	if m.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if m.http.Shutdown(ctx) != nil {
			err = errors.Join(err, m.http.Close()) // open streams never end by themselves
		}
	}
	err = errors.Join(err, m.services.Wait())
	if m.index != nil {
		err = errors.Join(err, m.index.Close())
	}
	for _, p := range m.parties() {
		if p.client != nil {
			p.client.Close()
		}
	}
	if m.chain != nil {
		err = errors.Join(err, m.chain.Close())
	}
	return err
}

func (m *Market) parties() []*party {
	all := []*party{&m.network, &m.dispatcher, &m.client, &m.patron, &m.app}
	for _, p := range m.providers {
		all = append(all, &p.party)
	}
	return all
}

// close stops the machine and waits for it.
func (w *machine) close() error {
	if w.stop == nil {
		return nil
	}
	w.stop()
	w.stop = nil
	return <-w.done
}

func (m *Market) path(name string) string { return filepath.Join(m.cfg.Data, name) }
