package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/client"
	"github.com/cocoon-network/cocoon/client/daemon"
	"github.com/cocoon-network/cocoon/protocol/attest"
)

// serveKeeper does turns as a Go program would that keeps the daemon within: over
// client.Transport, without a socket in between. Arguments are the home, its
// wallet, the daemon's folder and the dispatcher.
func serveKeeper(ctx context.Context, args []string) error {
	home, wallet, data := args[0], args[1], args[2]
	rewards, err := cocoon.ParseAccount(args[3])
	if err != nil {
		return err
	}
	n, err := chain.LoadNetwork(filepath.Join(home, "networks", "localnet.json"))
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	c, err := chain.Dial(ctx, n, chain.Options{Logger: log})
	if err != nil {
		return err
	}
	defer c.Close()
	key, err := chain.LoadKey(filepath.Join(home, "keys", wallet+".key"))
	if err != nil {
		return err
	}
	w, err := chain.NewWallet(c, key)
	if err != nil {
		return err
	}
	cfg := daemon.DefaultConfig()
	cfg.Data, cfg.Tiers, cfg.Channel.Dispatchers = data, []attest.Tier{attest.TierSimulated}, []cocoon.Account{rewards}
	cfg.Session.Caps = cocoon.Price{Prompt: cocoon.TON(1), Cached: cocoon.TON(1), Completion: cocoon.TON(1), Reasoning: cocoon.TON(1)}
	d, err := daemon.Open(ctx, cfg, daemon.Deps{Client: c, Registry: n.Registry, Sender: w, Logger: log})
	if err != nil {
		return err
	}
	g, keeping := errgroup.WithContext(ctx)
	keeping, stop := context.WithCancel(keeping)
	g.Go(func() error { return d.Keep(keeping) })
	g.Go(func() error {
		defer stop()
		if err := d.Ready(keeping); err != nil {
			return fmt.Errorf("open a channel: %w", err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(served{"http://localhost/v1"}); err != nil {
			return err
		}
		return turns(keeping, &http.Client{Transport: client.Transport{Handler: d.Handler()}})
	})
	return g.Wait()
}
