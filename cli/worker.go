package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/worker"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newWorker(e *env) *cobra.Command {
	return group("worker", "Run the machines of a provider", newWorkerRun(e))
}

type workerRun struct {
	owner, key, operator, dispatcher, engine, data string
	index                                          uint32
	arbiters                                       []string
	minDefault                                     uint16
}

func newWorkerRun(e *env) *cobra.Command {
	o := workerRun{}
	c := &cobra.Command{
		Use:   "run",
		Short: "Join a dispatcher and run jobs on an engine",
		Long: `Joins a dispatcher with the worker's key and runs the jobs it is offered on any
engine that speaks OpenAI's HTTP interface. Without --engine a small built-in one
answers, which says that it is not a model.

Stops on Ctrl-C or SIGTERM; jobs it had accepted it takes up again when started
with the same --data.`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runWorkerRun(c.Context(), e, o) },
	}
	f := c.Flags()
	f.StringVar(&o.owner, "provider-owner", "", "address of the wallet that owns the provider (default: the wallet of this home)")
	f.Uint32Var(&o.index, "index", 0, "which of the owner's providers")
	f.StringVar(&o.key, "worker-key", "worker", "name or file of the worker's key")
	f.StringVar(&o.operator, "operator-key", "operator", "name or file of the operator's key")
	f.StringVar(&o.dispatcher, "dispatcher", "nats://127.0.0.1:4222", "where the dispatcher lets workers in")
	f.StringVar(&o.engine, "engine", "", "base URL of the engine, as in http://127.0.0.1:8000/v1")
	f.StringVar(&o.data, "data", "", "folder of accepted jobs (default: in the home, by the worker key's name)")
	f.StringSliceVar(&o.arbiters, "arbiter", nil, "address that may rule on disputes of its jobs; may be repeated (default: jobs without an arbiter only)")
	f.Uint16Var(&o.minDefault, "min-default", worker.DefaultConfig().MinDefault, "refuse jobs that pay less of a disputed result on which nobody rules, in basis points")
	return c
}

type workerStarted struct {
	Provider   cocoon.Account `json:"provider"`
	Worker     string         `json:"worker"` // public key
	Dispatcher string         `json:"dispatcher"`
	Engine     string         `json:"engine"`
}

func runWorkerRun(ctx context.Context, e *env, o workerRun) error {
	n, err := e.needRegistry()
	if err != nil {
		return err
	}
	cfg := worker.DefaultConfig()
	if err = o.disputes(&cfg); err != nil {
		return err
	}
	if cfg.Key, err = e.loadKey(o.key, "register the worker first: cocoon provider register"); err != nil {
		return err
	}
	if cfg.Operator, err = e.loadKey(o.operator, "appoint an operator first: cocoon provider operator"); err != nil {
		return err
	}
	client, err := e.dial(ctx, n)
	if err != nil {
		return err
	}
	defer client.Close()
	cfg.GlobalID, cfg.Dispatcher, cfg.Engine, cfg.Data = client.Network().GlobalID, o.dispatcher, engineBase(o.engine), o.data
	owner, err := e.ownerOf(client, o.owner)
	if err != nil {
		return err
	}
	if cfg.Provider, err = (wrappers.ProviderBirth{Registry: n.Registry, Owner: owner, Index: o.index}).Account(); err != nil {
		return err
	}
	if cfg.Data == "" {
		cfg.Data = filepath.Join(e.home, "worker", filepath.Base(o.key))
	}
	if err = os.MkdirAll(cfg.Data, 0o700); err != nil {
		return err
	}
	if cfg.Engine == "" {
		url, stop, err := serveEngine()
		if err != nil {
			return err
		}
		defer stop()
		cfg.Engine = url
		e.say("no --engine: answering with the built-in test engine, which is not a model")
	}
	w, err := worker.New(cfg, worker.Deps{Chain: worker.Proven{Client: client}, Logger: e.log})
	if err != nil {
		return err
	}
	started := workerStarted{cfg.Provider, fmt.Sprintf("%x", cfg.Key.Public()), cfg.Dispatcher, cfg.Engine}
	if err = e.show("worker", started, [2]string{"provider", started.Provider.String()}, [2]string{"worker", started.Worker}, [2]string{"dispatcher", started.Dispatcher}); err != nil {
		return err
	}
	e.say("running; Ctrl-C stops it")
	return w.Run(ctx)
}

// disputes fills in which jobs are refused for what a dispute could come to.
func (o *workerRun) disputes(cfg *worker.Config) error {
	cfg.MinDefault = o.minDefault
	for _, text := range o.arbiters {
		a, err := cocoon.ParseAccount(text)
		if err != nil {
			return err
		}
		cfg.Arbiters = append(cfg.Arbiters, a)
	}
	return nil
}

// engineBase is url without the version: requests name it themselves.
func engineBase(url string) string {
	return strings.TrimSuffix(strings.TrimRight(url, "/"), "/v1")
}

// ownerOf is the account that text names, or that of this home's wallet.
func (e *env) ownerOf(client *chain.Client, text string) (cocoon.Account, error) {
	if text != "" {
		return cocoon.ParseAccount(text)
	}
	w, err := e.openWallet(client, "wallet")
	if err != nil {
		return cocoon.Account{}, err
	}
	return w.Account(), nil
}

// serveEngine serves the built-in engine on loopback until stop is called.
func serveEngine() (url string, stop func(), err error) {
	s, err := engine.Listen("127.0.0.1:0", engine.New())
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background()) // it outlives the worker, which drains
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(ctx) // it ends when nobody asks any more
	}()
	return s.URL(), func() { cancel(); <-ended }, nil
}
