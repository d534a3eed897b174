package ledger

import (
	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
)

// aDay is for how long, in seconds, what was denied of a burst is missing in the pool.
const aDay = 86_400

// lends reports whether c may have more than its allowance open by beyond. A stranger
// that begins with many requests is no cheat, but any of a thousand strangers may be:
// what they have beyond their allowances comes out of one pool, and what one of them
// denies is back in it a day later.
func (l *Ledger) lends(c *channel, beyond cocoon.Nano) bool {
	if beyond.Cmp(l.cfg.Burst) > 0 {
		return false
	}
	for account := range l.state.lent {
		switch n := l.beyond(l.state.channels[account]); {
		case n.IsZero():
			delete(l.state.lent, account)
		case account != c.Facts.Account:
			beyond = beyond.Plus(n)
		}
	}
	if beyond.Cmp(l.cfg.Pool) > 0 {
		return false
	}
	l.state.lent[c.Facts.Account] = true
	return true
}

// beyond is what c has of the pool, by what is open and what it has denied of late.
func (l *Ledger) beyond(c *channel) cocoon.Nano {
	if c == nil || c.reserved.IsZero() && l.now()-c.Denied >= aDay {
		return cocoon.Nano{}
	}
	allowance, err := bound.Allowance(l.cfg.Free, c.Agreed)
	if err != nil {
		return cocoon.Nano{} // agreed usage of more than there is
	}
	return c.Disputed.Plus(c.reserved).Minus(allowance)
}
