package channel

import (
	"context"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Agree asks the dispatcher of a channel to sign what it may be closed with at once.
type Agree func(ctx context.Context, c *Channel) (wrappers.CloseNow, error)

// Leave closes the channel to a dispatcher, or goes on with a close that was asked
// for before; it reports whether no channel to the dispatcher is left. Where the
// dispatcher agrees, that takes seconds, which Leave waits for. Else what no voucher
// takes comes back to the wallet after the close delay, by Leave or Tend.
func (m *Manager) Leave(ctx context.Context, rewards cocoon.Account, agree Agree) (bool, error) {
	m.tending.Lock()
	defer m.tending.Unlock()
	if e := m.book.live(rewards); e != nil {
		if err := m.end(e, closing, "its owner asked for it"); err != nil {
			return false, err
		}
	}
	left := true
	for _, e := range m.book.Channels {
		if e.Birth.Rewards != rewards || e.Phase != closing {
			continue
		}
		if err := m.leave(ctx, e, agree); err != nil {
			return false, err
		}
		if err := m.awaitClose(ctx, e); err != nil {
			return false, err
		}
		left = left && e.Phase == closed
	}
	return left, nil
}

const (
	closesWithin = 30 * time.Second // what was agreed, usually
	closeEvery   = 500 * time.Millisecond
)

// awaitClose looks whether what was agreed has closed the channel, for a while.
func (m *Manager) awaitClose(ctx context.Context, e *entry) error {
	for late := time.Now().Add(closesWithin); e.Phase == closing && e.Sent != nil && e.Sent.What == closeNow && time.Now().Before(late); {
		state, err := m.read(ctx, e)
		if err != nil {
			return err
		}
		if state != nil && state.Closed {
			return m.end(e, closed, e.Reason)
		}
		select {
		case <-time.After(closeEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
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
	return m.leave(ctx, e, nil)
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

// closeNow is what a message says that closes a channel as its dispatcher agreed.
const closeNow = "close now"

// leave takes the next step of closing. agree may be nil.
func (m *Manager) leave(ctx context.Context, e *entry, agree Agree) error {
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
	if agree != nil {
		msg, err := m.agreed(ctx, e, agree)
		if err == nil {
			return m.send(ctx, e, intent{What: closeNow}, msg)
		}
		m.deps.Logger.Warn("the dispatcher does not agree to close now", "channel", e.account, "error", err)
	}
	return m.leaveAlone(ctx, e, state)
}

// agreed is the message that closes a channel at once, as its dispatcher signs. It
// may settle nothing more than what was agreed.
func (m *Manager) agreed(ctx context.Context, e *entry, agree Agree) (msg chain.Message, err error) {
	c, err := m.channel(ctx, e)
	if err != nil {
		return msg, err
	}
	promise, err := agree(ctx, c)
	if err != nil {
		return msg, err
	}
	if used := c.Ledger.Figures().Used; promise.Final.Cmp(used) > 0 {
		return msg, cocoon.Forbidden.Errorf("the dispatcher would be paid %s, agreed were %s", promise.Final, used)
	}
	return m.desk.CloseNow(ctx, e.account, promise)
}

// leaveAlone asks for the close, and finishes it after the close delay.
func (m *Manager) leaveAlone(ctx context.Context, e *entry, state *wrappers.Channel) (err error) {
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
