package answer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/durable"
	"github.com/cocoon-network/cocoon/protocol/receipt"
)

// claims keep on disk what dispatchers have signed that they owe the provider: a
// file for each dispatcher and number, of which the newest receipt is worth
// money on chain.
type claims struct {
	dir      string
	globalID int32
	provider cocoon.Account

	mu sync.Mutex
}

// take verifies an earned receipt against the dispatcher's proven keys and keeps it,
// where it is worth more than the one before: so much more it returns.
func (c *claims) take(raw []byte, rewards cocoon.Account, d Dispatcher) (more cocoon.Nano, err error) {
	e, err := receipt.ParseEarned(raw)
	if err != nil {
		return more, err
	}
	if e.GlobalID != c.globalID || e.Rewards != rewards || e.Provider != c.provider || e.Number < d.Number {
		return more, cocoon.Invalid.Errorf("dispatcher %s owes provider %s in number %d of network %d, not here", e.Rewards, e.Provider, e.Number, e.GlobalID)
	}
	if err = e.Verify(d.Keys.Of(e.Number)); err != nil {
		return more, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	held, err := c.held(rewards, e.Number)
	if err != nil || e.Amount.Cmp(held) <= 0 {
		return more, err
	}
	if err = os.MkdirAll(c.dir, 0o700); err == nil {
		err = durable.Replace(c.path(rewards, e.Number), raw)
	}
	if err != nil {
		return more, fmt.Errorf("keep what dispatcher %s owes: %w", rewards, err)
	}
	return e.Amount.Sub(held)
}

func (c *claims) path(rewards cocoon.Account, number uint32) string {
	return filepath.Join(c.dir, fmt.Sprintf("%x-%010d", rewards[:], number))
}

// held is what a dispatcher owes in one number.
func (c *claims) held(rewards cocoon.Account, number uint32) (cocoon.Nano, error) {
	raw, err := os.ReadFile(c.path(rewards, number))
	if errors.Is(err, fs.ErrNotExist) {
		return cocoon.Nano{}, nil
	}
	if err != nil {
		return cocoon.Nano{}, fmt.Errorf("read what dispatcher %s owes: %w", rewards, err)
	}
	e, err := receipt.ParseEarned(raw)
	return e.Amount, err
}

// mayOwe reports why a dispatcher is not let owe more: what it owes in numbers
// that it has not opened is over limit.
func (c *claims) mayOwe(rewards cocoon.Account, d Dispatcher, limit cocoon.Nano) error {
	if limit.IsZero() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	from := d.Number
	if !d.Pending.IsZero() {
		from++ // that number is opened
	}
	var sum cocoon.Nano
	for _, number := range []uint32{from, from + 1} { // n + 1 is signed once n is opened: there are no more
		n, err := c.held(rewards, number)
		if err != nil {
			return err
		}
		if sum, err = sum.Add(n); err != nil {
			return err
		}
	}
	if sum.Cmp(limit) > 0 {
		return cocoon.Conflict.Errorf("dispatcher %s owes %s that it has not opened, the limit is %s", rewards, sum, limit)
	}
	return nil
}
