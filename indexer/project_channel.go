package indexer

import (
	"context"
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// channelState is a channel's state. Its first six fields are its birth's and
// never change.
type channelState struct {
	Client        cocoon.Account `json:"client"`
	ClientKey     key            `json:"client_key"`
	Rewards       cocoon.Account `json:"rewards"`
	DispatcherKey key            `json:"dispatcher_key"`
	CloseDelay    uint32         `json:"close_delay"`
	Salt          uint64         `json:"salt"`
	Closed        bool           `json:"closed"`
	Settled       cocoon.Nano    `json:"settled"`
	Key           key            `json:"key"`
	Previous      key            `json:"previous"`
	PreviousUntil uint32         `json:"previous_until"`
	ClosesAt      uint32         `json:"closes_at"`
}

// channelRecord is a channel's state and what the chain no longer shows of its past.
type channelRecord struct {
	channelState
	OpenedAt uint32         `json:"opened_at"`
	Demand   *market.Demand `json:"demand"`
	ToClient cocoon.Nano    `json:"to_client"`
}

func channelStateOf(c wrappers.Channel) channelState {
	b := c.Birth
	return channelState{b.Client, b.ClientKey, b.Rewards, b.DispatcherKey, b.CloseDelay, b.Salt,
		c.Closed, c.Settled, c.Key, c.Previous, c.PreviousUntil, c.ClosesAt}
}

// columns implements indexedState.
func (c channelRecord) columns() []any { return []any{c.Client[:], c.Rewards[:], c.Closed} }

// channel applies what contracts/channel.fc does with an event.
func (p projector) channel(ctx context.Context, o *occurrence, c *channelRecord) error {
	before := *c
	if err := c.apply(o); err != nil {
		return err
	}
	if err := p.rows.tally.compare(before, *c); err != nil { // before the demand is written
		return err
	}
	return p.redeclare(ctx, o, before.declared(), c.declared())
}

func (c *channelRecord) apply(o *occurrence) error {
	switch o.Name {
	case "open_channel":
		m, err := message[wrappers.OpenChannel](o)
		if err != nil {
			return err
		}
		c.Demand = &market.Demand{Model: m.Model, Tokens: m.Tokens, At: o.Time}
	case "settle":
		return c.settle(o)
	case "rotate":
		m, err := message[wrappers.Rotate](o)
		if err != nil {
			return err
		}
		c.Key, c.Previous, c.PreviousUntil = m.Key, c.Key, o.Time+c.delay()
	case "request_close":
		c.ClosesAt = o.Time + c.delay()
	case "close_now":
		m, err := message[wrappers.CloseNow](o)
		if err != nil {
			return err
		}
		c.Settled = m.Final.Nano
		return c.close(o)
	case "finish":
		return c.close(o)
	default:
		return fmt.Errorf("%w: a channel that takes %s", errUnread, o.Name)
	}
	return nil
}

// delay is the close delay as the contract keeps it.
func (c *channelState) delay() uint32 { return min(c.CloseDelay, wrappers.MaxCloseDelay) }

// settle adds what was paid, which is less than the voucher promises where the
// channel held less: the message to rewards says it.
func (c *channelRecord) settle(o *occurrence) error {
	for _, m := range o.Out {
		if m.Amount != nil {
			return increase(&c.Settled, *m.Amount)
		}
	}
	return fmt.Errorf("%w: a settle that pays nothing", errUnread)
}

// close ends the channel, or sweeps what came to it since.
func (c *channelRecord) close(o *occurrence) error {
	c.Closed = true
	for _, m := range o.Out {
		if m.Name == "payout" {
			return increase(&c.ToClient, m.Value)
		}
	}
	return nil
}
