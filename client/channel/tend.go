package channel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/client/trust"
	"github.com/cocoon-network/cocoon/wrappers"
)

// read is a channel's proven state, nil where it is not there yet.
func (m *Manager) read(ctx context.Context, e *entry) (*wrappers.Channel, error) {
	acc, err := m.deps.Chain.Account(ctx, e.account)
	if err != nil {
		return nil, err
	}
	at, err := m.deps.Chain.Time(ctx, acc.Block)
	if err != nil {
		return nil, err
	}
	if m.deps.Now().Sub(at) >= trust.MaxProof {
		return nil, cocoon.Unreachable.Errorf("what is proven of channel %s is of %s", e.account, at.UTC().Format(time.RFC3339))
	}
	m.mu.Lock()
	m.proven[e.account] = at
	m.mu.Unlock()
	if acc.Data == nil {
		return nil, nil //nolint:nilnil // nothing is there, as is proven
	}
	s, err := wrappers.DecodeChannel(acc.Data)
	if err != nil {
		return nil, err
	}
	if s.Birth != e.Birth {
		return nil, cocoon.Internal.Errorf("the contract at %s has another birth than its address says", e.account)
	}
	return &s, nil
}

// stale lets a channel be used on what was proven before, for a while.
func (m *Manager) stale(e *entry, err error) (*Channel, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.open[e.account]
	if c != nil && m.deps.Now().Sub(m.proven[e.account]) >= trust.MaxProof {
		c.Ledger.SetDeposit(cocoon.Nano{}) // nothing is known, so nothing is signed
		c = nil
	}
	return c, err
}

// found deploys a channel with its first deposit, at most once at a time: what was
// sent before arrives, or has expired.
func (m *Manager) found(ctx context.Context, e *entry, deposit cocoon.Nano) error {
	if m.waiting(e) {
		return cocoon.Unreachable.Errorf("channel %s is being opened", e.account)
	}
	msg, err := m.desk.Open(ctx, e.Birth, deposit, m.cfg.Model, m.cfg.Tokens)
	if err != nil {
		return err
	}
	return m.send(ctx, e, intent{What: "open", Amount: deposit}, msg)
}

// waiting reports whether the last message may still arrive.
func (m *Manager) waiting(e *entry) bool {
	return e.Sent != nil && m.deps.Now().Sub(e.Sent.At) < inFlight
}

// fund tells the books what the channel can pay, and tops it up where it is low.
func (m *Manager) fund(ctx context.Context, e *entry, c *Channel) error {
	deposit, err := m.deposit(ctx, e)
	if err != nil {
		return err
	}
	c.Ledger.SetDeposit(deposit)
	f := c.Ledger.Figures()
	left := deposit
	for _, gone := range []cocoon.Nano{f.Used, f.Reserved} {
		if left, err = left.Sub(gone); err != nil {
			left = cocoon.Nano{}
		}
	}
	if e.Sent != nil {
		arrived, err := e.Sent.arrived(deposit)
		if err != nil || m.waiting(e) && !arrived {
			return err
		}
		e.Sent = nil
		if err = m.book.save(); err != nil {
			return err
		}
	}
	if left.Cmp(m.cfg.Low) >= 0 {
		return nil
	}
	unspent, err := deposit.Sub(f.Used)
	if err != nil {
		unspent = cocoon.Nano{}
	}
	if unspent, err = unspent.Add(m.cfg.TopUp); err != nil || unspent.Cmp(m.cfg.MaxDeposit) > 0 {
		return err // as much as it may hold is in it, for requests that run
	}
	msg, err := m.desk.TopUp(ctx, e.account, m.cfg.TopUp)
	if err != nil {
		return err
	}
	return m.send(ctx, e, intent{What: "top up", Amount: m.cfg.TopUp, Before: deposit}, msg)
}

// arrived reports whether the amount is in what a channel was given.
func (i *intent) arrived(deposit cocoon.Nano) (bool, error) {
	due, err := i.Before.Add(i.Amount)
	if err == nil {
		due, err = due.MulDiv(99, 100) // gas, and rent
	}
	return err == nil && deposit.Cmp(due) >= 0, err
}

// deposit is what the contract has paid and can pay, since its birth. What is
// settled between the two readings counts for too little, never for too much.
func (m *Manager) deposit(ctx context.Context, e *entry) (cocoon.Nano, error) {
	state, err := m.read(ctx, e)
	if err != nil {
		return cocoon.Nano{}, err
	}
	if state == nil {
		return cocoon.Nano{}, cocoon.NotFound.Errorf("channel %s is gone", e.account)
	}
	free, err := wrappers.GetChannelFree(ctx, m.deps.Chain, e.account)
	if err != nil {
		return cocoon.Nano{}, err
	}
	return state.Settled.Add(free)
}

// send writes down what is about to leave the wallet, and lets it. What did not
// leave is struck out.
func (m *Manager) send(ctx context.Context, e *entry, i intent, msg chain.Message) error {
	now := m.deps.Now()
	if err := m.book.mayLeave(i.Amount, m.cfg.Daily, now); err != nil {
		return err
	}
	i.At = now
	e.Sent = &i
	if !i.Amount.IsZero() {
		m.book.Spent = append(m.book.Spent, spend{now, i.Amount})
	}
	if err := m.book.save(); err != nil {
		return err
	}
	_, err := m.deps.Sender.Send(ctx, msg)
	if err == nil {
		m.deps.Logger.Info("sent to channel", "channel", e.account, "what", i.What, "amount_nano", i.Amount.Text())
		return nil
	}
	err = fmt.Errorf("%s: %w", i.What, err)
	if errors.Is(err, chain.ErrOutcomeUnknown) {
		return err
	}
	e.Sent = nil
	if !i.Amount.IsZero() {
		m.book.Spent = m.book.Spent[:len(m.book.Spent)-1]
	}
	return errors.Join(err, m.book.save())
}
