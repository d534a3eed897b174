package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// model is the one that is asked, at prices in nanoTON for 10^6 tokens: low ones,
// so that what a new channel is trusted with holds 64 requests at a time.
const (
	model  = "cocoon/benchmark"
	prices = "5000000/20000000"
)

// workers are as many as a prompt is encrypted to.
const workers = 3

// bench is all that runs, and where it is reached.
type bench struct {
	o         options
	self      string // this program
	home      string
	processes []*process

	rewards, nats, key    string // the dispatcher's contract and address; the daemon's API key
	engine, proxy, daemon string // URLs
	load, keeper          *process
	keeperKey             string
	path, crew, hops      []*process // dispatcher and daemon; workers; proxies
}

// open makes a market on a chain of its own and starts everybody.
func open(ctx context.Context, o options) (b *bench, err error) {
	b = &bench{o: o}
	if b.self, err = os.Executable(); err != nil {
		return b, err
	}
	if b.home, err = os.MkdirTemp("", "bench-stream"); err != nil {
		return b, err
	}
	if err = b.found(ctx); err != nil {
		return b, err
	}
	note("market: a registry, a dispatcher and a provider of %d workers are on chain", workers)
	if err = b.serve(ctx); err != nil {
		return b, err
	}
	note("processes: daemon, dispatcher, %d workers and engine; %d proxies", workers, len(b.hops))
	return b, nil
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
		if err := b.cocoon(ctx, &w, "wallet", "new", "--name", name); err != nil {
			return err
		}
		if err := b.cocoon(ctx, nil, "wallet", "send", "--wallet", "faucet", w.Address, "500"); err != nil {
			return err
		}
	}
	address, err := free()
	if err != nil {
		return err
	}
	b.nats = "nats://" + address
	steps := [][]string{{"network", "deploy", "--model", model}, {"dispatcher", "init"}, {"dispatcher", "bond", "20"}, {"dispatcher", "key"},
		{"dispatcher", "endpoint", b.nats, "--tls-key-hash", strings.Repeat("0", 64)},
		{"provider", "stake", "20"}, {"provider", "operator", "--allowance", "5"}, {"provider", "top-up", "2"}}
	for i := range workers {
		steps = append(steps, []string{"provider", "register", "--worker-key", fmt.Sprint("worker", i), "--gpu", "none", "--vram", "1", "--concurrency", "1024", "--model", model + "=" + prices})
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

// free is an address on loopback that nobody listens on.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
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
	dispatcher, err := b.start("dispatcher", &struct{}{}, "cocoon", "serve", "--api", "127.0.0.1:0", "--listen", strings.TrimPrefix(b.nats, "nats://"), "--json")
	if err != nil {
		return err
	}
	if err = b.startWorkers(defaultWindow); err != nil {
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

// defaultWindow leaves the window of workers as it is.
const defaultWindow = -1

func (b *bench) startWorkers(window time.Duration) error {
	for i := range workers {
		args := []string{"cocoon", "worker", "run", "--worker-key", fmt.Sprint("worker", i), "--dispatcher", b.nats, "--engine", b.engine + "/v1", "--json"}
		if window != defaultWindow {
			args = append(args, "--window", window.String())
		}
		w, err := b.start(fmt.Sprint("worker ", i), &struct{}{}, args...)
		if err != nil {
			return err
		}
		b.crew = append(b.crew, w)
	}
	return nil
}

// restartWorkers has them hold tokens back for another time.
func (b *bench) restartWorkers(window time.Duration) error {
	for _, w := range b.crew {
		for i, p := range b.processes {
			if p == w {
				b.processes = append(b.processes[:i], b.processes[i+1:]...)
				break
			}
		}
		if err := w.halt(); err != nil {
			return err
		}
	}
	b.crew = nil
	return b.startWorkers(window)
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
	p, err = b.start("daemon", &up, "cocoon", "client", "run", "--data", data, "--wallet", "app", "--listen", "127.0.0.1:0", "--dispatcher", b.rewards, "--tier", "open", "--json")
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
