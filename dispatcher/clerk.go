package dispatcher

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
	"github.com/cocoon-network/cocoon/wrappers"
)

// clerk tells the ledger what the chain says, and settles what the ledger wants settled.
type clerk struct {
	cfg     LedgerConfig
	rewards cocoon.Account
	bps     uint16 // the dispatcher's share of what channels pay
	deps    Deps
	log     *slog.Logger
	relay   *relay
	ledger  *ledger.Ledger
	keys    *keyring
	daemons *daemons
	now     func() time.Time        // the ledger's clock
	present func() []cocoon.Account // channels whose client is connected

	news   news // of follow
	rents  rents
	warned [32]byte      // receipt key that was told to be none of ours
	seqno  atomic.Uint32 // of the block that the ledger is up to; 0 before the first
	number atomic.Uint32 // that the ledger was told is pending or next; 0 before
}

// news are what has changed on chain and was not told yet.
type news struct {
	all, rewards bool
	channels     map[cocoon.Account]bool // true where one was settled
}

func (n *news) none() bool { return !n.all && !n.rewards && len(n.channels) == 0 }

// hear takes a batch's effects on channels and the rewards contract.
func (c *clerk) hear(x effects) {
	if c == nil {
		return
	}
	c.news.rewards = c.news.rewards || x.rewards
	for a, settled := range x.channels {
		c.news.channels[a] = c.news.channels[a] || settled
	}
}

// tell brings the ledger up to the block head. While chain or index do not
// answer it does not: the ledger sees by its head's time that it is behind.
// seq is the last event that was heard of.
func (c *clerk) tell(ctx context.Context, head market.Head, seq uint64) error {
	if c == nil {
		return nil
	}
	upToDate, err := c.tellNews(ctx, seq)
	switch {
	case cocoon.KindOf(err) == cocoon.Unreachable && err != nil:
		if ctx.Err() == nil {
			c.log.Warn("the ledger is not up to date, it is tried again at the next block", "error", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("tell the ledger: %w", err)
	case upToDate:
		c.ledger.SetIndex(blockTime(head))
		c.seqno.Store(head.Seqno)
	}
	return nil
}

// tellNews reports whether the ledger knows all up to the event seq. All that is
// read has to be of one moment: a settlement that has left its channel and one
// that has reached the pot must not count twice.
func (c *clerk) tellNews(ctx context.Context, seq uint64) (bool, error) {
	if c.news.none() {
		return true, nil
	}
	rewards, err := c.deps.Index.RewardsAt(ctx, c.rewards)
	if cocoon.KindOf(err) == cocoon.NotFound && err != nil {
		return true, nil // what pays it cannot be a channel of ours yet
	}
	if err != nil {
		return false, err
	}
	channels, err := c.changed(ctx)
	if err != nil {
		return false, err
	}
	facts, err := c.factsOf(ctx, rewards)
	if err != nil {
		return false, err
	}
	before := c.rents.channel.amount
	if err = c.rents.measureChannels(ctx, c.deps, channels); err != nil {
		return false, err
	}
	if !before.IsZero() && c.rents.channel.amount != before {
		c.news.all = true // prices have changed: every channel can pay more or less than was told
		return false, nil
	}
	if more, err := c.deps.Feed.Events(ctx, seq, 1); err != nil || len(more) > 0 {
		return false, err // what was read may be of two moments
	}
	for _, ch := range channels {
		if err = c.tellChannel(ch); err != nil {
			return false, fmt.Errorf("channel %s: %w", ch.Account, err)
		}
	}
	if err = c.ledger.SetRewards(facts); err != nil {
		return false, err
	}
	c.number.Store(facts.Number)
	c.news = news{channels: map[cocoon.Account]bool{}}
	return true, nil
}

// changed reads the channels that there is news of.
func (c *clerk) changed(ctx context.Context) ([]market.Channel, error) {
	if c.news.all {
		return c.deps.Index.ChannelsOf(ctx, c.rewards)
	}
	var all []market.Channel
	for a := range c.news.channels {
		ch, err := c.deps.Index.Channel(ctx, a)
		if cocoon.KindOf(err) == cocoon.NotFound && err != nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		if ch.Rewards == c.rewards {
			all = append(all, ch)
		}
	}
	return all, nil
}

// tellChannel tells of a channel, unless it is one that is not served.
func (c *clerk) tellChannel(ch market.Channel) error {
	_, err := c.ledger.Keys(ch.Account)
	if unknown := cocoon.KindOf(err) == cocoon.NotFound && err != nil; unknown {
		if ch.Closed {
			return nil
		}
		if err = c.mayServe(ch); err != nil {
			c.log.Warn("channel not served", "channel", ch.Account, "error", err)
			return nil
		}
	}
	facts, err := channelFacts(ch, c.rents.channel.amount)
	if err != nil {
		return err
	}
	if c.news.channels[ch.Account] {
		c.relay.forget(settleOf(ch.Account))
	}
	if err = c.ledger.SetChannel(facts); err != nil {
		return err
	}
	c.daemons.tell(facts) // after the ledger knows it: who is let in is served
	return nil
}

// mayServe refuses a channel whose client could leave before it was settled:
// by a close promise that others sign, or faster than blocks come.
func (c *clerk) mayServe(ch market.Channel) error {
	var key ledger.Key
	if err := key.UnmarshalText([]byte(ch.DispatcherKey)); err != nil {
		return err
	}
	if !c.keys.holds(key) {
		return cocoon.Forbidden.Errorf("its close promises are signed by %x, which is no ledger key of ours", key[:4])
	}
	if ch.CloseDelay < c.cfg.CloseDelay {
		return cocoon.Forbidden.Errorf("its client may leave within %d s, we want %d s", ch.CloseDelay, c.cfg.CloseDelay)
	}
	return nil
}

// channelFacts is what the ledger has to know of a channel that keeps back rent.
func channelFacts(ch market.Channel, rent cocoon.Nano) (f ledger.Channel, err error) {
	f = ledger.Channel{Account: ch.Account, PreviousUntil: ch.PreviousUntil, Deposited: ch.Settled, Settled: ch.Settled, CloseDelay: ch.CloseDelay,
		ClosesAt: ch.ClosesAt, Closed: ch.Closed}
	if err = f.Key.UnmarshalText([]byte(ch.Key)); err == nil && ch.Previous != "" {
		err = f.Previous.UnmarshalText([]byte(ch.Previous))
	}
	if err != nil || ch.Closed || rent.IsZero() {
		return f, err
	}
	f.Deposited, err = ch.Settled.Add(less(ch.Balance, rent))
	return f, err
}

// factsOf is what the ledger has to know of the rewards contract, whose terms
// and keys are read from the chain. So much of the pot is left out as an opening
// may lose to rent: see affordable.
func (c *clerk) factsOf(ctx context.Context, r market.Rewards) (f ledger.Rewards, err error) {
	state, err := readRewards(ctx, c.deps.Chain, c.rewards)
	if err != nil {
		return f, err
	}
	c.keys.tell(state.Keys)
	if key := state.Keys.Of(r.Number); !c.keys.holds(key) && (c.warned != key || key == [32]byte{}) {
		c.warned = key
		c.log.Warn("nothing is signed for providers: the receipt key is none of ours", "rewards", c.rewards, "epoch", r.Number, "hint", "cocoon dispatcher key")
	}
	if err = c.rents.measureRewards(ctx, c.deps, c.rewards); err != nil {
		return f, err
	}
	fees := uint16(0)
	if state.Terms != nil {
		fees = state.Terms.Epoch.NetworkBps
	}
	pot := less(less(r.Pot, c.rents.rewards.amount), c.rents.opening)
	if c.rents.rewards.amount.IsZero() {
		pot = cocoon.Nano{}
	}
	return ledger.Rewards{Number: r.Number, Pending: !r.Pending.IsZero(), Pot: pot, Bond: r.Bond, Fees: bound.Fees(fees + c.bps)}, nil
}

// less is a - b, or nothing.
func less(a, b cocoon.Nano) cocoon.Nano {
	n, err := a.Sub(b)
	if err != nil {
		return cocoon.Nano{}
	}
	return n
}

// PromiseClose ends service under a channel on which nothing is open, and signs
// what its client may close it with at once. Doing so again signs the same. paid
// is as for ledger.Retire.
func (d *Dispatcher) PromiseClose(ctx context.Context, channel cocoon.Account, session uint64, paid *voucher.Signed) (p stream.Promise, err error) {
	if d.ledger == nil {
		return p, cocoon.NotFound.Errorf("this dispatcher serves no channels")
	}
	told, err := d.deps.Index.Channel(ctx, channel)
	if err != nil {
		return p, err
	}
	var key ledger.Key
	if err = key.UnmarshalText([]byte(told.DispatcherKey)); err != nil {
		return p, err
	}
	if !d.keys.holds(key) { // asked first: who is retired is not served again
		return p, cocoon.Conflict.Errorf("close channel %s: its close promises are signed by %x, which is no ledger key of ours", channel, key[:4])
	}
	if p.Final, err = d.ledger.Retire(ctx, channel, session, paid); err != nil {
		return p, err
	}
	c, err := wrappers.Cell(wrappers.ClosePromise{GlobalID: d.cfg.GlobalID, Contract: channel, Final: wrappers.Coins{Nano: p.Final}})
	if err != nil {
		return p, err
	}
	p.Signature, err = d.keys.by(key, [32]byte(c.Hash()))
	return p, err
}
