// Package wrappers is the Go face of our contracts: typed messages, states
// and get-methods, one file a contract. Builders are pure; nothing here sends.
// The layouts are those of contracts/schema.tlb.
package wrappers

import (
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// Coins is an amount as a message carries it.
type Coins struct{ cocoon.Nano }

// ToCell writes the amount as TL-B's Coins.
func (c Coins) ToCell() (*cell.Cell, error) {
	b := cell.BeginCell()
	if err := b.StoreBigCoins(c.Big()); err != nil {
		return nil, fmt.Errorf("store %s: %w", c.Nano, err)
	}
	return b.EndCell(), nil
}

// LoadFromCell reads TL-B's Coins.
func (c *Coins) LoadFromCell(s *cell.Slice) error {
	v, err := s.LoadBigCoins()
	if err != nil {
		return err
	}
	c.Nano, err = cocoon.NanoFromBig(v)
	return err
}

// fixedCoins is an amount of one length, whatever it is.
type fixedCoins struct{ cocoon.Nano }

const fixedCoinsBits = 120

// ToCell writes the amount in 120 bits.
func (c fixedCoins) ToCell() (*cell.Cell, error) {
	b := cell.BeginCell()
	if err := b.StoreBigUInt(c.Big(), fixedCoinsBits); err != nil {
		return nil, fmt.Errorf("store %s: %w", c.Nano, err)
	}
	return b.EndCell(), nil
}

// LoadFromCell reads 120 bits.
func (c *fixedCoins) LoadFromCell(s *cell.Slice) error {
	v, err := s.LoadBigUInt(fixedCoinsBits)
	if err != nil {
		return err
	}
	c.Nano, err = cocoon.NanoFromBig(v)
	return err
}

// Cell encodes v, a struct with tlb tags, as its schema line says.
func Cell[T any](v T) (*cell.Cell, error) {
	c, err := tlb.ToCell(&v) // by pointer: the encoder needs addressable arrays
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return c, nil
}

// Decode reads a T out of c, to its end: what is left over is an error.
func Decode[T any](c *cell.Cell) (v T, err error) {
	if c == nil {
		return v, cocoon.Invalid.Errorf("decode %T: no cell", v)
	}
	s, err := c.BeginParse()
	if err != nil {
		return v, cocoon.Invalid.Errorf("decode %T: %w", v, err)
	}
	if err = tlb.LoadFromCell(&v, s); err != nil {
		return v, cocoon.Invalid.Errorf("decode %T: %w", v, err)
	}
	if s.BitsLeft() > 0 || s.RefsNum() > 0 {
		return v, cocoon.Invalid.Errorf("decode %T: %d bits and %d references too many", v, s.BitsLeft(), s.RefsNum())
	}
	return v, nil
}
