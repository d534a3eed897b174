// Package money is one channel as the daemon that pays over it sees it: how much
// a dispatcher may hold unearned, what is reserved for requests that run, what
// was agreed for those that ended, and the vouchers for both. One process writes
// to a channel; what it must not forget is on disk before it signs.
package money

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/filelock"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// Config names a channel.
type Config struct {
	Dir      string // of this channel alone
	GlobalID int32  // of the network
	Channel  cocoon.Account
	Key      ed25519.PrivateKey // signs the channel's vouchers
	Now      func() time.Time
}

// reserve is what a request may cost.
type reserve struct {
	route  [32]byte
	amount cocoon.Nano
	at     uint32 // unix seconds
}

// deal is what a request came to.
type deal struct {
	cost cocoon.Nano
	at   uint32
}

// memory is how long an ended request is remembered, for those who ask about it
// again, and an open one that was lost with the process before this.
const memory = stream.MaxRoute + 2*time.Minute

// Ledger is the books of one channel. It keeps, at all times and through any
// crash,
//
//	used + reserves <= cover <= ceiling <= used + P, and cover <= deposit
//
// at the moment anything is signed, with P = bound.Window(the peak of the
// reserves in the last 60 seconds, what was agreed in them): ceiling - used is all that a dispatcher
// can take without earning it. It is safe for concurrent use.
type Ledger struct {
	cfg  Config
	lock *os.File

	mu      sync.Mutex
	journal *journal
	broken  error // why nothing is signed any more
	session uint64
	ceiling cocoon.Nano
	used    cocoon.Nano
	deposit cocoon.Nano // proven; nothing until it is known
	open    map[stream.RequestID]reserve
	sum     cocoon.Nano // of open
	done    map[stream.RequestID]deal
	minute  minute
	cover   voucher.Signed // over the ceiling, or the deposit where that is less
	freed   chan struct{}  // closed when something may have become possible
}

const journalFile = "journal"

// Open reads a channel's books, or begins them, and keeps other processes out
// until Close.
func Open(cfg Config) (_ *Ledger, err error) {
	if err = os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the books of channel %s: %w", cfg.Channel, err)
	}
	l := &Ledger{cfg: cfg, open: map[stream.RequestID]reserve{}, done: map[stream.RequestID]deal{}, freed: make(chan struct{})}
	if l.lock, err = filelock.Take(filepath.Join(cfg.Dir, "lock")); err != nil {
		return nil, cocoon.WithHint(cocoon.Conflict.Errorf("open the books of channel %s: %w", cfg.Channel, err), "one daemon writes to a channel; give another one a folder of its own")
	}
	records, err := readJournal(l.path())
	if err == nil {
		l.recall(records)
		l.forget()
		err = l.rewrite()
	}
	if err != nil {
		return nil, errors.Join(err, l.lock.Close())
	}
	return l, nil
}

func (l *Ledger) path() string { return filepath.Join(l.cfg.Dir, journalFile) }

func (l *Ledger) now() uint32 { return uint32(l.cfg.Now().Unix()) }

// put replaces the reserve of a request.
func (l *Ledger) put(id stream.RequestID, r reserve) {
	l.drop(id)
	l.open[id] = r
	l.sum = l.sum.Plus(r.amount)
}

func (l *Ledger) drop(id stream.RequestID) {
	l.sum = l.sum.Minus(l.open[id].amount)
	delete(l.open, id)
}

// Close lets another process have the books.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = cocoon.Conflict.Errorf("the books of channel %s are closed", l.cfg.Channel)
	l.wake()
	return errors.Join(l.journal.retire(), l.lock.Close())
}

// wake lets those who wait for room look again.
func (l *Ledger) wake() {
	close(l.freed)
	l.freed = make(chan struct{})
}

// wait returns when something was freed.
func wait(ctx context.Context, freed <-chan struct{}) error {
	select {
	case <-freed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
