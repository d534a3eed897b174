package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/worker"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newWorker(e *env) *cobra.Command {
	return group("worker", "Run the machines of a provider", newWorkerRun(e))
}

type workerRun struct {
	owner, key, operator, dispatcher, data string
	tee, gpuAttest                         string
	index                                  uint32
	engines, arbiters, rewards             []string
	minDefault                             uint16
	window                                 time.Duration
	maxOwed                                string
}

func newWorkerRun(e *env) *cobra.Command {
	o := workerRun{}
	c := &cobra.Command{
		Use:   "run",
		Short: "Join a dispatcher and run jobs and requests on engines",
		Long: `Joins a dispatcher with the worker's key, runs the jobs it is offered and answers
interactive requests, on any engine that speaks OpenAI's HTTP interface: one for
all models, or one for each (--engine MODEL=URL, repeated). Without --engine a
small built-in one answers, which says that it is not a model.

Clients believe a worker as far as its evidence goes (--tee): an Intel TDX guest
that runs an image of the registry, with NVIDIA GPUs in confidential mode where
--gpu-attest shows them; none, where you can read prompts and clients have to ask
for that by name; on a local network one that is simulated. Where evidence of that
kind is not to be had, the worker does not start.

Takes half of the machine's cores at most, since engines need them, unless the
environment's GOMAXPROCS says how many.

Stops on Ctrl-C or SIGTERM: answers that run are finished and their receipts
handed over; jobs it had accepted it takes up again when started with the same
--data, where it also keeps what dispatchers have signed that they owe.`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			leaveCores()
			return roomy(func() error { return runWorkerRun(c.Context(), e, o) })
		},
	}
	f := c.Flags()
	f.StringVar(&o.owner, "provider-owner", "", "address of the wallet that owns the provider (default: the wallet of this home)")
	f.Uint32Var(&o.index, "index", 0, "which of the owner's providers")
	f.StringVar(&o.key, "worker-key", "worker", "name or file of the worker's key")
	f.StringVar(&o.operator, "operator-key", "operator", "name or file of the operator's key")
	f.StringVar(&o.dispatcher, "dispatcher", "", "where the dispatcher lets workers in: a tls:// URL, whose key the contract of --rewards names on chain, else the system's roots vouch for (default: the endpoint of --rewards, else nats://127.0.0.1:4222)")
	f.StringArrayVar(&o.engines, "engine", nil, "base URL of the engine, as in http://127.0.0.1:8000/v1, or MODEL=URL for one model; may be repeated")
	f.StringVar(&o.tee, "tee", "", "what shows that prompts are safe here: tdx, none, or simulated on local networks (default: tdx, on local networks simulated)")
	f.StringVar(&o.gpuAttest, "gpu-attest", "", "with --tee tdx: program that is given a nonce of 64 hex digits and prints the answer of NVIDIA's attestation service for all GPUs, a detached EAT")
	f.StringVar(&o.data, "data", "", "folder of accepted jobs and earnings (default: in the home, by the worker key's name)")
	f.StringSliceVar(&o.rewards, "rewards", nil, "address of the rewards contract of a dispatcher whose requests it answers; may be repeated (default: any that holds the rules)")
	f.DurationVar(&o.window, "window", worker.DefaultConfig().Answers.Window, "tokens that come within it are sent together, but for the first; 0 sends each at once")
	f.StringVar(&o.maxOwed, "max-owed", "0", "stop answering for a dispatcher that owes more than so many "+cocoon.Coin+" in epochs it has not opened; 0 is no limit")
	f.StringSliceVar(&o.arbiters, "arbiter", nil, "address that may rule on disputes of its jobs; may be repeated (default: jobs without an arbiter only)")
	f.Uint16Var(&o.minDefault, "min-default", worker.DefaultConfig().MinDefault, "refuse jobs that pay less of a disputed result on which nobody rules, in basis points")
	return c
}

// leaveCores keeps half of the cores for the engine beside a worker. What an engine
// sends wakes whoever idles, also where another thread is about to read it.
func leaveCores() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	}
}

type workerStarted struct {
	Provider   cocoon.Account `json:"provider"`
	Worker     string         `json:"worker"` // public key
	Dispatcher string         `json:"dispatcher"`
	Engine     string         `json:"engine"`  // for models without one of their own; may be empty
	Engines    int            `json:"engines"` // for one model each
	Tier       attest.Tier    `json:"tier"`    // that its evidence is of
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
	if err = o.serving(&cfg); err != nil {
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
	cfg.GlobalID, cfg.Dispatcher, cfg.Data = client.Network().GlobalID, o.dispatcher, o.data
	owner, err := e.ownerOf(client, o.owner)
	if err != nil {
		return err
	}
	if cfg.Provider, err = (wrappers.ProviderBirth{Registry: n.Registry, Owner: owner, Index: o.index}).Account(); err != nil {
		return err
	}
	chained := worker.Proven{Client: client}
	if err = dispatcherOf(ctx, &cfg, chained); err != nil {
		return err
	}
	if cfg.Data == "" {
		cfg.Data = filepath.Join(e.home, "worker", filepath.Base(o.key))
	}
	if err = os.MkdirAll(cfg.Data, 0o700); err != nil {
		return err
	}
	if cfg.Engine == "" && len(cfg.Engines) == 0 {
		url, stop, err := serveEngine()
		if err != nil {
			return err
		}
		defer stop()
		cfg.Engine = url
		e.say("no --engine: answering with the built-in test engine, which is not a model")
	}
	clock, err := chain.NewClock(ctx, client, cfg.GlobalID)
	if err != nil {
		return err
	}
	go clock.Run(ctx, client, e.log) // until the worker stops
	deps := worker.Deps{Chain: chained, Logger: e.log, Blocks: clock.Now}
	if deps.Quoter, deps.GPUs, err = o.environment(cfg.GlobalID); err != nil {
		return err
	}
	w, err := worker.New(cfg, deps)
	if err != nil {
		return err
	}
	started := workerStarted{cfg.Provider, fmt.Sprintf("%x", cfg.Key.Public()), cfg.Dispatcher, cfg.Engine, len(cfg.Engines), tierOf(deps)}
	if err = e.show("worker", started, [2]string{"provider", started.Provider.String()}, [2]string{"worker", started.Worker}, [2]string{"dispatcher", started.Dispatcher}, [2]string{"tier", string(started.Tier)}); err != nil {
		return err
	}
	e.say("running; Ctrl-C stops it")
	return w.Run(ctx)
}

// dispatcherOf finds out where the dispatcher is, and which of the contracts says
// what its TLS key is.
func dispatcherOf(ctx context.Context, cfg *worker.Config, c worker.Chain) error {
	for _, a := range cfg.Answers.Rewards {
		d, err := c.Dispatcher(ctx, a)
		if err != nil {
			return err
		}
		at := d.Keys.Endpoint
		if at == nil || cfg.Dispatcher != "" && cfg.Dispatcher != string(at.URL) {
			continue
		}
		if cfg.Dispatcher = string(at.URL); strings.HasPrefix(cfg.Dispatcher, "tls://") || strings.HasPrefix(cfg.Dispatcher, "wss://") {
			cfg.Pin = a
		}
		return nil
	}
	if cfg.Dispatcher == "" {
		cfg.Dispatcher = "nats://127.0.0.1:4222"
	}
	return nil
}

// serving fills in engines, and for whom requests are answered.
func (o *workerRun) serving(cfg *worker.Config) (err error) {
	cfg.Engines = map[cocoon.ModelID]string{}
	for _, text := range o.engines {
		model, url, named := strings.Cut(text, "=")
		id := cocoon.NewModelID(model)
		switch isURL := strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://"); {
		case isURL && cfg.Engine == "":
			cfg.Engine = engineBase(text)
		case isURL:
			return cocoon.WithHint(cocoon.Invalid.Errorf("two engines for the same models"), "say which model each is for (--engine MODEL=URL)")
		case !named || model == "" || cfg.Engines[id] != "":
			return cocoon.WithHint(cocoon.Invalid.Errorf("--engine %q is neither a URL nor MODEL=URL of another model", text), "as in --engine Qwen/Qwen3-32B=http://127.0.0.1:8000/v1")
		default:
			cfg.Engines[id] = engineBase(url)
		}
	}
	for _, text := range o.rewards {
		a, err := cocoon.ParseAccount(text)
		if err != nil {
			return err
		}
		cfg.Answers.Rewards = append(cfg.Answers.Rewards, a)
	}
	cfg.Answers.Window = o.window
	cfg.Answers.MaxOwed, err = cocoon.ParseTON(o.maxOwed)
	return err
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
