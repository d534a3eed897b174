package money

import (
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
)

// Most is the most that a dispatcher may ever hold unearned.
var Most = cocoon.TON(1)

// slots of a second each are what a minute looks back on.
const slots = 60

// minute is what was wanted and spent in the last 60 seconds.
type minute struct {
	at     [slots]int64       // the second that the others are of
	wanted [slots]cocoon.Nano // the most at a time
	spent  [slots]cocoon.Nano
}

// slot is the place of now.
func (m *minute) slot(now time.Time) int {
	second := now.Unix()
	i := int(((second % slots) + slots) % slots)
	if m.at[i] != second {
		m.at[i], m.wanted[i], m.spent[i] = second, cocoon.Nano{}, cocoon.Nano{}
	}
	return i
}

func (m *minute) want(now time.Time, n cocoon.Nano) {
	i := m.slot(now)
	m.wanted[i] = m.wanted[i].Max(n)
}

func (m *minute) spend(now time.Time, n cocoon.Nano) {
	i := m.slot(now)
	m.spent[i] = m.spent[i].Plus(n)
}

// bound is P: bound.Window of the most that was wanted at a time, and of all that
// was spent.
func (m *minute) bound(now time.Time) cocoon.Nano {
	var wanted, spent cocoon.Nano
	for i, at := range m.at {
		if age := now.Unix() - at; age >= 0 && age < slots {
			wanted, spent = wanted.Max(m.wanted[i]), spent.Plus(m.spent[i])
		}
	}
	return bound.Window(wanted, spent)
}

// part is n / d, rounded down.
func part(n cocoon.Nano, d uint64) cocoon.Nano {
	q, err := n.MulDiv(1, d)
	if err != nil {
		return n
	}
	return q
}
