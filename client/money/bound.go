package money

import (
	"time"

	"github.com/cocoon-network/cocoon"
)

var (
	// Floor is the least that a dispatcher may hold unearned, 0.02 TON.
	Floor = cocoon.NanoOf(20_000_000)
	// Most is the most that a dispatcher may ever hold unearned.
	Most = cocoon.TON(1)
)

// slots of a second each are what a peak looks back on.
const slots = 60

// peak is the largest of the figures noted in the last 60 seconds.
type peak struct {
	at  [slots]int64 // the second that most is of
	top [slots]cocoon.Nano
}

func (p *peak) note(now time.Time, n cocoon.Nano) {
	second := now.Unix()
	i := int(((second % slots) + slots) % slots)
	if p.at[i] != second {
		p.at[i], p.top[i] = second, cocoon.Nano{}
	}
	p.top[i] = larger(p.top[i], n)
}

func (p *peak) of(now time.Time) (most cocoon.Nano) {
	for i, at := range p.at {
		if age := now.Unix() - at; age >= 0 && age < slots {
			most = larger(most, p.top[i])
		}
	}
	return most
}

// boundOf is P for a peak of reserves: clamp(2 * reserves, Floor, Most).
func boundOf(reserves cocoon.Nano) cocoon.Nano {
	return smaller(larger(plus(reserves, reserves), Floor), Most)
}

func larger(a, b cocoon.Nano) cocoon.Nano {
	if a.Cmp(b) < 0 {
		return b
	}
	return a
}

func smaller(a, b cocoon.Nano) cocoon.Nano {
	if a.Cmp(b) > 0 {
		return b
	}
	return a
}

// ceilingOfAmounts is more than any channel holds: a sum that does not fit is
// never covered.
var ceilingOfAmounts = func() cocoon.Nano {
	n, err := cocoon.ParseNano("1329227995784915872903807060280344575") // 2^120 - 1
	if err != nil {
		panic(err)
	}
	return n
}()

func plus(a, b cocoon.Nano) cocoon.Nano {
	n, err := a.Add(b)
	if err != nil {
		return ceilingOfAmounts
	}
	return n
}

// minus is a - b, nothing where b is the larger.
func minus(a, b cocoon.Nano) cocoon.Nano {
	n, err := a.Sub(b)
	if err != nil {
		return cocoon.Nano{}
	}
	return n
}

// part is n / d, rounded down.
func part(n cocoon.Nano, d uint64) cocoon.Nano {
	q, err := n.MulDiv(1, d)
	if err != nil {
		return n
	}
	return q
}
