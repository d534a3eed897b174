package bundle

import (
	"errors"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

var errNoCell = errors.New("a proof is missing")

// writer fills one cell and keeps the first error.
type writer struct {
	b   *cell.Builder
	err error
}

func (w *writer) do(store func() error) {
	if w.err == nil {
		w.err = store()
	}
}

func (w *writer) bit(v bool) { w.do(func() error { return w.b.StoreBoolBit(v) }) }

func (w *writer) uint32(v uint32) { w.do(func() error { return w.b.StoreUInt(uint64(v), 32) }) }

func (w *writer) bytes(v []byte) { w.do(func() error { return w.b.StoreSlice(v, uint(len(v))*8) }) }

func (w *writer) maybe(c *cell.Cell) { w.do(func() error { return w.b.StoreMaybeRef(c) }) }

func (w *writer) ref(c *cell.Cell) {
	w.do(func() error {
		if c == nil {
			return errNoCell
		}
		return w.b.StoreRef(c)
	})
}

func (w *writer) block(b Block) {
	w.uint32(b.Seqno)
	w.bytes(b.Root[:])
	w.bytes(b.FileHash[:])
}

func (w *writer) end() (*cell.Cell, error) {
	if w.err != nil {
		return nil, w.err
	}
	return w.b.EndCell(), nil
}

// reader empties one cell and keeps the first error.
type reader struct {
	s   *cell.Slice
	err error
}

func open(c *cell.Cell) *reader {
	s, err := c.BeginParse()
	return &reader{s, err}
}

// take reads one thing, and nothing any more after an error.
func take[T any](r *reader, load func() (T, error)) (v T) {
	if r.err == nil {
		v, r.err = load()
	}
	return v
}

func (r *reader) bit() bool { return take(r, func() (bool, error) { return r.s.LoadBoolBit() }) }

func (r *reader) uint32() uint32 {
	return uint32(take(r, func() (uint64, error) { return r.s.LoadUInt(32) }))
}

func (r *reader) bytes(into []byte) {
	copy(into, take(r, func() ([]byte, error) { return r.s.LoadSlice(uint(len(into)) * 8) }))
}

func (r *reader) ref() *cell.Cell {
	return take(r, func() (*cell.Cell, error) { return r.s.LoadRefCell() })
}

func (r *reader) maybe() *cell.Cell {
	if r.bit() && r.err == nil {
		return r.ref()
	}
	return nil
}

func (r *reader) block() (b Block) {
	b.Seqno = r.uint32()
	r.bytes(b.Root[:])
	r.bytes(b.FileHash[:])
	return b
}
