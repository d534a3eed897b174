package cocoon

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// ErrOverflow says that an amount left the range of 0 to 2^120 - 1 nanoTON,
// all that TON's Coins type can hold.
var ErrOverflow = errors.New("amount out of range")

// Nano is an amount of money in nanoTON, 10^-9 TON. It is never negative and
// never above 2^120 - 1. The zero value is no money; == compares amounts.
type Nano struct{ hi, lo uint64 }

const hiLimit = 1 << 56 // 120 bits in all

// NanoOf returns n nanoTON.
func NanoOf(n uint64) Nano { return Nano{lo: n} }

// TON returns n whole TON.
func TON(n uint64) Nano {
	hi, lo := bits.Mul64(n, 1_000_000_000)
	return Nano{hi, lo}
}

// NanoFromBig converts b, or returns ErrOverflow where it is negative or too big.
func NanoFromBig(b *big.Int) (Nano, error) {
	if b.Sign() < 0 || b.BitLen() > 120 {
		return Nano{}, fmt.Errorf("%w: %s", ErrOverflow, b)
	}
	var buf [16]byte
	b.FillBytes(buf[:])
	var n Nano
	for i := range 8 {
		n.hi = n.hi<<8 | uint64(buf[i])
		n.lo = n.lo<<8 | uint64(buf[8+i])
	}
	return n, nil
}

// NanoSize is how many bytes an amount has where it travels: all that fits is an amount.
const NanoSize = 120 / 8

// NanoFromBytes reads what AppendBytes wrote.
func NanoFromBytes(b [NanoSize]byte) Nano {
	return Nano{binary.BigEndian.Uint64(b[:]) >> 8, binary.BigEndian.Uint64(b[NanoSize-8:])}
}

// AppendBytes writes the amount behind b, big-endian.
func (n Nano) AppendBytes(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, n.hi<<8) // its 56 bits, and the first byte of lo's place
	return binary.BigEndian.AppendUint64(b[:len(b)-1], n.lo)
}

// ParseNano reads a decimal count of nanoTON, as our JSON writes amounts.
func ParseNano(s string) (Nano, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" || len(s) > 40 {
		return Nano{}, fmt.Errorf("%q is not a whole number of nanoTON", s)
	}
	b, _ := new(big.Int).SetString(s, 10)
	return NanoFromBig(b)
}

// ParseTON reads a decimal amount of TON with at most nine places, as people
// type it: "12", "0.5".
func ParseTON(s string) (Nano, error) {
	whole, frac, _ := strings.Cut(s, ".")
	if whole == "" || len(frac) > 9 || strings.HasSuffix(s, ".") {
		return Nano{}, fmt.Errorf("%q is not an amount of TON (digits, at most nine after the point)", s)
	}
	n, err := ParseNano(whole + frac + strings.Repeat("0", 9-len(frac)))
	if err != nil {
		return Nano{}, fmt.Errorf("%q is not an amount of TON (digits, at most nine after the point)", s)
	}
	return n, nil
}

// Big returns the amount as a new big integer.
func (n Nano) Big() *big.Int {
	b := new(big.Int).SetUint64(n.hi)
	return b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(n.lo))
}

// IsZero reports whether there is no money.
func (n Nano) IsZero() bool { return n == Nano{} }

// Cmp is -1, 0 or +1 as n is less than, equal to or greater than m.
func (n Nano) Cmp(m Nano) int {
	switch {
	case n == m:
		return 0
	case n.hi < m.hi || n.hi == m.hi && n.lo < m.lo:
		return -1
	}
	return 1
}

// Add returns n + m, or ErrOverflow.
func (n Nano) Add(m Nano) (Nano, error) {
	lo, carry := bits.Add64(n.lo, m.lo, 0)
	hi, _ := bits.Add64(n.hi, m.hi, carry)
	return checked(hi, lo)
}

// Sub returns n - m, or ErrOverflow where m is the larger.
func (n Nano) Sub(m Nano) (Nano, error) {
	lo, borrow := bits.Sub64(n.lo, m.lo, 0)
	hi, borrow := bits.Sub64(n.hi, m.hi, borrow)
	if borrow != 0 {
		return Nano{}, fmt.Errorf("%w: %s - %s", ErrOverflow, n, m)
	}
	return Nano{hi, lo}, nil
}

// MaxNano is the largest amount.
var MaxNano = Nano{hiLimit - 1, 1<<64 - 1}

// Plus is n + m, MaxNano where that is beyond it: for bounds, and for sums of what
// a deposit bounds. Money that moves is added with Add.
func (n Nano) Plus(m Nano) Nano {
	sum, err := n.Add(m)
	if err != nil {
		return MaxNano
	}
	return sum
}

// Minus is n - m, nothing where m is the larger.
func (n Nano) Minus(m Nano) Nano {
	if n.Cmp(m) < 0 {
		return Nano{}
	}
	rest, _ := n.Sub(m)
	return rest
}

// Min is the smaller of two.
func (n Nano) Min(m Nano) Nano {
	if m.Cmp(n) < 0 {
		return m
	}
	return n
}

// Max is the larger of two.
func (n Nano) Max(m Nano) Nano {
	if m.Cmp(n) > 0 {
		return m
	}
	return n
}

// Mul returns n * k, or ErrOverflow.
func (n Nano) Mul(k uint64) (Nano, error) {
	over, mid := bits.Mul64(n.hi, k)
	carry, lo := bits.Mul64(n.lo, k)
	hi, c := bits.Add64(mid, carry, 0)
	if over != 0 || c != 0 {
		return Nano{}, fmt.Errorf("%w: %s * %d", ErrOverflow, n, k)
	}
	return checked(hi, lo)
}

// MulDiv returns n * k / d rounded down, as for a share in basis points. The
// product is not bounded; ErrOverflow says that the result is. d must not be 0.
func (n Nano) MulDiv(k, d uint64) (Nano, error) {
	top, mid := bits.Mul64(n.hi, k)
	carry, low := bits.Mul64(n.lo, k)
	mid, c := bits.Add64(mid, carry, 0)
	if top += c; top >= d {
		return Nano{}, fmt.Errorf("%w: %s * %d / %d", ErrOverflow, n, k, d)
	}
	hi, rest := bits.Div64(top, mid, d)
	lo, _ := bits.Div64(rest, low, d)
	return checked(hi, lo)
}

func (n Nano) divCeil(d uint64) Nano {
	hi, rem := n.hi/d, n.hi%d
	lo, rem := bits.Div64(rem, n.lo, d)
	if rem != 0 {
		var carry uint64
		lo, carry = bits.Add64(lo, 1, 0)
		hi += carry
	}
	return Nano{hi, lo}
}

func checked(hi, lo uint64) (Nano, error) {
	if hi >= hiLimit {
		return Nano{}, ErrOverflow
	}
	return Nano{hi, lo}, nil
}

// Text is the decimal count of nanoTON, as our JSON and database write it.
func (n Nano) Text() string {
	if n.hi == 0 {
		return strconv.FormatUint(n.lo, 10)
	}
	return n.Big().String()
}

// String is the amount for people: "1.5 TON".
func (n Nano) String() string {
	s := fmt.Sprintf("%010s", n.Text())
	whole, frac := s[:len(s)-9], strings.TrimRight(s[len(s)-9:], "0")
	if frac != "" {
		whole += "." + frac
	}
	return whole + " " + Coin
}

// MarshalJSON writes a decimal string, since JSON numbers lose precision.
func (n Nano) MarshalJSON() ([]byte, error) { return []byte(`"` + n.Text() + `"`), nil }

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Nano) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("an amount is a decimal string: %w", err)
	}
	v, err := ParseNano(s)
	if err == nil {
		*n = v
	}
	return err
}
