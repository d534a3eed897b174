// Package harness plays the whole market with its real parts, each party in a
// process of its own, and has them cheated, killed and cut off: what nobody may
// lose more of, whatever happens, is asserted all the while.
package harness

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/chain/bundle"
	"github.com/cocoon-network/cocoon/client/daemon"
	"github.com/cocoon-network/cocoon/client/money"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/indexer"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/worker"
	"github.com/cocoon-network/cocoon/worker/answer"
)

// partyFile names, in the environment, the file that says what a process is to be.
const partyFile = "COCOON_TEST_HARNESS_PARTY"

// TestMain is a party where it is started as one.
func TestMain(m *testing.M) {
	path := os.Getenv(partyFile)
	if path == "" {
		os.Exit(m.Run())
	}
	if err := play(path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// role is what a process is.
type role string

const (
	aDispatcher role = "dispatcher"
	aWorker     role = "worker"
	aDaemon     role = "daemon"
)

// party is one process. It is written for the process alone: keys are in it.
type party struct {
	Role     role           `json:"role"`
	Network  string         `json:"network"` // file of the chain's global config
	Registry cocoon.Account `json:"registry"`
	GlobalID int32          `json:"global_id"`
	Data     string         `json:"data"`
	Wallet   []byte         `json:"wallet"` // seed
	Caps     cocoon.Price   `json:"caps"`

	Rewards cocoon.Account `json:"rewards"` // dispatcher
	Home    cocoon.Account `json:"home"`    // the first dispatcher's
	Listen  string         `json:"listen"`
	Ledger  []byte         `json:"ledger"` // seed
	Period  uint32         `json:"period"`
	Free    cocoon.Nano    `json:"free"`

	Worker   []byte         `json:"worker"` // seeds; worker
	Operator []byte         `json:"operator"`
	Provider cocoon.Account `json:"provider"`
	Dial     string         `json:"dial"`
	Engine   string         `json:"engine"`
	MaxOwed  cocoon.Nano    `json:"max_owed"`

	Dispatchers []cocoon.Account `json:"dispatchers"` // daemon: home first
	CloseDelay  uint32           `json:"close_delay"`
	Deposit     cocoon.Nano      `json:"deposit"`
}

// figures are a party's books, as it says them.
type figures struct {
	URL      string                            `json:"url,omitempty"` // of a daemon's API
	Ready    bool                              `json:"ready"`
	Ledger   *ledger.Figures                   `json:"ledger,omitempty"`
	Channels map[cocoon.Account]money.Figures  `json:"channels,omitempty"` // a daemon's, by dispatcher
	Accounts map[cocoon.Account]cocoon.Account `json:"accounts,omitempty"` // of these channels
	Bills    []answer.Figures                  `json:"bills,omitempty"`
}

// play is a process's life: it says its figures for each line that it reads, and
// ends in peace when there are no more.
func play(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var p party
	if err = json.Unmarshal(raw, &p); err != nil {
		return err
	}
	if err = os.MkdirAll(p.Data, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(p.Data, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	lives := map[role]func(context.Context, party, *slog.Logger) (life, error){aDispatcher: runDispatcher, aWorker: runWorker, aDaemon: runDaemon}
	l, err := lives[p.Role](ctx, p, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { defer stop(); return l.run(ctx) })
	g.Go(func() error { defer stop(); return report(os.Stdin, os.Stdout, l.figures) })
	return g.Wait()
}

// life is a party that was opened.
type life struct {
	run     func(context.Context) error
	figures func() figures
}

func report(from io.Reader, to io.Writer, say func() figures) error {
	out := json.NewEncoder(to)
	if err := out.Encode(figures{}); err != nil { // it is there
		return err
	}
	for lines := bufio.NewScanner(from); lines.Scan(); {
		if err := out.Encode(say()); err != nil {
			return err
		}
	}
	return nil
}

func (p party) dial(ctx context.Context, log *slog.Logger) (*chain.Client, error) {
	raw, err := os.ReadFile(p.Network)
	if err != nil {
		return nil, err
	}
	n, err := chain.ParseNetwork(raw)
	if err != nil {
		return nil, err
	}
	return chain.Dial(ctx, n, chain.Options{Logger: log})
}

func (p party) wallet(c *chain.Client) (*chain.Wallet, error) {
	return chain.NewWallet(c, ed25519.NewKeyFromSeed(p.Wallet))
}

func runDispatcher(ctx context.Context, p party, log *slog.Logger) (l life, err error) {
	client, err := p.dial(ctx, log)
	if err != nil {
		return l, err
	}
	wallet, err := p.wallet(client)
	if err != nil {
		return l, err
	}
	index, err := indexer.Open(ctx, indexer.Config{Path: filepath.Join(p.Data, "index.db"), GlobalID: p.GlobalID, Registry: p.Registry, Chain: client, Logger: log,
		Prover: bundle.NewMaker(client), Skew: -1})
	if err != nil {
		return l, err
	}
	g, living := errgroup.WithContext(ctx)
	g.Go(func() error { return index.Run(living) })
	head, err := client.Head(ctx)
	if err == nil {
		err = index.WaitSeqno(living, head.SeqNo)
	}
	if err != nil {
		return l, err
	}
	cfg := dispatcher.DefaultConfig()
	cfg.Path, cfg.Blobs, cfg.GlobalID, cfg.Registry, cfg.Listen = filepath.Join(p.Data, "dispatcher.db"), filepath.Join(p.Data, "blobs"), p.GlobalID, p.Registry, p.Listen
	cfg.Payee, cfg.Bps = wallet.Account(), 200
	cfg.Keeper = dispatcher.KeeperConfig{Rewards: p.Rewards, Period: p.Period, MinUptime: 10_000}
	cfg.Ledger.Dir, cfg.Ledger.Keys, cfg.Ledger.CloseDelay = filepath.Join(p.Data, "ledger"), []crypto.Signer{ed25519.NewKeyFromSeed(p.Ledger)}, p.CloseDelay
	if !p.Free.IsZero() {
		cfg.Ledger.Free = p.Free
	}
	d, err := dispatcher.New(ctx, cfg, dispatcher.Deps{Feed: index, Index: index, Chain: client, Sender: wallet, Logger: log})
	if err != nil {
		return l, err
	}
	l.run = func(ctx context.Context) error {
		g.Go(func() error { return d.Run(ctx) })
		return g.Wait()
	}
	l.figures = func() figures {
		f := d.Figures()
		_, err := d.Book()
		return figures{Ready: err == nil, Ledger: &f}
	}
	return l, nil
}

func runWorker(ctx context.Context, p party, log *slog.Logger) (l life, err error) {
	client, err := p.dial(ctx, log)
	if err != nil {
		return l, err
	}
	clock, err := chain.NewClock(ctx, client, p.GlobalID)
	if err != nil {
		return l, err
	}
	cfg := worker.DefaultConfig()
	cfg.Key, cfg.Operator, cfg.Provider, cfg.GlobalID = ed25519.NewKeyFromSeed(p.Worker), ed25519.NewKeyFromSeed(p.Operator), p.Provider, p.GlobalID
	cfg.Dispatcher, cfg.Engine, cfg.Data, cfg.Heartbeat = p.Dial, p.Engine, p.Data, 500*time.Millisecond
	cfg.Answers.KeepAlive = 500 * time.Millisecond
	cfg.Answers.MaxOwed, cfg.Answers.Repeat, cfg.Answers.Refresh = p.MaxOwed, 500*time.Millisecond, 10*time.Second
	w, err := worker.New(cfg, worker.Deps{Chain: worker.Proven{Client: client}, Logger: log, Blocks: clock.Now})
	if err != nil {
		return l, err
	}
	l.run = func(ctx context.Context) error {
		go clock.Run(ctx, client, log)
		return w.Run(ctx)
	}
	l.figures = func() figures { return figures{Ready: true, Bills: w.Figures()} }
	return l, nil
}

func runDaemon(ctx context.Context, p party, log *slog.Logger) (l life, err error) {
	client, err := p.dial(ctx, log)
	if err != nil {
		return l, err
	}
	wallet, err := p.wallet(client)
	if err != nil {
		return l, err
	}
	cfg := daemon.DefaultConfig()
	cfg.Data, cfg.Tiers, cfg.API.Listen, cfg.API.Drain = p.Data, []attest.Tier{attest.TierOpen}, "127.0.0.1:0", 2*time.Second
	cfg.Channel.Dispatchers, cfg.Channel.CloseDelay, cfg.Channel.Interval = p.Dispatchers, time.Duration(p.CloseDelay)*time.Second, 500*time.Millisecond
	cfg.Channel.Deposit, cfg.Channel.Standby = p.Deposit, p.Deposit
	cfg.Session.Caps, cfg.Session.Silence, cfg.Session.Patience = p.Caps, 2*time.Second, 2*time.Second
	d, err := daemon.Open(ctx, cfg, daemon.Deps{Client: client, Registry: p.Registry, Sender: wallet, Logger: log})
	if err != nil {
		return l, err
	}
	url, err := d.Listen()
	if err != nil {
		return l, err
	}
	l.run = d.Run
	l.figures = func() figures {
		f := figures{URL: url, Channels: map[cocoon.Account]money.Figures{}, Accounts: map[cocoon.Account]cocoon.Account{}}
		soon, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		f.Ready = d.Ready(soon) == nil
		for _, c := range d.Channels() {
			f.Channels[c.Rewards], f.Accounts[c.Rewards] = c.Ledger.Figures(), c.Account
		}
		return f
	}
	return l, nil
}
