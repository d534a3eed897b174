package stream

import (
	"encoding/binary"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

// writer appends big-endian fields.
type writer []byte

func newWriter(k kind, size int) writer { return append(make(writer, 0, size+2), Version, byte(k)) }

func (w *writer) u8(v uint8)         { *w = append(*w, v) }
func (w *writer) u32(v uint32)       { *w = binary.BigEndian.AppendUint32(*w, v) }
func (w *writer) u64(v uint64)       { *w = binary.BigEndian.AppendUint64(*w, v) }
func (w *writer) fixed(b []byte)     { *w = append(*w, b...) }
func (w *writer) blob(b []byte)      { w.u32(uint32(len(b))); w.fixed(b) }
func (w *writer) nano(n cocoon.Nano) { *w = n.AppendBytes(*w) }

func (w *writer) flag(v bool) {
	if v {
		w.u8(1)
	} else {
		w.u8(0)
	}
}

func (w *writer) price(p cocoon.Price) {
	for _, n := range [...]cocoon.Nano{p.Prompt, p.Cached, p.Completion, p.Reasoning} {
		w.nano(n)
	}
}

func (w *writer) usage(u cocoon.Usage) {
	for _, n := range [...]uint64{u.Prompt, u.Cached, u.Completion, u.Reasoning} {
		w.u64(n)
	}
}

// reader takes fields off a message; after a failure all are zero and err says which message.
type reader struct {
	what string
	rest []byte
	err  error
}

// readerOf begins to read a message of one kind.
func readerOf(b []byte, k kind) *reader {
	r := &reader{what: kinds[k], rest: b}
	version, got := r.u8(), r.u8()
	switch {
	case r.err != nil:
	case version != Version:
		r.fail("is of version %d, this program speaks %d", version, Version)
	case kind(got) != k:
		r.fail("is of kind %d, not %d", got, k)
	}
	return r
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = cocoon.Invalid.Errorf(r.what+" "+format, args...)
	}
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.fail("is cut short")
	}
	if r.err != nil {
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) into(b []byte) { copy(b, r.take(len(b))) }

func (r *reader) u8() uint8 {
	var b [1]byte
	r.into(b[:])
	return b[0]
}

func (r *reader) flag() bool {
	v := r.u8()
	if v > 1 {
		r.fail("has a flag that is neither 0 nor 1")
	}
	return v == 1
}

func (r *reader) u32() uint32 {
	var b [4]byte
	r.into(b[:])
	return binary.BigEndian.Uint32(b[:])
}

func (r *reader) u64() uint64 {
	var b [8]byte
	r.into(b[:])
	return binary.BigEndian.Uint64(b[:])
}

// blob is a field with its length before it, of at most so many bytes. It shares the message's memory.
func (r *reader) blob(most int) []byte {
	n := r.u32()
	if uint64(n) > uint64(most) {
		r.fail("has a field of %d bytes, the most is %d", n, most)
		return nil
	}
	return r.take(int(n))
}

func (r *reader) nano() cocoon.Nano {
	var b [cocoon.NanoSize]byte
	r.into(b[:])
	return cocoon.NanoFromBytes(b)
}

func (r *reader) price() cocoon.Price {
	return cocoon.Price{Prompt: r.nano(), Cached: r.nano(), Completion: r.nano(), Reasoning: r.nano()}
}

func (r *reader) usage() cocoon.Usage {
	return cocoon.Usage{Prompt: r.u64(), Cached: r.u64(), Completion: r.u64(), Reasoning: r.u64()}
}

// node is the name of a dispatcher's node, which becomes part of a subject.
func (r *reader) node() string {
	name := string(r.blob(maxNode))
	r.checkNode(name)
	return name
}

func (r *reader) checkNode(name string) {
	if r.err == nil && bus.ValidateNode(name) != nil {
		r.fail("names a node that has no such name")
	}
}

// count is how many items of a list follow.
func (r *reader) count(most int) int {
	n := int(r.u8())
	if n > most {
		r.fail("lists %d, the most is %d", n, most)
		return 0
	}
	return n
}

// end is the error of the whole message; bytes that are left over are one.
func (r *reader) end() error {
	if len(r.rest) > 0 {
		r.fail("has %d bytes too many", len(r.rest))
	}
	return r.err
}
