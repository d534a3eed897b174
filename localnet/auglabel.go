package localnet

import (
	"errors"
	"math/bits"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// sharedUntil is the first bit from from on, at most end, that two keys do not share.
func sharedUntil(a, b []byte, from, end uint) uint {
	for i := from; i < end; i++ {
		if bit(a, i) != bit(b, i) {
			return i
		}
	}
	return end
}

func setBit(key []byte, i uint, one bool) {
	key[i/8] &^= 1 << (7 - i%8)
	if one {
		key[i/8] |= 1 << (7 - i%8)
	}
}

// loadLabel reads an HmLabel of at most most bits into a key, from from on, and
// returns where it ends.
func loadLabel(s *cell.Slice, key []byte, from, most uint) (end uint, err error) {
	width := uint(bits.Len(most))
	long, err := s.LoadBoolBit()
	if err != nil {
		return 0, err
	}
	if !long { // hml_short$0 len:(Unary n) s:(n * Bit)
		n := uint(0)
		for {
			more, err := s.LoadBoolBit()
			if err != nil {
				return 0, err
			}
			if !more {
				return from + n, loadBits(s, key, from, n, most)
			}
			n++
		}
	}
	same, err := s.LoadBoolBit()
	if err != nil {
		return 0, err
	}
	one := false
	if same { // hml_same$11 v:Bit n:(#<= m)
		if one, err = s.LoadBoolBit(); err != nil {
			return 0, err
		}
	}
	count, err := s.LoadUInt(width)
	if err != nil {
		return 0, err
	}
	n := uint(count)
	if !same { // hml_long$10 n:(#<= m) s:(n * Bit)
		return from + n, loadBits(s, key, from, n, most)
	}
	if n > most {
		return 0, errLabel
	}
	for i := range n {
		setBit(key, from+i, one)
	}
	return from + n, nil
}

var errLabel = errors.New("a label of a dictionary is longer than its key")

func loadBits(s *cell.Slice, key []byte, from, n, most uint) error {
	if n > most {
		return errLabel
	}
	raw, err := s.LoadSlice(n)
	if err != nil {
		return err
	}
	for i := range n {
		setBit(key, from+i, bit(raw, i))
	}
	return nil
}
