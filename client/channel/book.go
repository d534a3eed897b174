package channel

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/internal/durable"
	"github.com/cocoon-network/cocoon/wrappers"
)

// phase is what a channel is to us. On chain it may be behind.
type phase string

const (
	opening phase = "opening" // until it is seen on chain
	serving phase = "open"
	closing phase = "closing"
	closed  phase = "closed"
)

// entry is one channel. Its key is in clear; the file's mode is its protection.
type entry struct {
	Birth  wrappers.ChannelBirth `json:"birth"`
	Seed   []byte                `json:"seed"` // Ed25519, signs vouchers
	Phase  phase                 `json:"phase"`
	Reason string                `json:"reason,omitempty"` // of closing
	Sent   *intent               `json:"sent,omitempty"`   // the last message, until it is seen to have arrived

	account cocoon.Account
}

// intent is a message that left or is about to.
type intent struct {
	What   string      `json:"what"`
	Amount cocoon.Nano `json:"amount_nano"`
	Before cocoon.Nano `json:"before_nano"` // deposit
	At     time.Time   `json:"at"`
}

// inFlight is how long a message may be on its way: the wallet's request expires
// after chain.Lifetime, and what it sent arrives within a few blocks.
const inFlight = chain.Lifetime + 30*time.Second

// spend is what left the wallet.
type spend struct {
	At     time.Time   `json:"at"`
	Amount cocoon.Nano `json:"amount_nano"`
}

// book is all that must not be forgotten.
type book struct {
	Channels []*entry `json:"channels"` // oldest first
	Spent    []spend  `json:"spent"`    // of the last day
	path     string
}

func openBook(dir string) (*book, error) {
	b := &book{path: filepath.Join(dir, "channels.json")}
	raw, err := os.ReadFile(b.path)
	if errors.Is(err, os.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the book of channels: %w", err)
	}
	return b, b.parse(raw)
}

// parse reads what save wrote.
func (b *book) parse(raw []byte) error {
	if err := json.Unmarshal(raw, b); err != nil {
		return cocoon.Invalid.Errorf("the book of channels %s is not readable", b.path)
	}
	for _, e := range b.Channels {
		if e == nil || len(e.Seed) != 32 {
			return cocoon.Invalid.Errorf("the book of channels %s lacks a key", b.path)
		}
		var err error
		if e.account, err = e.Birth.Account(); err != nil {
			return err
		}
	}
	return nil
}

// save replaces the file as a whole and makes it last.
func (b *book) save() error {
	raw, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("write the book of channels: %w", err)
	}
	if err = durable.Replace(b.path, raw); err != nil {
		return cocoon.WithHint(fmt.Errorf("write the book of channels: %w", err), "is the disk full?")
	}
	return nil
}

// live is the channel to a dispatcher that is open or being opened; nil where
// there is none.
func (b *book) live(rewards cocoon.Account) *entry {
	for _, e := range b.Channels {
		if e.Birth.Rewards == rewards && (e.Phase == opening || e.Phase == serving) {
			return e
		}
	}
	return nil
}

// ended reports that a channel to a dispatcher was closed: whether there is to be
// another one is for the owner to say.
func (b *book) ended(rewards cocoon.Account) error {
	for _, e := range b.Channels {
		if e.Birth.Rewards == rewards {
			return cocoon.WithHint(cocoon.Conflict.Errorf("channel %s is %s: %s", e.account, e.Phase, e.Reason), "choose another dispatcher, or have this one closed and forgotten: cocoon client leave %s --forget", rewards)
		}
	}
	return nil
}

// mayLeave reports why amount may not leave the wallet today.
func (b *book) mayLeave(amount, daily cocoon.Nano, now time.Time) error {
	kept := b.Spent[:0:0]
	sum := amount
	for _, s := range b.Spent {
		if now.Sub(s.At) >= 24*time.Hour {
			continue
		}
		kept = append(kept, s)
		var err error
		if sum, err = sum.Add(s.Amount); err != nil {
			return err
		}
	}
	b.Spent = kept
	if sum.Cmp(daily) > 0 {
		return cocoon.WithHint(cocoon.NoMoney.Errorf("%s more would make %s that left the wallet within a day, the limit is %s", amount, sum, daily), "raise the daily limit, or wait")
	}
	return nil
}
