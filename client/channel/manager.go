package channel

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/money"
	"github.com/cocoon-network/cocoon/internal/filelock"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Channel is one that requests may be paid over.
type Channel struct {
	Account    cocoon.Account
	Rewards    cocoon.Account // of the dispatcher
	URL        string         // of the dispatcher, as the chain has it
	TLSKeyHash [32]byte       // as well
	Key        ed25519.PrivateKey
	Ledger     *money.Ledger
}

// Manager keeps channels. One process has a folder at a time.
type Manager struct {
	cfg  Config
	deps Deps
	desk wrappers.ChannelDesk
	lock *os.File

	tending sync.Mutex // held while the chain is asked and told
	mu      sync.Mutex
	book    *book
	open    map[cocoon.Account]*Channel // by account
	proven  map[cocoon.Account]time.Time
	looked  map[cocoon.Account]time.Time // when its dispatcher's endpoint was read
	usable  []*Channel
}

// Open reads the folder.
func Open(cfg Config, deps Deps) (_ *Manager, err error) {
	if err = cfg.Validate(); err != nil {
		return nil, err
	}
	if err = os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the folder of channels: %w", err)
	}
	m := &Manager{cfg: cfg, deps: deps, desk: wrappers.ChannelDesk{Chain: deps.Chain, GlobalID: cfg.GlobalID, Registry: cfg.Registry},
		open: map[cocoon.Account]*Channel{}, proven: map[cocoon.Account]time.Time{}, looked: map[cocoon.Account]time.Time{}}
	if m.lock, err = filelock.Take(filepath.Join(cfg.Dir, "lock")); err != nil {
		return nil, cocoon.WithHint(cocoon.Conflict.Errorf("open the folder of channels: %w", err), "another daemon runs there; give this one a folder of its own")
	}
	if m.book, err = openBook(cfg.Dir); err != nil {
		return nil, errors.Join(err, m.lock.Close())
	}
	return m, nil
}

// Close closes the books; channels stay as they are.
func (m *Manager) Close() error {
	m.tending.Lock()
	defer m.tending.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.lock.Close()
	for _, c := range m.open {
		err = errors.Join(err, c.Ledger.Close())
	}
	m.open, m.usable = map[cocoon.Account]*Channel{}, nil
	return err
}

// Usable are the channels that may be paid over now, in order of preference.
func (m *Manager) Usable() []*Channel {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.usable)
}

// Run looks after the channels until ctx ends.
func (m *Manager) Run(ctx context.Context) error {
	for tick := time.NewTicker(m.cfg.Interval); ; {
		if err := m.Tend(ctx); err != nil && ctx.Err() == nil {
			m.deps.Logger.Warn("channels not all looked after", "error", err)
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
		}
	}
}

// Tend looks at the chain once: it opens what is missing, tops up what is low, and
// goes on with what closes.
func (m *Manager) Tend(ctx context.Context) error {
	m.tending.Lock()
	defer m.tending.Unlock()
	var failed error
	var usable []*Channel
	for i, rewards := range m.cfg.Dispatchers {
		deposit := m.cfg.Standby
		if i == 0 {
			deposit = m.cfg.Deposit
		}
		c, err := m.keep(ctx, rewards, deposit)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("channel to dispatcher %s: %w", rewards, err))
		}
		if c != nil {
			usable = append(usable, c)
		}
	}
	for _, e := range m.book.Channels {
		if e.Phase == closing {
			if err := m.leave(ctx, e, nil); err != nil {
				failed = errors.Join(failed, fmt.Errorf("close channel %s: %w", e.account, err))
			}
		}
	}
	m.mu.Lock()
	m.usable = usable
	m.mu.Unlock()
	return failed
}

// keep is the channel to a dispatcher, nil while it cannot be used. An error may
// come with a channel.
func (m *Manager) keep(ctx context.Context, rewards cocoon.Account, deposit cocoon.Nano) (*Channel, error) {
	e := m.book.live(rewards)
	if e == nil {
		var err error
		if err = m.book.ended(rewards); err != nil {
			return nil, err
		}
		if e, err = m.plan(ctx, rewards); err != nil {
			return nil, err
		}
	}
	state, err := m.read(ctx, e)
	switch {
	case err != nil:
		return m.stale(e, err)
	case state == nil:
		return nil, m.found(ctx, e, deposit)
	case state.Closed || state.ClosesAt != 0:
		return nil, m.end(e, closing, "it is being closed on chain")
	}
	if e.Phase == opening {
		e.Phase, e.Sent = serving, nil
		if err = m.book.save(); err != nil {
			return nil, err
		}
		m.deps.Logger.Info("channel open", "channel", e.account)
	}
	c, err := m.channel(ctx, e)
	if err != nil {
		return nil, err
	}
	if used := c.Ledger.Figures().Used; state.Settled.Cmp(used) > 0 {
		return nil, errors.Join(m.end(e, closing, "its dispatcher settled more than was agreed"),
			cocoon.Forbidden.Errorf("the dispatcher of channel %s settled %s, agreed were %s", e.account, state.Settled, used))
	}
	return c, m.fund(ctx, e, c)
}
