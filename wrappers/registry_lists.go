package wrappers

import (
	"unicode/utf8"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// MaxNameBytes bounds the names a registry lists, so that an entry is one cell.
const MaxNameBytes = 120

// ModelData is what a registry says about a model.
type ModelData struct {
	MinVRAMMiB uint32 `tlb:"## 32"` // of a worker's GPUs together; 0 where it does not matter
	Name       Text   `tlb:"."`     // public, as in "Qwen/Qwen3-32B"; its hash is the id
}

// ImageData is what a registry says about an image that workers may run.
type ImageData struct {
	Name Text `tlb:"."`
}

// CodeData is what a registry says about the code of a contract.
type CodeData struct {
	Depth    uint16 `tlb:"## 16"` // of the code's cell, which an address depends on
	Contract Text   `tlb:"."`
}

// Text is UTF-8 that fills the rest of its cell, at most MaxNameBytes of it.
type Text string

// ToCell writes the bytes of t.
func (t Text) ToCell() (*cell.Cell, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	b := cell.BeginCell()
	if err := b.StoreSlice([]byte(t), uint(len(t)*8)); err != nil {
		return nil, err
	}
	return b.EndCell(), nil
}

// LoadFromCell reads what is left of s.
func (t *Text) LoadFromCell(s *cell.Slice) error {
	bits := s.BitsLeft()
	raw, err := s.LoadSlice(bits)
	if err != nil {
		return err
	}
	if bits%8 != 0 {
		return cocoon.Invalid.Errorf("%d bits are no text", bits)
	}
	*t = Text(raw)
	return t.validate()
}

func (t Text) validate() error {
	if len(t) > MaxNameBytes {
		return cocoon.Invalid.Errorf("a text of %d bytes is longer than %d", len(t), MaxNameBytes)
	}
	if !utf8.ValidString(string(t)) {
		return cocoon.Invalid.Errorf("a text of %d bytes is not UTF-8", len(t))
	}
	return nil
}
