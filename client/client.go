// Package client is the payer: it encrypts a batch, escrows its price on chain,
// grants the key to one worker that the chain proves to be registered, and
// opens and checks the result. It trusts the dispatcher with nothing but its
// patience: a lying one can delay a job, and not read, change or overcharge it.
package client

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Config says where a client keeps its secrets and whom it asks.
type Config struct {
	Dispatcher string         // base URL of its API
	Data       string         // folder of the secrets of jobs
	GlobalID   int32          // of the network
	Registry   cocoon.Account // whose market this is
	MaxBps     uint16         // most the dispatcher may take of what a job pays, in 1/10000
	MaxGrants  int            // most workers that one prompt is shown to, one after another refused

	Retry    time.Duration // between questions after one failed
	OpenTime time.Duration // that a job sent to the chain may take to appear there
}

// DefaultConfig has everything but addresses and the folder.
func DefaultConfig() Config {
	return Config{MaxBps: 500, MaxGrants: 3, Retry: 500 * time.Millisecond, OpenTime: 90 * time.Second}
}

// Validate reports what is missing or out of range.
func (c Config) Validate() error {
	switch {
	case c.Dispatcher == "" || c.Data == "":
		return cocoon.Invalid.Errorf("the client needs a dispatcher's URL and a folder for its secrets")
	case c.Registry.IsZero():
		return cocoon.Invalid.Errorf("the client needs the registry's address")
	case c.MaxBps > 10_000 || c.MaxGrants < 1 || c.Retry <= 0 || c.OpenTime <= 0:
		return cocoon.Invalid.Errorf("a share is at most 10000 bps, and a prompt is granted once at least")
	}
	return nil
}

// Deps are what a client works with.
type Deps struct {
	Chain  Chain
	Sender Sender
	HTTP   *http.Client
	Now    func() time.Time // for certificates
	Random io.Reader
	Logger *slog.Logger
}

// Client submits jobs and attends to them. It is safe for concurrent use.
type Client struct {
	cfg   Config
	deps  Deps
	log   *slog.Logger
	desk  *desk
	vault *vault

	mu   sync.Mutex
	busy map[cocoon.Account]bool // attended to
}

// New opens the folder of secrets.
func New(cfg Config, deps Deps) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.HTTP == nil {
		deps.HTTP = http.DefaultClient
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Random == nil {
		deps.Random = rand.Reader
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	v, err := openVault(cfg.Data)
	if err != nil {
		return nil, err
	}
	return &Client{cfg: cfg, deps: deps, log: deps.Logger, desk: &desk{cfg.Dispatcher, deps.HTTP}, vault: v, busy: map[cocoon.Account]bool{}}, nil
}

// Jobs are the jobs whose secrets are kept here, in no promised order.
func (c *Client) Jobs() ([]cocoon.Account, error) { return c.vault.list() }

// Status is the job's proven state. A job that was never opened is inert.
func (c *Client) Status(ctx context.Context, job cocoon.Account) (Job, error) {
	return c.deps.Chain.WaitJob(ctx, job, func(Job) bool { return true })
}

// Forget deletes the secrets of a job that is closed: its result can not be
// opened again afterwards.
func (c *Client) Forget(ctx context.Context, job cocoon.Account) error {
	j, err := c.Status(ctx, job)
	if err != nil {
		return err
	}
	if j.Phase != wrappers.JobClosed {
		return cocoon.Conflict.Errorf("job %s is %s: its secrets are needed", job, j.Phase)
	}
	return c.vault.forget(job)
}
