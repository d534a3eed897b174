package market

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/chain/bundle"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/worker"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

// The models of the scenario; prices are nanoTON per million tokens.
const (
	qwen     = "Qwen/Qwen3-32B"
	deepseek = "deepseek-ai/DeepSeek-V3"
)

var (
	qwenPrice     = price(50_000_000, 200_000_000)
	deepseekPrice = price(90_000_000, 400_000_000)
)

func price(prompt, completion uint64) cocoon.Price {
	return cocoon.Price{Prompt: cocoon.NanoOf(prompt), Cached: cocoon.NanoOf(prompt / 5), Completion: cocoon.NanoOf(completion), Reasoning: cocoon.NanoOf(completion)}
}

// deploy puts the registry on chain, with the rules and the models.
func (m *Market) deploy(ctx context.Context) error {
	birth := wrappers.RegistryBirth{Owner: m.network.wallet.Account(), Delay: m.rules.Delay}
	registry, messages, err := m.network.Deploy(ctx, birth, m.rules, birth.Owner, qwen, deepseek)
	if err != nil {
		return err
	}
	sent, err := m.network.wallet.Send(ctx, messages...)
	if err != nil {
		return fmt.Errorf("deploy the registry: %w", err)
	}
	m.contracts["registry"], m.net.Registry = registry, registry
	for _, p := range m.parties() {
		p.Registry = registry
	}
	if err = m.net.Save(m.path("network.json")); err != nil {
		return err
	}
	return m.step(ctx, "deploy", "the registry is on chain with its rules and two models (wallet transaction %x)", sent.Tx[:6])
}

// enrol lets a provider stake, take the terms, appoint its operator, have free
// balance for bonds and register one machine for each record.
func (m *Market) enrol(ctx context.Context, p *provider, stake cocoon.Nano, records ...wrappers.WorkerRecord) error {
	birth := p.Provider(p.wallet.Account(), 0)
	var err error
	if p.account, err = birth.Account(); err != nil {
		return err
	}
	m.contracts[fmt.Sprintf("provider/%d", m.indexOf(p))] = p.account
	locked, err := p.Stake(ctx, birth, stake)
	if err != nil {
		return err
	}
	terms, err := p.ProviderTerms(ctx, birth)
	if err != nil {
		return err
	}
	if _, err = p.wallet.Send(ctx, locked, terms); err != nil {
		return fmt.Errorf("%s stakes: %w", p.name, err)
	}
	if err = p.await(ctx, p.account, func(s wrappers.Provider) bool { return s.Terms != nil }); err != nil {
		return fmt.Errorf("%s takes the terms: %w", p.name, err)
	}
	if err = m.appoint(ctx, p, birth); err != nil {
		return err
	}
	for _, r := range records {
		if err = m.register(ctx, p, birth, r); err != nil {
			return err
		}
	}
	return m.step(ctx, "provider", "%s staked %s and registered %d workers", p.name, stake, len(records))
}

func (m *Market) indexOf(p *provider) int {
	for i, q := range m.providers {
		if p == q {
			return i
		}
	}
	return -1
}

// appoint gives the operator an allowance of 5 TON, and the provider as much to bond.
func (m *Market) appoint(ctx context.Context, p *provider, birth wrappers.ProviderBirth) error {
	operator, err := p.SetOperator(ctx, birth, p.operator, cocoon.TON(5))
	if err != nil {
		return err
	}
	free, err := p.TopUp(ctx, birth, cocoon.TON(5))
	if err != nil {
		return err
	}
	if _, err = p.wallet.Send(ctx, operator, free); err != nil {
		return fmt.Errorf("%s appoints an operator: %w", p.name, err)
	}
	return p.await(ctx, p.account, func(s wrappers.Provider) bool { return s.Operator == wrappers.PublicKey(p.operator) })
}

func (m *Market) register(ctx context.Context, p *provider, birth wrappers.ProviderBirth, r wrappers.WorkerRecord) error {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	put, err := p.PutWorker(ctx, birth, p.operator, key, r, p.wallet.Account())
	if err != nil {
		return err
	}
	if _, err = p.wallet.Send(ctx, put); err != nil {
		return fmt.Errorf("%s registers a worker: %w", p.name, err)
	}
	p.machines = append(p.machines, &machine{key: key})
	return p.await(ctx, p.account, func(s wrappers.Provider) bool { return len(s.Workers) == len(p.machines) })
}

// await reads the provider at each block until enough says so.
func (p *provider) await(ctx context.Context, a cocoon.Account, enough func(wrappers.Provider) bool) error {
	var bad error
	_, err := p.client.WaitAccount(ctx, a, func(acc chain.Account) bool {
		if acc.Data == nil {
			return false
		}
		s, err := wrappers.DecodeProvider(acc.Data)
		bad = err
		return err != nil || enough(s)
	})
	if err != nil {
		return err
	}
	return bad
}

// bond deploys the dispatcher's rewards contract, bonds it and names the key whose receipts can refute its epochs.
func (m *Market) bond(ctx context.Context) error {
	birth := m.dispatcher.Rewards(m.dispatcher.wallet.Account(), 0)
	a, err := birth.Account()
	if err != nil {
		return err
	}
	m.contracts["rewards/0"] = a
	terms, err := m.dispatcher.RewardsTerms(ctx, birth)
	if err != nil {
		return err
	}
	bond, err := m.dispatcher.Bond(ctx, birth, m.rules.MinBond, birth.Owner)
	if err != nil {
		return err
	}
	key, err := m.dispatcher.RotateKey(ctx, birth, m.ledger)
	if err != nil {
		return err
	}
	if _, err = m.dispatcher.wallet.Send(ctx, terms, bond, key); err != nil {
		return fmt.Errorf("bond the dispatcher: %w", err)
	}
	return m.step(ctx, "dispatcher", "the dispatcher bonded %s and named the key that signs what providers earn", m.rules.MinBond)
}

// fund fills the pot, an incentive for workers that are up and serving.
func (m *Market) fund(ctx context.Context) error {
	birth := m.dispatcher.Rewards(m.dispatcher.wallet.Account(), 0)
	fund, err := m.patron.Fund(ctx, birth, cocoon.TON(10), m.patron.wallet.Account())
	if err != nil {
		return err
	}
	if _, err = m.patron.wallet.Send(ctx, fund); err != nil {
		return fmt.Errorf("fund the pot: %w", err)
	}
	return m.step(ctx, "fund", "a patron puts %s into the pot, for workers that are up and serving", cocoon.TON(10))
}

// start runs the indexer, the dispatcher and every worker.
func (m *Market) start(ctx context.Context) error {
	var err error
	if m.index, err = indexer.Open(ctx, indexer.Config{Path: m.path("index.db"), GlobalID: m.net.GlobalID, Registry: m.net.Registry, Chain: m.network.client, Logger: m.cfg.Logger,
		Prover: bundle.NewMaker(m.network.client), Skew: -1}); err != nil {
		return err
	}
	m.services.Go(func() error { return m.index.Run(m.life) })
	if err = m.caughtUp(ctx); err != nil {
		return err
	}
	cfg := dispatcher.DefaultConfig()
	cfg.Path, cfg.Blobs, cfg.GlobalID, cfg.Registry = m.path("dispatcher.db"), m.path("blobs"), m.net.GlobalID, m.net.Registry
	cfg.Payee, cfg.Bps = m.dispatcher.wallet.Account(), 200
	cfg.Keeper = dispatcher.KeeperConfig{Rewards: m.contracts["rewards/0"], Period: m.rules.Period, MinUptime: 1000, Grace: 30}
	cfg.Ledger.Dir, cfg.Ledger.Keys, cfg.Ledger.CloseDelay = m.path("ledger"), []crypto.Signer{m.ledger}, m.rules.CloseDelay
	hash, err := m.certify(&cfg)
	if err != nil {
		return err
	}
	deps := dispatcher.Deps{Feed: m.index, Index: m.index, Chain: m.dispatcher.client, Sender: m.dispatcher.wallet, Logger: m.cfg.Logger}
	if m.dispatch, err = dispatcher.New(ctx, cfg, deps); err != nil {
		return err
	}
	m.services.Go(func() error { return m.dispatch.Run(m.life) })
	if err = m.tellEndpoint(ctx, hash); err != nil {
		return err
	}
	healthy, err := m.engine(engine.New(qwen, deepseek))
	if err != nil {
		return err
	}
	stuck, err := m.engine(hanging(engine.New(deepseek)))
	if err != nil {
		return err
	}
	for i, p := range m.providers {
		for j, w := range p.machines {
			url := healthy
			if p.name == "bob" && j == len(p.machines)-1 {
				url = stuck // bob's last machine takes jobs and never finishes one
			}
			if err = m.work(p, w, url, fmt.Sprintf("worker-%d-%d", i, j)); err != nil {
				return err
			}
		}
	}
	return nil
}

// hanging is an engine that looks well and never answers a prompt.
func hanging(e http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			e.ServeHTTP(w, r)
			return
		}
		<-r.Context().Done()
	})
}

// engine serves an engine on a port of its own and returns its URL.
func (m *Market) engine(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &http.Server{Handler: h, BaseContext: func(net.Listener) context.Context { return m.life }}
	m.services.Go(func() error {
		<-m.life.Done()
		return s.Close()
	})
	m.services.Go(func() error {
		_ = s.Serve(l) // ends with Close, above
		return nil
	})
	return "http://" + l.Addr().String(), nil
}

// work starts one machine.
func (m *Market) work(p *provider, w *machine, engineURL, folder string) error {
	cfg := worker.DefaultConfig()
	cfg.Key, cfg.Operator, cfg.Provider, cfg.GlobalID = w.key, p.operator, p.account, m.net.GlobalID
	cfg.Dispatcher, cfg.Pin, cfg.Engine, cfg.Data = m.dispatch.WorkersURL(), m.contracts["rewards/0"], engineURL, m.path(folder)
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return err
	}
	clock, err := chain.NewClock(m.life, p.client, cfg.GlobalID)
	if err != nil {
		return err
	}
	m.services.Go(func() error {
		clock.Run(m.life, p.client, m.cfg.Logger)
		return nil
	})
	if w.worker, err = worker.New(cfg, worker.Deps{Chain: worker.Proven{Client: p.client}, Logger: m.cfg.Logger, Blocks: clock.Now, Quoter: attest.Development()}); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(m.life)
	w.stop = stop
	w.done = make(chan error, 1)
	go func() { w.done <- w.worker.Run(ctx) }()
	return nil
}
