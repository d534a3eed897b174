package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/cli/action"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/indexer"
)

type serveOptions struct {
	birthOptions
	wallet, data, api, listen string
	tlsCert, tlsKey, owner    string
	indexDSN                  string
	ledgerKeys                []string
	start, backfill           uint32
	bps                       uint16
	period, grace             time.Duration
	audit                     time.Duration
	ahead                     int
	strangers                 dispatcher.StrangersConfig
	indexOnly                 bool
}

func newServe(e *env) *cobra.Command {
	o := serveOptions{}
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the indexer, its API and a dispatcher",
		Long: `Follows the chain into a database, answers questions over HTTP, lets workers in
and brings jobs to them. Epochs of your rewards contract are opened and paid when
due. With the contract's ledger key (cocoon dispatcher key) channels are settled, and
epochs pay what receipts say. Stops on Ctrl-C or SIGTERM and goes on from its
databases when started again.`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			return roomy(func() error { return runServe(c.Context(), e, o) })
		},
	}
	f := c.Flags()
	f.StringVar(&o.wallet, "wallet", "wallet", "name or file of the dispatcher's wallet, which owns its rewards contract or operates it")
	f.StringVar(&o.owner, "owner", "", "address of the wallet that owns the rewards contract, where --wallet is its operator's (default: that of --wallet)")
	o.birthFlags(f)
	f.StringVar(&o.data, "data", "", "folder of the databases (default: in the home, by registry)")
	f.StringVar(&o.indexDSN, "index-dsn-file", "", "file with the address of the index's database, postgres://... (default: $COCOON_INDEX_DSN, else index.db in --data)")
	f.StringVar(&o.api, "api", "127.0.0.1:8080", "address of the HTTP API; the dispatcher's is below /dispatch")
	f.StringVar(&o.listen, "listen", "127.0.0.1:4222", "address for workers and clients; off loopback with --tls-cert")
	f.StringVar(&o.tlsCert, "tls-cert", "", "PEM file of the certificate that is shown there; its key is the one on chain (cocoon dispatcher endpoint)")
	f.StringVar(&o.tlsKey, "tls-key", "", "PEM file of the certificate's private key")
	f.StringArrayVar(&o.ledgerKeys, "ledger-key", nil, "name or file of a ledger key; repeatable, while an older one has epochs or channels (default: ledger, where there is one)")
	f.Uint16Var(&o.bps, "share", 200, "the dispatcher's share of what jobs and channels pay, in basis points")
	f.Uint32Var(&o.start, "start", 1, "masterchain block to begin a new database with, at or before the registry's deployment")
	f.Uint32Var(&o.backfill, "backfill", 0, "missing masterchain blocks from which on the index catches up by its contracts' histories, where that asks for less than every block and liteservers keep old states; 0 is never")
	f.DurationVar(&o.period, "period", 24*time.Hour, "how long an epoch measures")
	f.DurationVar(&o.grace, "grace", 0, "how long providers may claim before leaves are pushed")
	f.DurationVar(&o.audit, "audit", time.Hour, "how often the tables are compared with the chain, a question to a liteserver for each contract; 0 is never")
	f.IntVar(&o.ahead, "ahead", 64<<20, "bytes of blocks to read ahead of the index at most; more of them bridge longer pauses of liteservers")
	strangers := dispatcher.DefaultStrangersConfig()
	f.IntVar(&o.strangers.Address, "strangers-address", strangers.Address, "logins a minute that may be refused at one address before nobody there is listened to; 0 is no limit, as behind a proxy")
	f.IntVar(&o.strangers.All, "strangers", strangers.All, "logins a minute that may be refused in all before only addresses are listened to that somebody known came from; 0 is no limit")
	f.BoolVar(&o.indexOnly, "index-only", false, "run no dispatcher")
	return c
}

type served struct {
	API     string `json:"api"`
	Workers string `json:"workers"` // "" with --index-only
	Data    string `json:"data"`
}

func runServe(ctx context.Context, e *env, o serveOptions) error {
	n, err := e.needRegistry()
	if err != nil {
		return err
	}
	if o.period < time.Second || o.period > 60*24*time.Hour {
		return cocoon.Invalid.Errorf("--period %s is not between a second and 60 days", o.period)
	}
	if o.grace < 0 || o.grace > 60*24*time.Hour {
		return cocoon.Invalid.Errorf("--grace %s is not between nothing and 60 days", o.grace)
	}
	if o.ahead < 1 {
		return cocoon.Invalid.Errorf("--ahead %d is not a number of bytes above 0", o.ahead)
	}
	if err = checkListen("--api", o.api); err != nil {
		return err
	}
	if err = checkListen("--listen", o.listen); err != nil {
		return err
	}
	client, err := e.dial(ctx, n)
	if err != nil {
		return err
	}
	defer client.Close()
	if o.data == "" {
		o.data = filepath.Join(e.home, "serve", n.Registry.String()[2:])
	}
	if err = os.MkdirAll(o.data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	l, err := net.Listen("tcp", o.api)
	if err != nil {
		return cocoon.WithHint(cocoon.Conflict.Errorf("serve the API: %w", err), "choose another address with --api")
	}
	defer func() { _ = l.Close() }() // the server may have closed it
	cfg, err := o.indexConfig(client)
	if err != nil {
		return err
	}
	cfg.Logger = e.log
	cfg.Progress = func(part string, done float64) { e.say("backfill: %s, %.0f %% done", part, 100*done) }
	index, err := indexer.Open(ctx, cfg)
	if err != nil {
		return err
	}
	err = o.serve(ctx, e, client, index, l)
	return errors.Join(err, index.Close())
}

// checkListen wants an address to listen at to name its host: none would mean every interface.
func checkListen(flag, addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || host == "" {
		return cocoon.Invalid.Errorf("%s %q is not HOST:PORT, as in 127.0.0.1:8080", flag, addr)
	}
	return nil
}

// serve runs what was opened until ctx ends or a part of it fails.
func (o *serveOptions) serve(ctx context.Context, e *env, client *chain.Client, index *indexer.Indexer, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("/", index.Handler())
	s := served{API: "http://" + l.Addr().String(), Data: o.data}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return index.Run(ctx) })
	serveHTTP(ctx, g, l, mux)
	g.Go(func() error {
		rows := [][2]string{{"API", s.API}, {"data", s.Data}}
		if !o.indexOnly {
			dispatch, err := o.dispatcher(ctx, e, client, index)
			if errors.Is(err, context.Canceled) {
				return nil // it is stopped while the index catches up
			}
			if err != nil {
				return err
			}
			s.Workers = dispatch.WorkersURL()
			rows = append(rows, [2]string{"workers", s.Workers}, [2]string{"dispatcher", s.API + "/dispatch"})
			mux.Handle("/dispatch/", http.StripPrefix("/dispatch", dispatch.Handler()))
			g.Go(func() error { return dispatch.Run(ctx) })
		}
		e.say("serving; Ctrl-C stops it")
		return e.show("serving", s, rows...)
	})
	return g.Wait()
}

// dispatcher opens the dispatcher of this wallet's rewards contract, once the index has
// what is on chain now: by what it knew before, workers would be turned away, and its
// books would be too old to be believed.
func (o *serveOptions) dispatcher(ctx context.Context, e *env, client *chain.Client, index *indexer.Indexer) (*dispatcher.Dispatcher, error) {
	wallet, err := e.openWallet(client, o.wallet)
	if err != nil {
		return nil, err
	}
	n, owner := client.Network(), wallet.Account()
	if o.owner != "" {
		if owner, err = cocoon.ParseAccount(o.owner); err != nil {
			return nil, err
		}
	}
	birth, err := o.birth(n.Registry, owner)
	if err != nil {
		return nil, err
	}
	rewards, err := birth.Account()
	if err != nil {
		return nil, err
	}
	cfg := dispatcher.DefaultConfig()
	cfg.Path, cfg.Blobs, cfg.Listen, cfg.Strangers = filepath.Join(o.data, "dispatcher.db"), filepath.Join(o.data, "blobs"), o.listen, o.strangers
	cfg.GlobalID, cfg.Registry, cfg.Payee, cfg.Bps = n.GlobalID, n.Registry, owner, o.bps
	cfg.Keeper.Rewards, cfg.Keeper.Period = rewards, uint32(o.period/time.Second)
	cfg.Keeper.Grace = uint32(o.grace / time.Second)
	if cfg.Ledger, err = o.ledger(e, n); err != nil {
		return nil, err
	}
	if cfg.TLS, err = o.certificate(); err != nil {
		return nil, err
	}
	if err = catchUp(ctx, e, client, index); err != nil {
		return nil, err
	}
	return dispatcher.New(ctx, cfg, dispatcher.Deps{Feed: index, Index: index, Chain: client, Sender: wallet, Logger: e.log})
}

// catchUp returns once the index has what is on chain now, and says how far it is
// where that takes long.
func catchUp(ctx context.Context, e *env, client *chain.Client, index *indexer.Indexer) error {
	head, err := client.Head(ctx)
	if err != nil {
		return err
	}
	for quiet := time.Second; ; quiet = min(2*quiet, 30*time.Second) {
		waiting, stop := context.WithTimeout(ctx, quiet)
		err = index.WaitSeqno(waiting, head.SeqNo)
		stop()
		if err == nil || waiting.Err() == nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.say("the index is at block %d of %d; workers and clients are let in once it is there", index.Head().Seqno, head.SeqNo)
	}
}

// certificate is that of the flags, none without them.
func (o *serveOptions) certificate() (c tls.Certificate, err error) {
	if (o.tlsCert == "") != (o.tlsKey == "") {
		return c, cocoon.Invalid.Errorf("--tls-cert and --tls-key go together")
	}
	if o.tlsCert == "" {
		return c, nil
	}
	if c, err = tls.LoadX509KeyPair(o.tlsCert, o.tlsKey); err != nil {
		return c, cocoon.Invalid.Errorf("read --tls-cert and --tls-key: %w", err)
	}
	return c, nil
}

// ledger is kept where there is a key for it.
func (o *serveOptions) ledger(e *env, n chain.Network) (dispatcher.LedgerConfig, error) {
	cfg, names := dispatcher.DefaultLedgerConfig(), o.ledgerKeys
	if _, err := os.Stat(e.keyFile("ledger")); len(names) == 0 && err == nil {
		names = []string{"ledger"}
	}
	if len(names) == 0 {
		return cfg, nil
	}
	cfg.Dir = filepath.Join(o.data, "ledger")
	if chain.Local(n.GlobalID) {
		cfg.CloseDelay = action.QuickRules().CloseDelay
	}
	for _, name := range names {
		key, err := e.loadKey(name, "make it the receipt key with: cocoon dispatcher key")
		if err != nil {
			return cfg, err
		}
		cfg.Keys = append(cfg.Keys, key)
	}
	return cfg, nil
}

// serveHTTP serves until ctx ends; open streams are cut after a moment.
func serveHTTP(ctx context.Context, g *errgroup.Group, l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	g.Go(func() error {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if s.Shutdown(ending) != nil {
			return s.Close()
		}
		return nil
	})
}
