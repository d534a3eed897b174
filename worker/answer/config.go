package answer

import (
	"crypto/ed25519"
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Config says for whom a worker answers requests, and on what terms.
type Config struct {
	Key      ed25519.PrivateKey // W, which certifies the session key
	Provider cocoon.Account
	GlobalID int32            // of the network
	Data     string           // folder where what dispatchers owe is kept
	Rewards  []cocoon.Account // rewards contracts of the dispatchers it serves; empty is any that holds the rules
	MaxFee   uint16           // most that network and dispatcher together may keep of what is acknowledged, in basis points
	MaxOwed  cocoon.Nano      // most that a dispatcher may owe in numbers not opened yet; 0 is no limit

	Window    time.Duration // tokens that come within it share a frame; 0 is a frame for every event of the engine
	KeepAlive time.Duration // between frames where there is nothing to say
	Linger    time.Duration // how long frames are kept for who missed them, after the last
	Unsent    time.Duration // how long frames may wait for the link before the answer is given up
	Slice     time.Duration // how long to wait for more cover
	Body      time.Duration // for all parts of a body
	Answer    time.Duration // for one answer
	Took      time.Duration // how long the message that an order is taken waits for the first frame; 0 is not at all
	Receipt   time.Duration // how long a receipt waits for frames to go with; 0 is not at all
	Lookup    time.Duration // how long an order waits for a dispatcher's state
	Repeat    time.Duration // after which a receipt that was not acknowledged is sent again
	Refresh   time.Duration // between proofs of the chain's state
	Drain     time.Duration // for the answers that run when the worker stops
	Handover  time.Duration // then for their receipts
}

// DefaultConfig has everything but keys, accounts and the folder.
func DefaultConfig() Config {
	return Config{MaxFee: 500, Window: 50 * time.Millisecond, KeepAlive: 5 * time.Second, Linger: 10 * time.Second, Unsent: 15 * time.Second,
		Slice: 10 * time.Second, Body: 30 * time.Second, Answer: 10 * time.Minute, Took: 10 * time.Millisecond, Receipt: 10 * time.Millisecond, Lookup: 200 * time.Millisecond, Repeat: 2 * time.Second,
		Refresh: 2 * time.Minute, Drain: 30 * time.Second, Handover: 5 * time.Second}
}

// Validate says what is missing or cannot work.
func (c Config) Validate() error {
	if len(c.Key) != ed25519.PrivateKeySize || c.Provider.IsZero() || c.GlobalID == 0 || c.Data == "" {
		return cocoon.Invalid.Errorf("a worker needs its key, the account of its provider, the network's global id and a folder")
	}
	if c.MaxFee > 10_000 {
		return cocoon.Invalid.Errorf("a fee of %d basis points is more than everything", c.MaxFee)
	}
	if min(c.Window, c.Took, c.Receipt) < 0 || slices.Min([]time.Duration{c.KeepAlive, c.Linger, c.Unsent, c.Slice, c.Body, c.Answer, c.Lookup, c.Repeat, c.Refresh, c.Drain, c.Handover}) <= 0 {
		return cocoon.Invalid.Errorf("durations of answers are above zero; only the window, and what took and receipts wait, may be zero")
	}
	return nil
}
