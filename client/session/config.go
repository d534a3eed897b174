// Package session is a daemon's dealings with one dispatcher over one channel:
// from a plaintext request to an encrypted, dispatched, metered and paid one.
// The dispatcher is trusted with nothing but the vouchers that money.Ledger lets
// out; workers with a prompt only once trust.Trust says so.
package session

import (
	"crypto/ed25519"
	"io"
	"log/slog"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/money"
	"github.com/cocoon-network/cocoon/client/trust"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// Config is whom to talk to, over which channel, and with how much patience.
type Config struct {
	GlobalID   int32          // of the network
	Rewards    cocoon.Account // the dispatcher's contract
	URL        string         // of its NATS servers, as nats://127.0.0.1:4222 or tls://host:4222
	TLSKeyHash [32]byte       // SHA-256 of the server's SubjectPublicKeyInfo, as the chain has it
	Channel    cocoon.Account
	Caps       cocoon.Price // most that is paid, nanoTON per 10^6 tokens

	Sets     int           // of candidates, fetched at a time
	Width    int           // candidates of a set
	Overhead uint64        // tokens that a model's template may add to a prompt
	Buffer   int           // bytes of an answer that wait for the application
	Timeout  time.Duration // of one question to the dispatcher
	Silence  time.Duration // after which an answer is asked for again, and then given up
	Patience time.Duration // that the receipt of an answer that was cut may take
	Grace    time.Duration // for a lost connection to be back, before what has no token yet goes to another dispatcher
	Counting time.Duration // that a list of models waits to hear how many workers each has
	Counted  time.Duration // before that is asked again
	Retry    time.Duration // between attempts to be let in; it doubles to 30 times that
}

// DefaultConfig has everything but whom and what.
func DefaultConfig() Config {
	return Config{Sets: 64, Width: 3, Overhead: 1024, Buffer: 8 << 20, Timeout: 5 * time.Second, Silence: 15 * time.Second, Patience: 5 * time.Second, Grace: 2 * time.Second,
		Counting: 500 * time.Millisecond, Counted: 2 * time.Second, Retry: 200 * time.Millisecond}
}

// Validate reports what is missing or out of range.
func (c Config) Validate() error {
	switch {
	case c.Rewards.IsZero() || c.Channel.IsZero() || c.URL == "":
		return cocoon.Invalid.Errorf("a session needs a dispatcher with its address, and a channel")
	case c.Sets < 1 || c.Sets > 255 || c.Width < 1 || c.Width > stream.MaxCandidates || c.Buffer < stream.MaxFrame:
		return cocoon.Invalid.Errorf("a session fetches 1 to 255 sets of 1 to %d candidates, and buffers a frame at least", stream.MaxCandidates)
	case min(c.Timeout, c.Silence, c.Patience, c.Grace, c.Counting, c.Counted, c.Retry) <= 0:
		return cocoon.Invalid.Errorf("times of a session must be positive")
	}
	return nil
}

// Deps are what a session works with.
type Deps struct {
	Ledger *money.Ledger
	Key    ed25519.PrivateKey // the channel's; logs in and begins sessions
	Trust  *trust.Trust
	Now    func() time.Time
	Random io.Reader
	Logger *slog.Logger
}
