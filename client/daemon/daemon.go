// Package daemon joins what a client's daemon is made of: the API that
// applications speak, sessions with dispatchers, channels on chain and the
// judgement of workers. `cocoon client run` runs one; a Go program may keep one
// of its own and use Handler with client.Transport.
package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/client"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/channel"
	"github.com/cocoon-network/cocoon/client/session"
	"github.com/cocoon-network/cocoon/client/trust"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Config is a daemon's. Folders, network and registry are filled in by Open.
type Config struct {
	Data    string         // folder of keys, books, channels and the usage ledger
	Tiers   []attest.Tier  // of attestation that are asked for by name
	API     api.Config     // but for its folders
	Channel channel.Config // whom to pay, and how much; but for folder and network
	Session session.Config // prices and patience; whom, the channels say
	Trust   trust.Policy   // owners, regions, stake
	Attest  attest.Policy  // beyond tiers and what the chain says
}

// DefaultConfig has everything but a folder, dispatchers, tiers and prices.
func DefaultConfig() Config {
	return Config{API: api.DefaultConfig(), Channel: channel.DefaultConfig(), Session: session.DefaultConfig()}
}

// KeysFolder is where a daemon's API keys are, within its folder.
func KeysFolder(data string) string { return filepath.Join(data, "keys") }

// tierNumbers are how leases name tiers; 0 asks for none.
var tierNumbers = map[attest.Tier]uint8{attest.TierOpen: 1, attest.TierSimulated: 2, attest.TierTDX: 3, attest.TierGPU: 4}

// Deps are what a daemon works with.
type Deps struct {
	Client   *chain.Client
	Registry cocoon.Account // whose market it is
	Sender   channel.Sender // the wallet that funds channels
	Logger   *slog.Logger
}

// Daemon is one client's.
type Daemon struct {
	client   *chain.Client
	clock    *chain.Clock
	log      *slog.Logger
	channels *channel.Manager
	pool     *session.Pool
	server   *api.Server
}

// Open reads the folder. Run has to follow, or Close.
func Open(ctx context.Context, cfg Config, deps Deps) (_ *Daemon, err error) {
	n := deps.Client.Network()
	if err = cfg.mayAsk(n.GlobalID); err != nil {
		return nil, err
	}
	clock, err := chain.NewClock(ctx, deps.Client, n.GlobalID)
	if err != nil {
		return nil, err
	}
	d := &Daemon{client: deps.Client, clock: clock, log: deps.Logger}
	if d.channels, err = openChannels(cfg.Data, cfg.Channel, deps, clock); err != nil {
		return nil, err
	}
	cfg.Session.GlobalID = n.GlobalID
	d.pool = session.NewPool(cfg.Session, session.Deps{Trust: trustOf(cfg, deps, clock), Now: time.Now, Random: rand.Reader, Logger: deps.Logger},
		d.channels, client.Proven{Client: deps.Client, Contract: deps.Registry}, clock.Now)
	a := cfg.API
	a.Keys, a.Ledger = KeysFolder(cfg.Data), filepath.Join(cfg.Data, "usage")
	if d.server, err = api.New(a, api.Deps{Backend: d.pool, Logger: deps.Logger}); err != nil {
		return nil, errors.Join(err, d.channels.Close())
	}
	return d, nil
}

// mayAsk refuses tiers that no worker of the network could be believed to have.
func (c Config) mayAsk(globalID int32) error {
	if len(c.Tiers) == 0 {
		return cocoon.WithHint(cocoon.Invalid.Errorf("no tier of attestation is asked for"), "ask for %s, or by name for %s, where a worker's owner can read prompts", attest.TierGPU, attest.TierOpen)
	}
	for _, t := range c.Tiers {
		switch {
		case tierNumbers[t] == 0:
			return cocoon.WithHint(cocoon.Invalid.Errorf("there is no tier %q", t), "tiers are %s, %s, %s, and %s on local networks", attest.TierGPU, attest.TierTDX, attest.TierOpen, attest.TierSimulated)
		case t == attest.TierSimulated && !chain.Local(globalID):
			return cocoon.WithHint(fmt.Errorf("tier %s: %w", t, attest.ErrSimulated), "network %d is a real one: ask for %s or %s", globalID, attest.TierGPU, attest.TierTDX)
		case t == attest.TierGPU && len(c.Attest.GPU.Keys) == 0:
			return cocoon.WithHint(cocoon.Invalid.Errorf("tier %s: no key of NVIDIA's attestation service is pinned", t),
				"name a file of its keys (cocoon client run --gpu-keys), or ask for %s, where what leaves the processor for a GPU is in the clear", attest.TierTDX)
		}
	}
	return nil
}

func openChannels(data string, cfg channel.Config, deps Deps, clock *chain.Clock) (*channel.Manager, error) {
	n := deps.Client.Network()
	cfg.Dir, cfg.GlobalID, cfg.Registry = filepath.Join(data, "channels"), n.GlobalID, deps.Registry
	return channel.Open(cfg, channel.Deps{Chain: deps.Client, Sender: deps.Sender, Now: clock.Now, Logger: deps.Logger})
}

// Leave closes the channel to a dispatcher, or goes on with that, while no daemon
// has the folder: at once where the dispatcher agrees, else after the close delay. It
// reports whether the channel is closed. Only where one that is closed is to be
// forgotten does a daemon open another, with a new key.
func Leave(ctx context.Context, data string, rewards cocoon.Account, forget bool, deps Deps) (closed bool, err error) {
	clock, err := chain.NewClock(ctx, deps.Client, deps.Client.Network().GlobalID)
	if err != nil {
		return false, err
	}
	cfg := DefaultConfig()
	cfg.Channel.Dispatchers = []cocoon.Account{rewards}
	m, err := openChannels(data, cfg.Channel, deps, clock)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if closed, err = m.Leave(ctx, rewards, agreement(cfg, deps, clock)); closed && err == nil && forget {
		err = m.Forget(rewards)
	}
	return closed, err
}

// agreeWithin is how long a dispatcher is asked whether it agrees to a close.
const agreeWithin = 20 * time.Second

// agreement asks dispatchers to agree to a close, and first answers the receipts
// that they hold: of workers of any tier, since what they did was ordered, within
// what was set aside for it.
func agreement(cfg Config, deps Deps, clock *chain.Clock) channel.Agree {
	cfg.Tiers = []attest.Tier{attest.TierTDX, attest.TierOpen}
	if chain.Local(deps.Client.Network().GlobalID) {
		cfg.Tiers = append(cfg.Tiers, attest.TierSimulated)
	}
	cfg.Attest.TCB = []attest.Status{attest.UpToDate}
	much := cocoon.NanoOf(math.MaxUint64)
	cfg.Session.GlobalID, cfg.Session.Caps = deps.Client.Network().GlobalID, cocoon.Price{Prompt: much, Cached: much, Completion: much, Reasoning: much}
	return func(ctx context.Context, c *channel.Channel) (wrappers.CloseNow, error) {
		ctx, cancel := context.WithTimeout(ctx, agreeWithin)
		defer cancel()
		cfg.Session.Rewards, cfg.Session.Channel, cfg.Session.URL, cfg.Session.TLSKeyHash = c.Rewards, c.Account, c.URL, c.TLSKeyHash
		s, err := session.Open(ctx, cfg.Session, session.Deps{Ledger: c.Ledger, Key: c.Key, Trust: trustOf(cfg, deps, clock), Now: time.Now, Random: rand.Reader, Logger: deps.Logger})
		if err != nil {
			return wrappers.CloseNow{}, err
		}
		promise, err := s.CloseNow(ctx)
		return promise, errors.Join(err, s.Close())
	}
}

// trustOf judges workers by what the chain proves and their evidence binds.
func trustOf(cfg Config, deps Deps, clock *chain.Clock) *trust.Trust {
	n := deps.Client.Network()
	policy, judged := cfg.Trust, cfg.Attest
	policy.Registry, policy.Tier = deps.Registry, tierNumbers[cfg.Tiers[0]]
	judged.GlobalID, judged.Account, judged.Tiers = n.GlobalID, deps.Registry, cfg.Tiers
	judged.Local = attest.LocalTo(n.GlobalID)
	judge := &trust.Attested{Policy: judged, Source: trust.OnChain{Client: deps.Client}, Now: clock.Now, Cache: attest.NewCache(cacheSize)}
	return trust.New(trust.Config{GlobalID: n.GlobalID, Policy: policy, Chain: trust.Proven{Client: deps.Client}, Judge: judge, Now: clock.Now})
}

// cacheSize is how many workers' evidence is remembered.
const cacheSize = 4096

// Handler is the API, for programs that serve it themselves.
func (d *Daemon) Handler() http.Handler { return d.server }

// Channels are those that requests may be paid over now, the preferred one first.
func (d *Daemon) Channels() []*channel.Channel { return d.channels.Usable() }

// Listen binds the API's address, and returns the base URL that applications use.
func (d *Daemon) Listen() (string, error) {
	if err := d.server.Listen(); err != nil {
		return "", err
	}
	return d.server.URL(), nil
}

// Ready returns once requests can be paid, or with ctx's error.
func (d *Daemon) Ready(ctx context.Context) error {
	for tick := time.NewTicker(readyEvery); ; {
		if d.pool.Ready() {
			tick.Stop()
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const readyEvery = 50 * time.Millisecond

// Run serves the address that Listen bound until ctx ends; open answers have a
// while to end then. It keeps channels and sessions meanwhile, and closes all.
func (d *Daemon) Run(ctx context.Context) error { return d.run(ctx, d.server.Run) }

// Keep is Run for a daemon whose Handler somebody else serves.
func (d *Daemon) Keep(ctx context.Context) error {
	return d.run(ctx, func(ctx context.Context) error {
		<-ctx.Done()
		return d.server.Close()
	})
}

func (d *Daemon) run(ctx context.Context, serve func(context.Context) error) error {
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx)) // until the last answer is paid
	defer stop()
	g, keeping := errgroup.WithContext(keeping)
	g.Go(func() error { d.clock.Run(keeping, d.client, d.log); return nil })
	g.Go(func() error { return d.channels.Run(keeping) })
	g.Go(func() error { return d.pool.Run(keeping) })
	serving, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(keeping, cancel)()
	err := serve(serving)
	stop()
	return errors.Join(err, g.Wait(), d.channels.Close())
}

// Close gives up a daemon that Run was never called for.
func (d *Daemon) Close() error { return errors.Join(d.server.Close(), d.channels.Close()) }
