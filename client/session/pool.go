package session

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/channel"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Homes are the channels that requests may be paid over, as channel.Manager has them.
type Homes interface {
	Usable() []*channel.Channel // in order of preference
	// Ban ends the channel to a dispatcher that lied.
	Ban(ctx context.Context, rewards cocoon.Account, reason string) error
}

// Registry reads which models may be asked. What it reads is proven.
type Registry interface {
	// Registry is the registry's state, and the time of its block in unix seconds.
	Registry(ctx context.Context) (wrappers.Registry, uint32, error)
}

// Pool is an api.Backend over a session with each dispatcher: the first that can
// be used has all requests, and where it is gone, or lies, the next.
type Pool struct {
	cfg      Config // of every session; whom and which channel it does not say
	deps     Deps   // as well
	homes    Homes
	registry Registry
	clock    func() time.Time // by which the age of proofs is judged

	mu       sync.Mutex
	sessions map[cocoon.Account]*Session // by channel
	order    []cocoon.Account
	models   []api.Model
	names    map[string]bool
	proven   time.Time
}

var _ api.Backend = (*Pool)(nil)

// NewPool has no sessions until Run. The age of proofs is judged by clock, as a
// chain.Clock is one.
func NewPool(cfg Config, deps Deps, homes Homes, registry Registry, clock func() time.Time) *Pool {
	return &Pool{cfg: cfg, deps: deps, homes: homes, registry: registry, clock: clock, sessions: map[cocoon.Account]*Session{}}
}

// Run keeps a session over every usable channel until ctx ends.
func (p *Pool) Run(ctx context.Context) error {
	for tick := time.NewTicker(time.Second); ; {
		p.Sync(ctx)
		select {
		case <-ctx.Done():
			tick.Stop()
			p.mu.Lock()
			defer p.mu.Unlock()
			var err error
			for _, s := range p.sessions {
				err = errors.Join(err, s.Close())
			}
			p.sessions, p.order = map[cocoon.Account]*Session{}, nil
			return err
		case <-tick.C:
		}
	}
}

// Sync opens and closes sessions as channels come and go. A dispatcher that lied
// is banned. One call at a time.
func (p *Pool) Sync(ctx context.Context) {
	usable := p.homes.Usable()
	var order []cocoon.Account
	for _, c := range usable {
		order = append(order, c.Account)
	}
	p.mu.Lock()
	p.order = order
	p.mu.Unlock()
	var opening sync.WaitGroup
	for _, c := range usable {
		p.mu.Lock()
		s := p.sessions[c.Account]
		p.mu.Unlock()
		if s == nil {
			opening.Go(func() { p.open(ctx, c) }) // one that is silent keeps nobody waiting
			continue
		}
		if gone, _ := s.Err(); gone != nil && (s.cfg.URL != c.URL || s.cfg.TLSKeyHash != c.TLSKeyHash) { // its dispatcher has moved
			p.leave(s)
			opening.Go(func() { p.open(ctx, c) })
			continue
		}
		if err, final := s.Err(); final && cocoon.KindOf(err) == cocoon.Forbidden {
			p.ban(ctx, c, err)
		}
	}
	opening.Wait()
	p.mu.Lock()
	var gone []*Session
	for a, s := range p.sessions {
		if !slices.Contains(order, a) {
			gone = append(gone, s)
			delete(p.sessions, a)
		}
	}
	p.mu.Unlock()
	for _, s := range gone {
		p.leave(s)
	}
}

func (p *Pool) leave(s *Session) {
	if err := s.Close(); err != nil {
		p.deps.Logger.Warn("session not closed", "error", err)
	}
}

func (p *Pool) open(ctx context.Context, c *channel.Channel) {
	cfg, deps := p.cfg, p.deps
	cfg.Rewards, cfg.Channel, cfg.URL, cfg.TLSKeyHash = c.Rewards, c.Account, c.URL, c.TLSKeyHash
	deps.Ledger, deps.Key = c.Ledger, c.Key
	s, err := Open(ctx, cfg, deps)
	if err != nil {
		p.deps.Logger.Warn("dispatcher not reached", "channel", c.Account, "error", err)
		if cocoon.KindOf(err) == cocoon.Forbidden {
			p.ban(ctx, c, err)
		}
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions[c.Account] = s
}

func (p *Pool) ban(ctx context.Context, c *channel.Channel, why error) {
	if err := p.homes.Ban(ctx, c.Rewards, why.Error()); err != nil {
		p.deps.Logger.Warn("channel not closed", "channel", c.Account, "error", err)
	}
}

// ready are the sessions in order of preference.
func (p *Pool) ready() (all []*Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.order {
		if s := p.sessions[a]; s != nil {
			all = append(all, s)
		}
	}
	return all
}

var errNobody = cocoon.Unreachable.Errorf("no dispatcher is reached over a channel that is open")

// Reserve is the most that r may cost at the first dispatcher that can be used.
func (p *Pool) Reserve(ctx context.Context, r api.Request) (cocoon.Nano, error) {
	if err := p.listed(ctx, r.Model); err != nil {
		return cocoon.Nano{}, err
	}
	all := p.ready()
	if len(all) == 0 {
		return cocoon.Nano{}, errNobody
	}
	return all[0].Reserve(ctx, r)
}

// Ready tells whether a dispatcher would be asked now.
func (p *Pool) Ready() bool {
	for _, s := range p.ready() {
		if gone, _ := s.Err(); gone == nil {
			return true
		}
	}
	return false
}
