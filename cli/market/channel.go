package market

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	told "github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/protocol/voucher"
	"github.com/cocoon-network/cocoon/wrappers"
)

// paidByChannel is a channel from its birth to its end: the dispatcher redeems
// the newest of two vouchers, the older one takes nothing any more, and the
// client leaves with the rest, alone.
func (m *Market) paidByChannel(ctx context.Context) error {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	channel, err := m.openChannel(ctx, key, cocoon.TON(5))
	if err != nil {
		return err
	}
	v := voucher.Voucher{GlobalID: m.net.GlobalID, Channel: channel, Cumulative: cocoon.TON(1)}
	older, err := v.Sign(key)
	if err != nil {
		return err
	}
	v.Cumulative = cocoon.TON(3)
	newer, err := v.Sign(key)
	if err != nil {
		return err
	}
	replay, err := m.dispatcher.Settle(ctx, older, m.dispatcher.wallet.Account()) // while it is good
	if err != nil {
		return err
	}
	if err = m.redeem(ctx, newer); err != nil {
		return err
	}
	if err = m.replay(ctx, replay); err != nil {
		return err
	}
	return m.leaveChannel(ctx, channel)
}

// openChannel lets the client escrow amount for the dispatcher, and declare its demand.
func (m *Market) openChannel(ctx context.Context, key ed25519.PrivateKey, amount cocoon.Nano) (cocoon.Account, error) {
	b := wrappers.ChannelBirth{Client: m.client.wallet.Account(), ClientKey: wrappers.PublicKey(key), Rewards: m.contracts["rewards/0"],
		DispatcherKey: wrappers.PublicKey(m.ledger), CloseDelay: m.rules.CloseDelay}
	a, err := b.Account()
	if err != nil {
		return a, err
	}
	name, tokens := fmt.Sprintf("channel/%d", len(m.channels)), uint64(1_000_000)
	m.channels, m.contracts[name] = append(m.channels, name), a
	open, err := m.client.OpenChannel(ctx, b, amount, cocoon.NewModelID(qwen), tokens)
	if err != nil {
		return a, err
	}
	if _, err = m.client.wallet.Send(ctx, open); err != nil {
		return a, fmt.Errorf("open %s: %w", name, err)
	}
	if _, err = m.awaitChannel(ctx, a, "declare its demand", func(c told.Channel) bool { return c.Demand != nil }); err != nil {
		return a, err
	}
	return a, m.step(ctx, "channel", "the client escrows %s in %s for the dispatcher, and expects to need %d tokens of %s a day", amount, name, tokens, qwen)
}

// redeem lets the dispatcher settle a voucher, all of which has to reach its pot.
func (m *Market) redeem(ctx context.Context, v voucher.Signed) error {
	settle, err := m.dispatcher.Settle(ctx, v, m.dispatcher.wallet.Account())
	if err != nil {
		return err
	}
	after := m.index.Head().Events
	if _, err = m.dispatcher.wallet.Send(ctx, settle); err != nil {
		return fmt.Errorf("settle a voucher: %w", err)
	}
	arrived, err := m.awaitEvent(ctx, after, m.contracts["rewards/0"], "settlement")
	if err != nil {
		return err
	}
	c, err := m.index.Channel(ctx, v.Channel)
	if err != nil {
		return err
	}
	if arrived.From != v.Channel || !arrived.OK || c.Settled != v.Cumulative {
		return fmt.Errorf("of a voucher over %s the channel paid %s, and the pot was told %s", v.Cumulative, c.Settled, arrived.Data)
	}
	return m.step(ctx, "settle", "the client signed two vouchers, the newer over %s in all; the dispatcher redeems it, and that reaches the pot", v.Cumulative)
}

// replay sends a voucher again that a newer one has replaced, and wants it to take nothing.
func (m *Market) replay(ctx context.Context, settle chain.Message) error {
	before, err := m.index.Channel(ctx, settle.To)
	if err != nil {
		return err
	}
	seq := m.index.Head().Events
	if _, err = m.dispatcher.wallet.Send(ctx, settle); err != nil {
		return fmt.Errorf("replay the older voucher: %w", err)
	}
	refused, err := m.awaitEvent(ctx, seq, settle.To, "settle")
	if err != nil {
		return err
	}
	after, err := m.index.Channel(ctx, settle.To)
	if err != nil {
		return err
	}
	if refused.OK || after.Settled != before.Settled {
		return fmt.Errorf("the older voucher was taken: %s settled before, %s after", before.Settled, after.Settled)
	}
	return m.step(ctx, "replay", "the older voucher takes nothing any more: the channel refused it with exit code %d", refused.ExitCode)
}

// leaveChannel lets the client close its channel without anybody's consent.
func (m *Market) leaveChannel(ctx context.Context, a cocoon.Account) error {
	request, err := m.client.RequestClose(ctx, a)
	if err != nil {
		return err
	}
	if _, err = m.client.wallet.Send(ctx, request); err != nil {
		return fmt.Errorf("ask to close the channel: %w", err)
	}
	if _, err = m.awaitChannel(ctx, a, "be closing", func(c told.Channel) bool { return c.ClosesAt != 0 }); err != nil {
		return err
	}
	if err = m.step(ctx, "closing", "the client asked to close the channel; the dispatcher has %d s for vouchers it still holds", m.rules.CloseDelay); err != nil {
		return err
	}
	if err = m.advance(ctx, time.Duration(m.rules.CloseDelay)*time.Second); err != nil {
		return err
	}
	finish, err := m.client.FinishChannel(ctx, a, m.client.wallet.Account())
	if err != nil {
		return err
	}
	if _, err = m.client.wallet.Send(ctx, finish); err != nil {
		return fmt.Errorf("finish the channel: %w", err)
	}
	c, err := m.awaitChannel(ctx, a, "be closed", func(c told.Channel) bool { return c.Closed })
	if err != nil {
		return err
	}
	return m.step(ctx, "closed", "the channel has paid %s, and %s went back to the client", c.Settled, c.ToClient)
}

func (m *Market) countChannels(ctx context.Context) (n ChannelCount, err error) {
	for _, name := range m.channels {
		c, err := m.index.Channel(ctx, m.contracts[name])
		if err != nil {
			return n, err
		}
		n.Opened++
		if c.Closed {
			n.Closed++
		}
		if n.Settled, err = n.Settled.Add(c.Settled); err != nil {
			return n, err
		}
	}
	return n, nil
}
