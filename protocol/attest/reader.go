package attest

import "encoding/binary"

// reader reads what travels; it answers zeros after the end, and err then says so.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.err = because(ErrMalformed, "ends within a field of %d bytes", n)
		r.rest = nil
		return make([]byte, min(max(n, 0), 64))
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) into(b []byte)  { copy(b, r.bytes(len(b))) }
func (r *reader) uint8() uint8   { return r.bytes(1)[0] }
func (r *reader) uint16() uint16 { return binary.BigEndian.Uint16(r.bytes(2)) }
func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.bytes(4)) }

// blob reads a length of 4 bytes and so many bytes, at most limit; nil where there are none.
func (r *reader) blob(limit int) []byte {
	n := int64(r.uint32())
	if n > int64(limit) {
		r.err, r.rest = because(ErrMalformed, "a field of %d bytes is over its limit of %d", n, limit), nil
	}
	if n == 0 || r.err != nil {
		return nil
	}
	return r.bytes(int(n))
}

func appendBlob(b, blob []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(blob))), blob...)
}
