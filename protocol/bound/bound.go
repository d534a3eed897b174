// Package bound is the arithmetic of the bounds that client, dispatcher and
// worker keep between them while requests are served over a channel: the same
// functions on every side, so that nobody stops where another goes on. The
// numbers (1) to (6) are those of docs/protocol/book.md.
package bound

import (
	"time"

	"github.com/cocoon-network/cocoon"
)

// The amounts and times that the bounds are made of.
const (
	Slice  = 512              // completion tokens of a choice that are reserved ahead
	Silent = 10 * time.Minute // after which a client's cover may be settled
	Stale  = 5 * time.Minute  // a book that is older speaks for nobody
	Aged   = time.Hour        // what is unsettled for as long is settled, if it is worth it
)

var (
	base   = cocoon.NanoOf(5_000_000)
	credit = cocoon.NanoOf(20_000_000)
	window = cocoon.TON(1)
)

// Base is the part of a dispute allowance that nobody has to earn: 0.005 TON.
func Base() cocoon.Nano { return base }

// Burst is how much more than its dispute allowance a channel may have open: 0.05 TON,
// 64 requests of a dear model at once.
func Burst() cocoon.Nano { return cocoon.NanoOf(50_000_000) }

// Earn is what a provider may be owed without a new signature: 0.01 TON.
func Earn() cocoon.Nano { return cocoon.NanoOf(10_000_000) }

// Window is P of (2): how far above agreed usage a client signs cover, where it
// wants wanted reserved at once and spent peak in its busiest minute. It is
// the larger of twice wanted and peak, within 0.02 and 1 TON.
func Window(wanted, peak cocoon.Nano) cocoon.Nano {
	twice, err := wanted.Add(wanted)
	if err != nil {
		return window
	}
	return twice.Max(peak).Max(credit).Min(window)
}

// Credit is X_u of (4): how much unacknowledged work a worker carries that
// earned minute in its last 60 s. It is at least 0.02 TON.
func Credit(minute cocoon.Nano) cocoon.Nano { return minute.Max(credit) }

// Allowance is how much of total may be in dispute before there is no more
// trust: free and 1 % of total. ErrOverflow says that there is no such amount.
func Allowance(free, total cocoon.Nano) (cocoon.Nano, error) {
	part, err := total.MulDiv(1, 100)
	if err != nil {
		return cocoon.Nano{}, err
	}
	return free.Add(part)
}

// Worth is what has to be unsettled for (6) to call a settlement that costs
// fee due by its age: 50 times that, at least 0.02 TON.
func Worth(fee cocoon.Nano) (cocoon.Nano, error) {
	n, err := fee.Mul(50)
	return n.Max(credit), err
}

// Fees are the shares of what a client pays that are not the provider's, the
// network's and the dispatcher's together, in basis points: f of (5).
type Fees uint16

// Validate reports fees that leave a provider nothing.
func (f Fees) Validate() error {
	if f >= 10_000 {
		return cocoon.Invalid.Errorf("fees of %d basis points leave a provider nothing", f)
	}
	return nil
}

// Rest is (1-f) of n, rounded down: so no sum of parts passes the part of a sum.
func (f Fees) Rest(n cocoon.Nano) cocoon.Nano {
	if f >= 10_000 {
		return cocoon.Nano{}
	}
	rest, err := n.MulDiv(10_000-uint64(f), 10_000)
	if err != nil {
		return cocoon.Nano{} // never: it is no more than n
	}
	return rest
}

// Backing is what may be earned and not opened by (5): (1-f) of the pot, and the bond.
func (f Fees) Backing(pot, bond cocoon.Nano) (cocoon.Nano, error) { return f.Rest(pot).Add(bond) }
