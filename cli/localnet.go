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
	"time"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
)

type localnetOptions struct {
	blockTime time.Duration
	listen    string
	seed      string
}

func newLocalnet(e *env) *cobra.Command {
	o := localnetOptions{}
	c := &cobra.Command{
		Use:   "localnet",
		Short: "Run a TON chain in this process, for any TON client",
		Long: `Runs a TON chain on loopback and writes its global.config.json, which any
client takes. Stops on Ctrl-C; nothing is kept.

Coins come from the faucet, a wallet of this home:

  cocoon wallet send --wallet faucet ADDRESS 100`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runLocalnet(c.Context(), e, o) },
	}
	c.Flags().DurationVar(&o.blockTime, "block-time", time.Second, "time between blocks; 0 makes one whenever a message arrives")
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:0", "address of the liteserver")
	c.Flags().StringVar(&o.seed, "seed", "localnet", "what the chain's keys are derived from")
	return c
}

type localnetStarted struct {
	NetworkFile string `json:"network_file"`
	Listen      string `json:"listen"`
	Faucet      string `json:"faucet"` // key file of a wallet full of coins
}

func runLocalnet(ctx context.Context, e *env, o localnetOptions) error {
	if o.blockTime < 0 {
		return cocoon.Invalid.Errorf("--block-time %s is negative", o.blockTime)
	}
	if err := checkListen("--listen", o.listen); err != nil {
		return err
	}
	file := e.networkFile("localnet")
	if err := refuseSecond(file); err != nil {
		return err
	}
	c, err := localnet.Start(ctx, localnet.Config{BlockTime: o.blockTime, Listen: o.listen, Seed: []byte(o.seed), Logger: e.log})
	if err != nil {
		return fmt.Errorf("start localnet: %w", err)
	}
	defer c.Close()
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
