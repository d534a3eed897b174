package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// env is what every command shares: streams, the global flags and what they lead to.
type env struct {
	in       io.Reader
	out, err io.Writer
	home     string
	network  string
	registry string
	json     bool
	verbose  bool
	log      *slog.Logger
}

func (e *env) flags(f *pflag.FlagSet) {
	f.StringVar(&e.home, "home", "", "folder of keys and networks (default: $COCOON_HOME, else cocoon in the user's configuration)")
	f.StringVar(&e.network, "network", "", "localnet, testnet, mainnet or the path of a global.config.json (default: $COCOON_NETWORK, else localnet)")
	f.StringVar(&e.registry, "registry", "", "address of the registry, where the network file names none")
	f.BoolVar(&e.json, "json", false, "one JSON object per line on stdout (docs/cli-json.md)")
	f.BoolVarP(&e.verbose, "verbose", "v", false, "log every step on stderr")
}

// prepare fills in defaults: flags over COCOON_* over default.
func (e *env) prepare() error {
	for _, d := range []struct {
		flag     *string
		variable string
		fallback string
	}{{&e.home, "COCOON_HOME", ""}, {&e.network, "COCOON_NETWORK", "localnet"}, {&e.registry, "COCOON_REGISTRY", ""}} {
		if *d.flag == "" {
			*d.flag = os.Getenv(d.variable)
		}
		if *d.flag == "" {
			*d.flag = d.fallback
		}
	}
	if e.home == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return cocoon.WithHint(cocoon.Invalid.Errorf("find a folder for keys: %w", err), "name one with --home")
		}
		e.home = filepath.Join(dir, "cocoon")
	}
	level := slog.LevelWarn
	if e.verbose {
		level = slog.LevelDebug
	}
	e.log = slog.New(slog.NewTextHandler(e.err, &slog.HandlerOptions{Level: level}))
	return nil
}

// networkFile is where the network of that name is described.
func (e *env) networkFile(name string) string {
	return filepath.Join(e.home, "networks", name+".json")
}

// loadNetwork resolves --network and --registry.
func (e *env) loadNetwork() (chain.Network, error) {
	source := e.network
	if file := e.networkFile(e.network); filepath.Base(e.network) == e.network {
		if _, err := os.Stat(file); err == nil {
			source = file
		} else if e.network == "localnet" {
			return chain.Network{}, cocoon.WithHint(cocoon.Unreachable.Errorf("no localnet is known under %s", e.home),
				"start one with: cocoon localnet, or cocoon up")
		}
	}
	n, err := chain.LoadNetwork(source)
	if err != nil {
		return n, err
	}
	if e.registry != "" {
		n.Registry, err = cocoon.ParseAccount(e.registry)
	}
	return n, err
}

// needRegistry is loadNetwork for commands that cannot do without the registry.
func (e *env) needRegistry() (chain.Network, error) {
	n, err := e.loadNetwork()
	if err == nil && n.Registry.IsZero() {
		err = cocoon.WithHint(cocoon.NotFound.Errorf("no registry is known for network %s", e.network),
			"name it with --registry ADDRESS, or deploy one with: cocoon network deploy")
	}
	return n, err
}

// dial connects to the network that the flags name.
func (e *env) dial(ctx context.Context, n chain.Network) (*chain.Client, error) {
	return chain.Dial(ctx, n, chain.Options{Logger: e.log})
}
