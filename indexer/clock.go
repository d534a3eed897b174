package indexer

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/xssnick/tonutils-go/ton"
)

// skewTold is how far clocks may be apart before that is told. Blocks come every
// few seconds, and clocks that are looked after are within one.
const skewTold = 5 * time.Minute

// Clocks are how far the clock of this machine is from others. Nothing that is
// indexed depends on any of them: the log has the times of the chain.
type Clocks struct {
	Lag      int64  `json:"lag_seconds" doc:"how far the newest block that was read is behind this machine's clock; below 0 it is ahead of it"`
	Database int64  `json:"database_seconds" doc:"how far the database's clock was ahead of this machine's when it was last asked; below 0 behind"`
	Warning  string `json:"warning,omitempty" doc:"what differs by much. Which clock is wrong cannot be known here"`

	chain, database string // the parts of Warning
}

// listener remembers the newest block that the chain was heard to have.
type listener struct {
	Chain
	newest atomic.Uint32 // seqno; 0 before any was heard of
}

// HeadFrom implements feed.Chain.
func (l *listener) HeadFrom(ctx context.Context, seqno uint32) (*ton.BlockIDExt, error) {
	head, err := l.Chain.HeadFrom(ctx, seqno)
	if err == nil {
		l.newest.Store(head.SeqNo)
	}
	return head, err
}

// caughtUp tells whether a block is the newest there is known to be.
func (l *listener) caughtUp(seqno uint32) bool {
	newest := l.newest.Load()
	return newest > 0 && seqno >= newest
}

// Clocks compares the clocks at this moment.
func (x *Indexer) Clocks() Clocks {
	at, now := x.position(), x.cfg.Clock()
	ahead := time.Duration(x.store.lease.ahead.Load()) * time.Millisecond
	c := Clocks{Database: int64(ahead / time.Second)}
	var lag time.Duration
	if at.time > 0 {
		lag = now.Sub(time.Unix(int64(at.time), 0))
		c.Lag = int64(lag / time.Second)
	}
	if x.cfg.Skew >= 0 {
		c.chain, c.database = x.chainApart(at.seqno, lag), x.databaseApart(ahead)
		c.Warning = strings.Trim(c.chain+"; "+c.database, "; ")
	}
	return c
}

// chainApart says that the chain's clock is apart by more than is usual, "" where it is not.
func (x *Indexer) chainApart(seqno uint32, lag time.Duration) string {
	switch {
	case lag < -x.cfg.Skew:
		return fmt.Sprintf("block %d is dated %s after this machine's clock: this clock is slow, or the chain's is fast", seqno, -lag.Round(time.Second))
	case lag > x.cfg.Skew && x.chain.caughtUp(seqno):
		return fmt.Sprintf("block %d, the newest, is dated %s before this machine's clock: this clock is fast, or the chain stands still, or the liteservers are behind it",
			seqno, lag.Round(time.Second))
	}
	return ""
}

func (x *Indexer) databaseApart(ahead time.Duration) string {
	switch {
	case ahead > x.cfg.Skew:
		return fmt.Sprintf("the database's clock is %s ahead of this machine's", ahead.Round(time.Second))
	case ahead < -x.cfg.Skew:
		return fmt.Sprintf("the database's clock is %s behind this machine's", -ahead.Round(time.Second))
	}
	return ""
}

// tellClocks logs when clocks begin to differ by much and when they end to.
// Nothing else is done about it.
func (x *Indexer) tellClocks() {
	c := x.Clocks()
	differ := [2]bool{c.chain != "", c.database != ""}
	if differ == x.differ {
		return
	}
	if x.differ = differ; c.Warning == "" {
		x.log.Info("the clocks agree again", "seqno", x.position().seqno)
		return
	}
	x.log.Warn("clocks differ; nothing indexed depends on them, and indexing goes on", "warning", c.Warning, "hint", "set this machine's clock by a time server (NTP), then see whether the difference stays")
}
