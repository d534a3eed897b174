package stream

import (
	"bytes"
	"encoding/binary"

	"github.com/cocoon-network/cocoon"
)

// MaxModels are as many as one question is about: all that a registry lists.
const MaxModels = 1000

// ModelsOf asks how many workers each of some models has now that a Lease of the
// same caps and tier would be offered.
type ModelsOf struct {
	Caps   cocoon.Price
	Tier   uint8
	Models []cocoon.ModelID // ascending, each once
}

// Bytes are m as it travels.
func (m ModelsOf) Bytes() []byte {
	w := newWriter(kindModelsOf, 128+len(m.Models)*len(cocoon.ModelID{}))
	w.price(m.Caps)
	w.u8(m.Tier)
	w.u32(uint32(len(m.Models) * len(cocoon.ModelID{})))
	for _, id := range m.Models {
		w.fixed(id[:])
	}
	return w
}

// ParseModelsOf reads what Bytes wrote.
func ParseModelsOf(b []byte) (m ModelsOf, err error) {
	r := readerOf(b, kindModelsOf)
	m.Caps, m.Tier = r.price(), r.u8()
	var before []byte
	for _, id := range r.items(len(cocoon.ModelID{})) {
		if before != nil && bytes.Compare(before, id) >= 0 {
			r.fail("asks for models that do not ascend")
		}
		m.Models, before = append(m.Models, cocoon.ModelID(id)), id
	}
	return m, r.end()
}

// Models are how many workers each model has that was asked for, in that order.
type Models struct {
	Workers []uint32
}

const workersSize = 4

// Bytes are m as it travels.
func (m Models) Bytes() []byte {
	w := newWriter(kindModels, workersSize*(1+len(m.Workers)))
	w.u32(uint32(workersSize * len(m.Workers)))
	for _, n := range m.Workers {
		w.u32(n)
	}
	return w
}

// ParseModels reads what Bytes wrote.
func ParseModels(b []byte) (m Models, err error) {
	r := readerOf(b, kindModels)
	for _, n := range r.items(workersSize) {
		m.Workers = append(m.Workers, binary.BigEndian.Uint32(n))
	}
	return m, r.end()
}

// items are a blob of fields of so many bytes, one for each model.
func (r *reader) items(size int) (all [][]byte) {
	raw := r.blob(MaxModels * size)
	if len(raw)%size != 0 {
		r.fail("is cut within a field of %d bytes", size)
		return nil
	}
	for ; len(raw) > 0; raw = raw[size:] {
		all = append(all, raw[:size])
	}
	return all
}
