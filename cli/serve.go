package cli

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/indexer"
)

type serveOptions struct {
	payer
	index             uint32
	data, api, listen string
	bps               uint16
	start             uint32
	period            time.Duration
	indexOnly         bool
}

func newServe(e *env) *cobra.Command {
	o := serveOptions{}
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the indexer, its API and a dispatcher",
		Long: `Follows the chain into a database, answers questions over HTTP, lets workers in
and brings jobs to them. Epochs of your rewards contract are opened and paid when
due. Stops on Ctrl-C or SIGTERM and goes on from its databases when started again.`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runServe(c.Context(), e, o) },
	}
	f := c.Flags()
	f.StringVar(&o.wallet, "wallet", "wallet", "name or file of the dispatcher's wallet, which owns its rewards contract")
	f.Uint32Var(&o.index, "index", 0, "which of the wallet's rewards contracts")
	f.StringVar(&o.data, "data", "", "folder of the databases (default: in the home, by network)")
	f.StringVar(&o.api, "api", "127.0.0.1:8080", "address of the HTTP API; the dispatcher's is below /dispatch")
	f.StringVar(&o.listen, "listen", "127.0.0.1:4222", "address for workers")
	f.Uint16Var(&o.bps, "share", 200, "the dispatcher's share of what jobs pay, in basis points")
	f.Uint32Var(&o.start, "start", 1, "masterchain block to begin a new database with, at or before the registry's deployment")
	f.DurationVar(&o.period, "period", 24*time.Hour, "how long an epoch measures")
	f.BoolVar(&o.indexOnly, "index-only", false, "run no dispatcher")
	return c
}

type served struct {
	API     string `json:"api"`
	Workers string `json:"workers"`
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
	d, err := o.open(ctx, e, n)
	if err != nil {
		return err
	}
	defer d.client.Close()
	if o.data == "" {
		o.data = filepath.Join(e.home, "serve", networkName(e, n))
	}
	if err = os.MkdirAll(o.data, 0o700); err != nil {
		return err
	}
	index, err := indexer.Open(ctx, indexer.Config{Path: filepath.Join(o.data, "index.db"), GlobalID: d.GlobalID, Registry: n.Registry, Chain: d.client, Start: o.start, Logger: e.log})
	if err != nil {
		return err
	}
	defer index.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return index.Run(ctx) })
	mux := http.NewServeMux()
	mux.Handle("/", http.NotFoundHandler())
	workers := ""
	if !o.indexOnly {
		dispatch, err := o.dispatcher(ctx, e, d, index)
		if err != nil {
			return err
		}
		workers = dispatch.WorkersURL()
		mux.Handle("/dispatch/", http.StripPrefix("/dispatch", dispatch.Handler()))
		g.Go(func() error { return dispatch.Run(ctx) })
	}
	l, err := net.Listen("tcp", o.api)
	if err != nil {
		return cocoon.WithHint(cocoon.Conflict.Errorf("serve the API: %w", err), "choose another address with --api")
	}
	serveHTTP(ctx, g, l, mux)
	url := "http://" + l.Addr().String()
	if err = e.show("serving", served{url, workers, o.data}, [2]string{"API", url + "/docs"}, [2]string{"workers", workers}, [2]string{"data", o.data}); err != nil {
		return err
	}
	e.say("serving; Ctrl-C stops it")
	return g.Wait()
}

// dispatcher opens the dispatcher of this wallet's rewards contract.
func (o *serveOptions) dispatcher(ctx context.Context, e *env, d *desk, index *indexer.Indexer) (*dispatcher.Dispatcher, error) {
	rewards, err := d.Rewards(d.account, o.index).Account()
	if err != nil {
		return nil, err
	}
	cfg := dispatcher.DefaultConfig()
	cfg.Path, cfg.Blobs, cfg.Listen = filepath.Join(o.data, "dispatcher.db"), filepath.Join(o.data, "blobs"), o.listen
	cfg.GlobalID, cfg.Registry, cfg.Payee, cfg.Bps = d.GlobalID, d.Registry, d.account, o.bps
	cfg.Keeper.Rewards, cfg.Keeper.Period = rewards, uint32(o.period/time.Second)
	return dispatcher.New(ctx, cfg, dispatcher.Deps{Feed: index, Index: index, Chain: d.client, Sender: d.wallet, Logger: e.log})
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
