// Package channel keeps a client's channels on chain: it opens them, tops them up
// and closes them within limits that their owner sets, and believes of their state
// what is proven. What is sent is on disk before it leaves: a crash at any moment
// opens no second channel and spends no more than a day may.
package channel

import (
	"context"
	"log/slog"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// MinCloseDelay is the least close delay off a local network: in less a client
// that sleeps could not see a stale close, nor a dispatcher settle.
const MinCloseDelay = 6 * time.Hour

// Config says to whom channels are kept, and how much money may move by itself.
type Config struct {
	Dir         string // of keys and books
	GlobalID    int32  // of the network
	Registry    cocoon.Account
	Dispatchers []cocoon.Account // rewards contracts: home first, then the standby
	CloseDelay  time.Duration
	Model       cocoon.ModelID // declared demand, with
	Tokens      uint64         // so many tokens of it a day

	Deposit    cocoon.Nano // of a new channel at home
	Standby    cocoon.Nano // of a new channel elsewhere
	Low        cocoon.Nano // unspent money under which a channel is topped up
	TopUp      cocoon.Nano // each time
	MaxDeposit cocoon.Nano // most unspent money in one channel
	Daily      cocoon.Nano // most that leaves the wallet in 24 hours, fees apart

	Interval time.Duration // between looks at the chain
}

// DefaultConfig has everything but whom and where.
func DefaultConfig() Config {
	return Config{CloseDelay: 24 * time.Hour, Deposit: cocoon.TON(2), Standby: cocoon.TON(1), Low: cocoon.NanoOf(500_000_000), TopUp: cocoon.TON(1),
		MaxDeposit: cocoon.TON(5), Daily: cocoon.TON(10), Interval: 20 * time.Second}
}

// Validate reports what is missing or out of range.
func (c Config) Validate() error {
	switch {
	case c.Dir == "" || c.Registry.IsZero() || len(c.Dispatchers) == 0:
		return cocoon.Invalid.Errorf("channels need a folder, a registry and a dispatcher")
	case !chain.Local(c.GlobalID) && c.CloseDelay < MinCloseDelay:
		return cocoon.Invalid.Errorf("a close delay of %s is less than %s", c.CloseDelay, MinCloseDelay)
	case c.CloseDelay < time.Second || c.CloseDelay > wrappers.MaxCloseDelay*time.Second:
		return cocoon.Invalid.Errorf("a close delay of %s is not one that the contract takes", c.CloseDelay)
	case c.Deposit.IsZero() || c.Standby.IsZero() || c.TopUp.IsZero() || c.Interval <= 0:
		return cocoon.Invalid.Errorf("deposits, top-ups and the interval must be positive")
	case c.MaxDeposit.Cmp(c.Deposit) < 0 || c.MaxDeposit.Cmp(c.Standby) < 0:
		return cocoon.Invalid.Errorf("a channel is opened with more than the %s it may hold", c.MaxDeposit)
	}
	return nil
}

// Chain is what keeping channels reads. All of it is proven.
type Chain interface {
	wrappers.Reader
	// Time is that of a block.
	Time(ctx context.Context, id *chain.BlockID) (time.Time, error)
}

// Sender is the client's wallet, as *chain.Wallet is one.
type Sender interface {
	Account() cocoon.Account
	Send(ctx context.Context, m ...chain.Message) (chain.Sent, error)
}

// Deps are what channels are kept with.
type Deps struct {
	Chain  Chain
	Sender Sender
	Now    func() time.Time // chain.Clock: ages of proofs are judged by it
	Logger *slog.Logger
}
