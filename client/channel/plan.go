package channel

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/money"
	"github.com/cocoon-network/cocoon/client/trust"
	"github.com/cocoon-network/cocoon/wrappers"
)

// plan writes down a channel before anybody hears of it.
func (m *Manager) plan(ctx context.Context, rewards cocoon.Account) (*entry, error) {
	d, err := m.dispatcher(ctx, rewards)
	if err != nil {
		return nil, err
	}
	var random [40]byte
	_, _ = rand.Read(random[:]) // it never fails
	seed := random[:32]
	birth := wrappers.ChannelBirth{Client: m.deps.Sender.Account(), ClientKey: wrappers.PublicKey(ed25519.NewKeyFromSeed(seed)), Rewards: rewards,
		DispatcherKey: d.Keys.Of(d.Number), CloseDelay: uint32(m.cfg.CloseDelay / time.Second), Salt: binary.BigEndian.Uint64(random[32:])}
	if err = birth.Validate(); err != nil {
		return nil, err
	}
	e := &entry{Birth: birth, Seed: seed, Phase: opening}
	if e.account, err = birth.Account(); err != nil {
		return nil, err
	}
	m.book.Channels = append(m.book.Channels, e)
	return e, m.book.save()
}

// dispatcher is the proven state of a dispatcher that says where it is, and who
// signs for it.
func (m *Manager) dispatcher(ctx context.Context, rewards cocoon.Account) (wrappers.Rewards, error) {
	d, err := m.desk.MayPay(ctx, rewards)
	switch {
	case err != nil:
		return d, err
	case d.Keys.Of(d.Number) == [32]byte{} || d.Keys.Endpoint == nil:
		return d, cocoon.WithHint(cocoon.Conflict.Errorf("dispatcher %s has no receipt key or no endpoint on chain", rewards), "its operator sets both before it can be paid")
	}
	return d, nil
}

// channel opens the books of a channel. Where its dispatcher is, and under which
// TLS key, is read anew from time to time: both may change.
func (m *Manager) channel(ctx context.Context, e *entry) (*Channel, error) {
	m.mu.Lock()
	c, looked := m.open[e.account], m.looked[e.account]
	m.mu.Unlock()
	if c != nil && m.deps.Now().Sub(looked) < trust.FreshProof {
		return c, nil
	}
	d, err := m.dispatcher(ctx, e.Birth.Rewards)
	if err != nil {
		if c != nil {
			m.deps.Logger.Warn("cannot prove where a dispatcher is, going by what was proven", "channel", e.account, "error", err)
			return c, nil
		}
		return nil, err
	}
	if c == nil {
		c = &Channel{Account: e.account, Rewards: e.Birth.Rewards, Key: ed25519.NewKeyFromSeed(e.Seed)}
		if c.Ledger, err = money.Open(money.Config{Dir: filepath.Join(m.cfg.Dir, fmt.Sprintf("%x", e.account[:])), GlobalID: m.cfg.GlobalID, Channel: e.account, Key: c.Key, Now: m.deps.Now}); err != nil {
			return nil, err
		}
	}
	fresh := *c // others hold c
	fresh.URL, fresh.TLSKeyHash = string(d.Keys.Endpoint.URL), d.Keys.Endpoint.TLSKeyHash
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open[e.account], m.looked[e.account] = &fresh, m.deps.Now()
	return &fresh, nil
}
