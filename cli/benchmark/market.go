package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/internal/freeport"
)

// prices are in nanoTON for 10^6 tokens: low ones, so that what a new channel is
// trusted with holds 64 requests at a time.
const prices = "5000000/20000000"

// workers of a crew are as many as a prompt is encrypted to.
const workers = 3

// crew serves a model; crews differ in how long they hold tokens back.
type crew struct {
	model     string
	arguments []string
}

var (
	windowed  = crew{"cocoon/benchmark", nil} // as workers do who are told nothing
	immediate = crew{"cocoon/benchmark-prompt", []string{"--window", "0s"}}
	crews     = []crew{windowed, immediate}
)

func (c crew) key(worker int) string { return fmt.Sprintf("%s-%d", path.Base(c.model), worker) }

// bench is all that runs, and where it is reached.
type bench struct {
	o         options
	self      string // this program
	home      string
	processes []*process

	rewards, nats, key    string // the dispatcher's contract and address; the daemon's API key
	engine, proxy, daemon string // URLs
	bareURL               string // of the bare daemon
	load, keeper          *process
	keeperKey             string
	path, hops, bare      []*process            // dispatcher and daemon; proxies; the bare side
	crew                  map[string][]*process // workers, by model
}

// open makes a market on a chain of its own and starts everybody.
func open(ctx context.Context, o options) (b *bench, err error) {
	b = &bench{o: o, crew: map[string][]*process{}}
	if b.self, err = os.Executable(); err != nil {
		return b, err
	}
	if b.home, err = os.MkdirTemp("", "bench-stream"); err != nil {
		return b, err
	}
	if err = b.found(ctx); err != nil {
		return b, err
	}
	note("market: a registry, a dispatcher and a provider of %d workers are on chain", workers*len(crews))
	if err = b.serve(ctx); err != nil {
		return b, err
	}
	note("processes: daemon, dispatcher, %d workers for each of %d models, and engine; %d proxies", workers, len(crews), len(b.hops))
	return b, b.await(ctx)
}

// found does by cocoon's commands what the parties of a market do first.
func (b *bench) found(ctx context.Context) error {
	if _, err := b.start("chain", &struct{}{}, "cocoon", "localnet", "--block-time", b.o.blockTime.String(), "--json"); err != nil {
		return err
	}
	for _, name := range []string{"wallet", "app", "program"} {
		var w struct {
			Address string `json:"address"`
		}
		_, key, err := ed25519.GenerateKey(nil)
		if err == nil {
			err = chain.SaveKey(filepath.Join(b.home, "keys", name+".key"), key) // 24 words take long to read, by every command
		}
		if err == nil {
			err = b.cocoon(ctx, &w, "wallet", "address", "--wallet", name)
		}
		if err != nil {
			return err
		}
		if err := b.cocoon(ctx, nil, "wallet", "send", "--wallet", "faucet", w.Address, "500"); err != nil {
			return err
		}
	}
	address, err := freeport.Loopback()
	if err != nil {
		return err
	}
	b.nats = "nats://" + address
	steps := [][]string{{"network", "deploy", "--model", windowed.model, "--model", immediate.model}, {"dispatcher", "init"}, {"dispatcher", "bond", "20"}, {"dispatcher", "key"},
		{"dispatcher", "endpoint", b.nats, "--tls-key-hash", strings.Repeat("0", 64)},
		{"provider", "stake", "20"}, {"provider", "operator", "--allowance", "5"}, {"provider", "top-up", "2"}}
	for _, c := range crews {
		for i := range workers {
			steps = append(steps, []string{"provider", "register", "--worker-key", c.key(i), "--gpu", "none", "--vram", "1", "--concurrency", "1024", "--model", c.model + "=" + prices})
		}
	}
	for _, args := range steps {
		if err = b.cocoon(ctx, nil, args...); err != nil {
			return err
		}
	}
	var status struct {
		Account string `json:"account"`
	}
	err = b.cocoon(ctx, &status, "dispatcher", "status")
	b.rewards = status.Account
	return err
}

// serve starts everybody.
func (b *bench) serve(ctx context.Context) error {
	var up served
	if _, err := b.start("engine", &up, "engine"); err != nil {
		return err
	}
	b.engine, b.proxy = up.URL, up.URL
	for range 3 { // daemon, dispatcher and worker are three hops
		p, err := b.start("proxy", &up, "proxy", b.proxy)
		if err != nil {
			return err
		}
		b.hops, b.proxy = append(b.hops, p), up.URL
	}
	if err := b.startBare(); err != nil {
		return err
	}
	dispatcher, err := b.start("dispatcher", &struct{}{}, "cocoon", "serve", "--api", "127.0.0.1:0", "--listen", strings.TrimPrefix(b.nats, "nats://"), "--json")
	if err != nil {
		return err
	}
	if err = b.startWorkers(); err != nil {
		return err
	}
	b.path = append(b.path, dispatcher)
	daemon, err := b.startDaemon(ctx)
	if err != nil {
		return err
	}
	b.path = append(b.path, daemon)
	if b.load, err = b.start("load generator", &struct{}{}, "load"); err != nil {
		return err
	}
	return b.startKeeper(ctx)
}

func (b *bench) startBare() error {
	var bus, daemon served
	add := func(up any, args ...string) error {
		p, err := b.start(args[0], up, args...)
		b.bare = append(b.bare, p)
		return err
	}
	err := add(&bus, "bare-dispatcher")
	if err == nil {
		err = add(&struct{}{}, "bare-worker", bus.URL, b.engine)
	}
	if err == nil {
		err = add(&daemon, "bare-daemon", bus.URL)
	}
	b.bareURL = daemon.URL
	return err
}

func (b *bench) startWorkers() error {
	for _, c := range crews {
		for i := range workers {
			args := append([]string{"cocoon", "worker", "run", "--worker-key", c.key(i), "--dispatcher", b.nats, "--engine", b.engine + "/v1", "--json"}, c.arguments...)
			w, err := b.start(fmt.Sprint("worker ", i), &struct{}{}, args...)
			if err != nil {
				return err
			}
			b.crew[c.model] = append(b.crew[c.model], w)
		}
	}
	return nil
}

// await asks until every way to every model leads somewhere.
func (b *bench) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for _, c := range crews {
		for _, s := range b.sides(c) {
			for {
				_, err := s.play(turn{Streams: 1, Tokens: 2, Model: c.model})
				if err == nil {
					break
				}
				select {
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
					return fmt.Errorf("nobody answers: %w", err)
				}
			}
		}
	}
	return nil
}

// newKey makes the folder of a daemon with an API key.
func (b *bench) newKey(ctx context.Context, name string) (data, key string, err error) {
	var made struct {
		Key string `json:"api_key"`
	}
	data = filepath.Join(b.home, name)
	err = b.cocoon(ctx, &made, "client", "init", "--data", data)
	return data, made.Key, err
}

func (b *bench) startDaemon(ctx context.Context) (p *process, err error) {
	data, key, err := b.newKey(ctx, "daemon")
	if err != nil {
		return nil, err
	}
	var up struct {
		URL string `json:"base_url"`
	}
	p, err = b.start("daemon", &up, "cocoon", "client", "run", "--data", data, "--wallet", "app", "--listen", "127.0.0.1:0", "--dispatcher", b.rewards, "--json")
	b.daemon, b.key = up.URL, key
	return p, err
}

func (b *bench) startKeeper(ctx context.Context) error {
	data, key, err := b.newKey(ctx, "keeper")
	if err != nil {
		return err
	}
	b.keeperKey = key
	b.keeper, err = b.start("program", &served{}, "keeper", b.home, "program", data, b.rewards)
	return err
}
