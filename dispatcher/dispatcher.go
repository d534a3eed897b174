// Package dispatcher takes jobs from clients and finds workers for them: it
// follows the chain through an indexer, talks to workers over a NATS server of
// its own, carries grants and encrypted blobs between the two sides, relays
// what they signed to the chain, and pays rewards as epochs. It never sees a
// prompt or an answer.
package dispatcher

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher/gateway"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

// Config says what a dispatcher serves and where it keeps its things.
type Config struct {
	Path      string          // database file; created where missing
	Blobs     string          // folder of payloads and results
	Listen    string          // host:port for workers and daemons; port 0 takes a free one
	TLS       tls.Certificate // shown there; none is for loopback alone
	Node      string          // name of this node in the bus's subjects
	GlobalID  int32           // of the network
	Registry  cocoon.Account  // whose market this is
	Payee     cocoon.Account  // gets the dispatcher's share of jobs
	Bps       uint16          // that share, in 1/10000 of what a job pays
	Seed      uint64          // of the choice among workers
	Keeper    KeeperConfig    // who is paid rewards, and when
	Ledger    LedgerConfig    // of interactive requests
	Strangers StrangersConfig // how many of them may knock

	OfferTimeout time.Duration // for a worker to answer an offer
	GrantTimeout time.Duration // for a client to grant, and for a worker to accept a grant
	BeatTimeout  time.Duration // without a heartbeat, after which a worker counts as down
	PollTimeout  time.Duration // that a client's question is held open
	BookEvery    time.Duration // after which workers hear again of what is owed; they believe it for 5 minutes
}

// DefaultConfig has everything but paths and accounts.
func DefaultConfig() Config {
	return Config{Listen: "127.0.0.1:0", Node: "main", Keeper: DefaultKeeperConfig(), Ledger: DefaultLedgerConfig(), Strangers: DefaultStrangersConfig(),
		OfferTimeout: 5 * time.Second, GrantTimeout: time.Minute, BeatTimeout: 10 * time.Second, PollTimeout: 20 * time.Second, BookEvery: time.Minute}
}

// Validate reports what is missing or out of range.
func (c Config) Validate() error {
	switch {
	case c.Path == "" || c.Blobs == "":
		return cocoon.Invalid.Errorf("the dispatcher needs a database file and a folder for blobs")
	case c.Registry.IsZero():
		return cocoon.Invalid.Errorf("the dispatcher needs the registry's address")
	case c.Bps > 10_000 || c.Bps > 0 && c.Payee.IsZero():
		return cocoon.Invalid.Errorf("a share of %d bps needs a payee and is at most 10000", c.Bps)
	case c.Ledger.Dir != "" && c.Keeper.Rewards.IsZero():
		return cocoon.Invalid.Errorf("a ledger needs the dispatcher's rewards contract")
	case c.OfferTimeout <= 0 || c.GrantTimeout <= 0 || c.BeatTimeout <= 0 || c.PollTimeout <= 0 || c.BookEvery <= 0:
		return cocoon.Invalid.Errorf("the dispatcher's timeouts are above zero")
	}
	return errors.Join(bus.ValidateNode(c.Node), c.Keeper.Validate(), c.Ledger.Validate(), c.Strangers.Validate())
}

// Deps are what a dispatcher works with.
type Deps struct {
	Feed   Feed
	Index  Index
	Chain  Chain
	Sender Sender
	Now    func() time.Time // for heartbeats and certificates; what is due follows the chain's time
	Logger *slog.Logger
}

// Dispatcher serves one market.
type Dispatcher struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	store   *store
	blobs   *Blobs
	roster  *roster
	daemons daemons
	goods   catalogue
	link    *link
	desks   desks
	relay   *relay
	keeper  *keeper
	ledger  *ledger.Ledger // nil where none is kept, as is what belongs to it
	keys    *keyring
	clerk   *clerk
	gateway *gateway.Gateway

	uploads  uploads
	stale    struct{ goods, roster bool } // to be read anew; of follow
	measured atomic.Uint32                // chain time up to which uptime is measured; zero before the first look
	ended    chan struct{}                // closed when Run ends
	nudged   chan struct{}                // something is to be done before the next block
	matching sync.WaitGroup
	started  time.Time
	asking   sync.RWMutex // read while a client is answered
}

// New opens the dispatcher's database and its port for workers; Run has to
// follow. A database written by a newer program or for another market is
// refused and left alone.
func New(ctx context.Context, cfg Config, deps Deps) (_ *Dispatcher, err error) {
	if err = cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	d := &Dispatcher{cfg: cfg, deps: deps, started: deps.Now(), log: deps.Logger, nudged: make(chan struct{}, 1), ended: make(chan struct{})}
	d.roster = newRoster(rand.New(rand.NewPCG(cfg.Seed, 0)), deps.Now, cfg.BeatTimeout)
	d.desks.byJob = map[cocoon.Account]*desk{}
	d.uploads.byJob = map[cocoon.Account]*bus.Assembly{}
	if d.blobs, err = OpenBlobs(cfg.Blobs); err != nil {
		return nil, err
	}
	if d.store, err = openStore(ctx, cfg.Path, cfg.GlobalID, cfg.Registry); err != nil {
		return nil, err
	}
	d.relay = newRelay(deps, d.log)
	payee := cfg.Payee
	if payee.IsZero() {
		payee = deps.Sender.Account()
	}
	d.keeper = &keeper{cfg: cfg.Keeper, bps: cfg.Bps, payee: payee, deps: deps, log: d.log, store: d.store, relay: d.relay, measured: d.measured.Load}
	if err = d.open(ctx); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// open reads who is there, and opens the ledger and the port for workers.
func (d *Dispatcher) open(ctx context.Context) error {
	err := d.goods.refresh(ctx, d.deps.Chain, d.cfg.Registry)
	if err == nil {
		err = d.refreshRoster(ctx)
	}
	if err == nil {
		err = d.openLedger(ctx)
	}
	if err == nil {
		d.link, err = openLink(d.cfg, d.roster, &d.daemons, d.log)
	}
	if err == nil {
		err = d.openGateway()
	}
	return err
}

// close closes the databases.
func (d *Dispatcher) close() error {
	err := d.store.Close()
	if d.ledger != nil {
		err = errors.Join(d.ledger.Close(), err)
	}
	return err
}

// WorkersURL is where workers dial in.
func (d *Dispatcher) WorkersURL() string { return d.link.url() }

// Run serves workers and follows the chain until ctx ends, then drains and
// returns nil. Nothing it was doing is lost: a restart goes on from the database.
func (d *Dispatcher) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	kept := d.keepLedger(ctx)
	g.Go(func() error { return kept.watch(ctx) })
	g.Go(func() error {
		err := d.link.missing(d.lost)
		if err == nil {
			err = d.link.serve(d.heartbeat, d.handlers(ctx))
		}
		if err != nil {
			return fmt.Errorf("serve workers: %w", err)
		}
		return d.follow(ctx)
	})
	g.Go(func() error { return d.keeper.run(ctx) })
	g.Go(func() error { d.serveStreams(ctx); return nil })
	err := g.Wait()
	close(d.ended)
	d.asking.Lock() // once every client has its answer
	defer d.asking.Unlock()
	d.matching.Wait()
	d.relay.wait()
	d.link.close()
	kept.stop() // once nobody has more to promise
	<-kept.ended
	return errors.Join(err, kept.err, d.close())
}
