package ledger

import (
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Wanted is the reason where none of (6) applies, but an epoch is to pay what it brings.
const Wanted Reason = "wanted"

// Settleable lists all that can be settled now and brings more than its fee,
// dearest first: what to settle where the pot cannot pay Leaves. Of present it is as
// with Due.
func (l *Ledger) Settleable(now time.Time, present []cocoon.Account) (all []Settlement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.seen(present, now.Unix())
	for _, c := range l.state.channels {
		if s := c.settlement(now.Unix()); s.Amount.Cmp(l.cfg.Fee) > 0 {
			s.Reason = Wanted
			all = append(all, s)
		}
	}
	slices.SortFunc(all, dearest)
	return all
}
