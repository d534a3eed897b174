package ledger

import (
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
)

// Signer signs hashes with the receipt key of a number of epoch.
type Signer interface {
	Sign(number uint32, hash [32]byte) ([64]byte, error)
}

// Config is what a ledger is opened with.
type Config struct {
	Dir      string         // folder of its database and log, one ledger's own
	GlobalID int32          // of the network
	Rewards  cocoon.Account // the dispatcher's rewards contract
	Signer   Signer
	Now      func() time.Time
	Free     cocoon.Nano   // of a dispute allowance, before any share: what a stranger may deny; bound.Base unless the operator knows better
	Burst    cocoon.Nano   // that a channel may have open beyond its allowance, while Pool lasts
	Pool     cocoon.Nano   // for the bursts of all channels; what was denied of one is missing for a day
	Fee      cocoon.Nano   // of one settlement, as a channel's get_fees says
	Linger   time.Duration // how long a record that nobody waits for may stay unsynced, at most 100 ms
	Flush    time.Duration // between two writes of the tables
	Keep     time.Duration // how long answered receipts are kept as evidence
}

// DefaultConfig is all but what is particular to one dispatcher.
func DefaultConfig() Config {
	return Config{Now: time.Now, Free: bound.Base(), Burst: bound.Burst(), Pool: cocoon.TON(1), Linger: 50 * time.Millisecond, Flush: time.Second, Keep: 72 * time.Hour}
}

// Validate reports a config that no ledger can run with, which is Invalid.
func (c Config) Validate() error {
	switch {
	case c.Dir == "" || c.Rewards.IsZero() || c.Signer == nil || c.Now == nil:
		return cocoon.Invalid.Errorf("a ledger needs a folder, a rewards contract, a signer and a clock")
	case c.Fee.IsZero():
		return cocoon.WithHint(cocoon.Invalid.Errorf("a ledger needs to know what a settlement costs"), "ask a channel for its fees")
	case c.Linger <= 0 || c.Linger > 100*time.Millisecond:
		return cocoon.Invalid.Errorf("records may stay unsynced for up to 100 ms, not %s", c.Linger)
	case c.Flush <= 0 || c.Keep <= 0:
		return cocoon.Invalid.Errorf("tables are written every %s and receipts kept for %s", c.Flush, c.Keep)
	}
	return nil
}
