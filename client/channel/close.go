package channel

import (
	"context"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Leave closes the channel to a dispatcher: what no voucher takes comes back to the
// wallet after the close delay, by Tend.
func (m *Manager) Leave(ctx context.Context, rewards cocoon.Account) error {
	m.tending.Lock()
	defer m.tending.Unlock()
	e := m.book.live(rewards)
	if e == nil {
		return cocoon.NotFound.Errorf("there is no open channel to dispatcher %s", rewards)
	}
	if err := m.end(e, closing, "its owner asked for it"); err != nil {
		return err
	}
	return m.leave(ctx, e)
}

// Left is Leave, or goes on with a close that was asked for before; it reports
// whether no channel to the dispatcher is left.
func (m *Manager) Left(ctx context.Context, rewards cocoon.Account) (bool, error) {
	err := m.Leave(ctx, rewards)
	if cocoon.KindOf(err) == cocoon.NotFound {
		err = nil
	}
	m.tending.Lock()
	defer m.tending.Unlock()
	left := true
	for _, e := range m.book.Channels {
		if err != nil || e.Birth.Rewards != rewards || e.Phase == closed {
			continue
		}
		if e.Phase == closing {
			err = m.leave(ctx, e)
		}
		left = left && e.Phase == closed
	}
	return left, err
}

// Ban ends the channel to a dispatcher that lied.
func (m *Manager) Ban(ctx context.Context, rewards cocoon.Account, reason string) error {
	m.tending.Lock()
	defer m.tending.Unlock()
	e := m.book.live(rewards)
	if e == nil {
		return nil
	}
	if err := m.end(e, closing, reason); err != nil {
		return err
	}
	return m.leave(ctx, e)
}

// Forget lets a new channel be opened to a dispatcher, once those before are closed.
func (m *Manager) Forget(rewards cocoon.Account) error {
	m.tending.Lock()
	defer m.tending.Unlock()
	kept := m.book.Channels[:0:0]
	for _, e := range m.book.Channels {
		if e.Birth.Rewards != rewards {
			kept = append(kept, e)
		} else if e.Phase != closed {
			return cocoon.Conflict.Errorf("channel %s is not closed yet", e.account)
		}
	}
	m.book.Channels = kept
	return m.book.save()
}

// end writes down that a channel is not used any more.
func (m *Manager) end(e *entry, to phase, reason string) error {
	e.Phase, e.Reason = to, reason
	m.mu.Lock()
	kept := m.usable[:0:0]
	for _, c := range m.usable {
		if c.Account != e.account {
			kept = append(kept, c)
		}
	}
	m.usable = kept
	m.mu.Unlock()
	m.deps.Logger.Warn("channel ends", "channel", e.account, "phase", string(to), "reason", reason)
	return m.book.save()
}

// leave takes the next step of closing.
func (m *Manager) leave(ctx context.Context, e *entry) error {
	state, err := m.read(ctx, e)
	switch {
	case err != nil:
		return err
	case state == nil && m.waiting(e):
		return nil // it may be opened yet
	case state == nil || state.Closed:
		return m.end(e, closed, e.Reason)
	}
	if under, err := m.underWay(ctx, e, state); under || err != nil {
		return err
	}
	var msg chain.Message
	what := "request close"
	if state.ClosesAt == 0 {
		msg, err = m.desk.RequestClose(ctx, e.account)
	} else {
		m.mu.Lock()
		now := m.proven[e.account]
		m.mu.Unlock()
		if uint32(now.Unix()) < state.ClosesAt {
			return nil
		}
		what = "finish"
		msg, err = m.desk.Finish(ctx, e.account, m.deps.Sender.Account())
	}
	if err != nil {
		return err
	}
	return m.send(ctx, e, intent{What: what}, msg)
}

// underWay reports whether the last message has yet to change state.
func (m *Manager) underWay(ctx context.Context, e *entry, state *wrappers.Channel) (bool, error) {
	switch {
	case !m.waiting(e):
		return false, nil
	case e.Sent.Amount.IsZero():
		return e.Sent.What != "request close" || state.ClosesAt == 0, nil
	}
	deposit, err := m.deposit(ctx, e)
	if err != nil {
		return false, err
	}
	arrived, err := e.Sent.arrived(deposit)
	return !arrived, err
}

// CloseNow closes the channel to a dispatcher at once, as the dispatcher has signed.
// It may settle nothing more than what was agreed.
func (m *Manager) CloseNow(ctx context.Context, rewards cocoon.Account, promise wrappers.CloseNow) error {
	m.tending.Lock()
	defer m.tending.Unlock()
	e := m.book.live(rewards)
	if e == nil {
		return cocoon.NotFound.Errorf("there is no open channel to dispatcher %s", rewards)
	}
	c, err := m.channel(ctx, e)
	if err != nil {
		return err
	}
	if used := c.Ledger.Figures().Used; promise.Final.Cmp(used) > 0 {
		return cocoon.Forbidden.Errorf("the dispatcher would be paid %s, agreed were %s", promise.Final, used)
	}
	msg, err := m.desk.CloseNow(ctx, e.account, promise)
	if err != nil {
		return err
	}
	if err = m.end(e, closing, "client and dispatcher agreed"); err != nil {
		return err
	}
	return m.send(ctx, e, intent{What: "close now"}, msg)
}
