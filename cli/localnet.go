package cli

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
)

type localnetOptions struct {
	blockTime    time.Duration
	listen       string
	seed         string
	shards, keep int
	data         string
	parameters   string
	faults       localnet.Faults
}

func newLocalnet(e *env) *cobra.Command {
	o := localnetOptions{}
	c := &cobra.Command{
		Use:   "localnet",
		Short: "Run a TON chain in this process, for any TON client",
		Long: `Runs a TON chain on loopback and writes its global.config.json, which any
client takes. Stops on Ctrl-C. With --data the chain is kept in a folder, and
goes on from there the next time, even after a kill; otherwise nothing is kept.

Coins come from the faucet, a wallet of this home:

  cocoon wallet send --wallet faucet ADDRESS 100

The last flags make its liteserver do wrong on purpose, for testing what follows it.`,
		Example: `  cocoon localnet --block-time 400ms --shards 4 --data ./chain --keep 10000
  cocoon localnet --config mainnet.boc    # prices, limits and TVM version of a network
  cocoon localnet --latency 80ms --error-rate 0.05`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runLocalnet(c.Context(), e, o) },
	}
	c.Flags().DurationVar(&o.blockTime, "block-time", time.Second, "time between blocks; 0 makes one whenever a message arrives")
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:0", "address of the liteserver")
	c.Flags().StringVar(&o.seed, "seed", "localnet", "what the chain's keys are derived from")
	c.Flags().IntVar(&o.shards, "shards", 1, "shards that a new chain has: 1, 2, 4, 8 or 16")
	c.Flags().StringVar(&o.data, "data", "", "folder that keeps the chain")
	c.Flags().IntVar(&o.keep, "keep", 0, "masterchain blocks to keep, with the shard blocks under them; 0 keeps all")
	c.Flags().StringVar(&o.parameters, "config", "", "bag of cells with a network's config, whose parameters the chain takes over")
	c.Flags().DurationVar(&o.faults.Latency, "latency", 0, "time the liteserver waits before it answers")
	c.Flags().DurationVar(&o.faults.Jitter, "jitter", 0, "more of it, up to this, by chance")
	c.Flags().Float64Var(&o.faults.ErrorRate, "error-rate", 0, "share of queries that are refused")
	c.Flags().Float64Var(&o.faults.DropRate, "drop-rate", 0, "share of queries that close the connection")
	c.Flags().Float64Var(&o.faults.SilenceRate, "silence-rate", 0, "share of queries that are never answered")
	c.Flags().Uint32Var(&o.faults.LagBlocks, "lag", 0, "masterchain blocks that the liteserver is behind")
	c.Flags().StringVar((*string)(&o.faults.Lie), "lie", "", "what the liteserver lies about: "+lies())
	return c
}

// chainGCPercent is how much the heap grows between collections, as in
// localnet/benchmark.
const chainGCPercent = 400

// lies names what a liteserver can lie about.
func lies() string {
	var names []string
	for _, l := range localnet.Lies() {
		names = append(names, string(l))
	}
	return strings.Join(names, ", ")
}

// config of the chain that the flags ask for.
func (o localnetOptions) config(e *env) (localnet.Config, error) {
	c := localnet.Config{BlockTime: o.blockTime, Listen: o.listen, Seed: []byte(o.seed), Shards: o.shards, Keep: o.keep, Data: o.data, Logger: e.log}
	if o.blockTime < 0 {
		return c, cocoon.Invalid.Errorf("--block-time %s is negative", o.blockTime)
	}
	if o.shards < 1 || o.shards > 16 || o.shards&(o.shards-1) != 0 {
		return c, cocoon.Invalid.Errorf("--shards %d is not 1, 2, 4, 8 or 16", o.shards)
	}
	if o.keep < 0 {
		return c, cocoon.Invalid.Errorf("--keep %d is negative", o.keep)
	}
	if err := checkListen("--listen", o.listen); err != nil || o.parameters == "" {
		return c, err
	}
	boc, err := os.ReadFile(o.parameters)
	if err != nil {
		return c, cocoon.Invalid.Errorf("--config: %w", err)
	}
	if c.Parameters, err = localnet.ParseParameters(boc); err != nil {
		return c, cocoon.Invalid.Errorf("--config %s: %w", o.parameters, err)
	}
	return c, nil
}

type localnetStarted struct {
	NetworkFile string `json:"network_file"`
	Listen      string `json:"listen"`
	Faucet      string `json:"faucet"` // key file of a wallet full of coins
}

func runLocalnet(ctx context.Context, e *env, o localnetOptions) error {
	cfg, err := o.config(e)
	if err != nil {
		return err
	}
	file := e.networkFile("localnet")
	if err := refuseSecond(file); err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" { // blocks are made of short-lived cells: a tenth more of them for more memory
		debug.SetGCPercent(chainGCPercent)
	}
	c, err := localnet.Start(ctx, cfg)
	if err != nil {
		return fmt.Errorf("start localnet: %w", err)
	}
	defer c.Close()
	if err = c.Server().SetFaults(o.faults); err != nil {
		return cocoon.Invalid.Errorf("faults of the liteserver: %w", err)
	}
	faucet := e.keyFile("faucet")
	if err = replaceKey(faucet, c.FaucetKey()); err != nil {
		return err
	}
	if err = writeNetwork(file, c.GlobalConfig()); err != nil { // last: who sees it finds the rest
		return fmt.Errorf("write the network file: %w", err)
	}
	defer os.Remove(file)
	if err = e.show("localnet", localnetStarted{file, c.Addr(), faucet}, [2]string{"liteserver", c.Addr()}, [2]string{"network file", file}, [2]string{"faucet", faucet}); err != nil {
		return err
	}
	e.say("running; Ctrl-C stops it")
	<-ctx.Done()
	return nil
}

// replaceKey keeps a key whose coins are worth nothing; an older one goes.
func replaceKey(file string, key ed25519.PrivateKey) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return chain.SaveKey(file, key)
}

// writeNetwork keeps a chain's global.config.json with the name and the global
// id added: a wallet's address depends on the latter.
func writeNetwork(file string, config []byte) error {
	n, err := chain.ParseNetwork(config)
	if err != nil {
		return err
	}
	n.Name, n.GlobalID = "localnet", localnet.DefaultGlobalID
	if err = os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return n.Save(file)
}

// refuseSecond keeps one localnet a home: another would take its network file
// and its faucet. A file that a killed one left behind is no obstacle.
func refuseSecond(file string) error {
	n, err := chain.LoadNetwork(file)
	if err != nil {
		return nil
	}
	for _, l := range n.Liteservers {
		c, err := net.DialTimeout("tcp", l.Addr, time.Second)
		if err == nil {
			c.Close()
			return cocoon.WithHint(cocoon.Conflict.Errorf("a localnet of this home runs already, at %s", l.Addr), "stop it, or choose another folder with --home")
		}
	}
	return nil
}
