package trace

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/xssnick/tonutils-go/tlb"
)

// coin is the display name of the coin.
const coin = "TON"

// Nano is an amount in nanoTON; the zero value is nothing.
type Nano struct{ n *big.Int }

func nanoOf(c tlb.Coins) Nano { return Nano{c.Nano()} }

func maybeNano(c *tlb.Coins) *Nano {
	if c == nil {
		return nil
	}
	n := nanoOf(*c)
	return &n
}

// Text is the decimal count of nanoTON.
func (n Nano) Text() string {
	if n.n == nil {
		return "0"
	}
	return n.n.String()
}

// String is the amount for people, exactly: "1.5 TON".
func (n Nano) String() string {
	digits, minus := strings.CutPrefix(n.Text(), "-")
	s := fmt.Sprintf("%010s", digits)
	whole, frac := s[:len(s)-9], strings.TrimRight(s[len(s)-9:], "0")
	if frac != "" {
		whole += "." + frac
	}
	if minus {
		whole = "-" + whole
	}
	return whole + " " + coin
}

// full is the amount in both units.
func (n Nano) full() string { return n.String() + " (" + n.Text() + " nano" + coin + ")" }

// MarshalJSON writes a decimal string of nanoTON, since JSON numbers lose precision.
func (n Nano) MarshalJSON() ([]byte, error) { return json.Marshal(n.Text()) }
