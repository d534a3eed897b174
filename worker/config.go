package worker

import (
	"crypto/ed25519"
	"net/url"
	"strings"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/worker/answer"
)

// Config says who a worker is, where it dials and what it agrees to.
type Config struct {
	Key        ed25519.PrivateKey // W, the worker's key on chain
	Operator   ed25519.PrivateKey // the provider's operator, who accepts jobs
	Provider   cocoon.Account
	GlobalID   int32                     // of the network
	Dispatcher string                    // NATS URL; tls:// but on loopback
	Pin        cocoon.Account            // rewards contract that names the dispatcher's TLS key; zero: the system's roots vouch for it
	Payee      cocoon.Account            // the dispatcher's share of a job must go there; zero is anywhere
	Engine     string                    // base URL of an OpenAI-compatible engine, without /v1; "" where each model has its own
	Engines    map[cocoon.ModelID]string // base URLs of engines for one model each
	Data       string                    // folder for the jobs it has accepted

	Heartbeat time.Duration // between heartbeats
	Retry     time.Duration // first pause before anything is tried again; pauses grow to 30 times that
	Reserve   time.Duration // how long a slot is kept for a job it would take
	AcceptFor time.Duration // how long a signed acceptance stays valid, by the chain's clock
	Request   time.Duration // for one answer of dispatcher, chain or disk
	Answer    time.Duration // for one answer of the engine
	MinWork   time.Duration // jobs with less work time are refused
	MaxShare  uint16        // most that dispatcher and network may take together, in basis points

	Arbiters   []cocoon.Account // who may rule on a dispute; jobs without an arbiter are taken as well
	MinDefault uint16           // least that a dispute must pay where nobody rules, in basis points of the amount

	Answers answer.Config // of interactive requests; its first four fields are filled in
}

// DefaultConfig has everything but keys, accounts, addresses and the folder.
func DefaultConfig() Config {
	return Config{Heartbeat: 2 * time.Second, Retry: 200 * time.Millisecond, Reserve: 2 * time.Minute, AcceptFor: 2 * time.Minute,
		Request: 10 * time.Second, Answer: 10 * time.Minute, MinWork: 20 * time.Second, MaxShare: 1000, MinDefault: 5000,
		Answers: answer.DefaultConfig()}
}

// Validate says what is missing or cannot work.
func (c Config) Validate() error {
	if len(c.Key) != ed25519.PrivateKeySize || len(c.Operator) != ed25519.PrivateKeySize {
		return cocoon.Invalid.Errorf("a worker needs its own key and the operator's")
	}
	if c.Provider.IsZero() || c.GlobalID == 0 {
		return cocoon.Invalid.Errorf("a worker needs the account of its provider and the network's global id")
	}
	if c.Data == "" {
		return cocoon.Invalid.Errorf("a worker needs a folder for the jobs it accepts")
	}
	if c.Heartbeat <= 0 || c.Retry <= 0 || c.Reserve <= 0 || c.AcceptFor < time.Second || c.Request <= 0 || c.Answer <= 0 || c.MinWork < 0 {
		return cocoon.Invalid.Errorf("a worker's durations are above zero, and an acceptance is valid for a second at least")
	}
	if c.MaxShare > 10_000 {
		return cocoon.Invalid.Errorf("a share of %d basis points is more than everything", c.MaxShare)
	}
	if c.MinDefault > 10_000 {
		return cocoon.Invalid.Errorf("a default of %d basis points is more than everything", c.MinDefault)
	}
	if err := checkURL("dispatcher", c.Dispatcher, "nats", "tls", "ws", "wss"); err != nil {
		return err
	}
	if u, err := url.Parse(c.Dispatcher); err == nil && !bus.Secured(u) && !bus.Loopback(u.Hostname()) {
		return cocoon.WithHint(cocoon.Forbidden.Errorf("dispatcher %q is reached without TLS", c.Dispatcher), "its URL begins with tls:// but on this machine")
	}
	for _, url := range c.Engines {
		if err := checkURL("engine", url, "http", "https"); err != nil {
			return err
		}
	}
	if c.Engine == "" && len(c.Engines) > 0 {
		return nil
	}
	return checkURL("engine", c.Engine, "http", "https")
}

// engineOf is the base URL of the engine that answers for a model, "" where none does.
func (c Config) engineOf(model cocoon.ModelID) string {
	if url, own := c.Engines[model]; own {
		return strings.TrimRight(url, "/")
	}
	return strings.TrimRight(c.Engine, "/")
}

func checkURL(what, text string, schemes ...string) error {
	u, err := url.Parse(text)
	if err == nil && u.Host != "" {
		for _, s := range schemes {
			if u.Scheme == s {
				return nil
			}
		}
	}
	return cocoon.Invalid.Errorf("%s %q is not a URL of %v", what, text, schemes)
}
