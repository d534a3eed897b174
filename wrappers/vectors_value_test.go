package wrappers

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/internal/schema"
	"github.com/cocoon-network/cocoon/internal/tsgen"
)

// Values of the schema's types, as JSON has them: what JSON cannot say is an
// object whose only key begins with "$". Integers up to 32 bits are numbers,
// absent references are null.
type (
	integer struct{ *big.Int }
	octets  []byte
	tree    struct{ *cell.Cell }
	record  struct {
		of     string // its type in TypeScript, where a type has several constructors
		values map[string]any
	}
	dictionary [][2]any // keys and values, ascending
)

func tagged(kind string, x any) ([]byte, error) { return json.Marshal(map[string]any{kind: x}) }

func (i integer) MarshalJSON() ([]byte, error) { return tagged("$int", i.String()) }

func (o octets) MarshalJSON() ([]byte, error) { return tagged("$bytes", hex.EncodeToString(o)) }

func (c tree) MarshalJSON() ([]byte, error) { return tagged("$cell", c.ToBOC()) }

func (d dictionary) MarshalJSON() ([]byte, error) { return tagged("$dict", [][2]any(d)) }

func (r record) MarshalJSON() ([]byte, error) {
	if r.of != "" {
		r.values["$$type"] = r.of
	}
	return json.Marshal(r.values)
}

// size tells which value of a type is wanted.
type size int

const (
	least size = iota // 0, empty, absent
	most              // every bit set, everything there
	some              // by chance
)

const maxText = "ÿ€𝄞" // of two, three and four bytes

func (m *maker) record(d schema.Declaration) record {
	r := record{values: map[string]any{}}
	for _, f := range d.Fields {
		r.values[f.Name] = m.field(d, f)
	}
	return r
}

func (m *maker) field(d schema.Declaration, f schema.Field) any {
	switch name := d.Name + "." + f.Name; {
	case name == "job_terms.codes":
		return tree{m.codes()}
	case slices.Contains(tsOptions.Opaque, name):
		of, x := m.named(f.Type.Of.Name)
		return tree{m.cell(of, x)}
	}
	return m.value(f.Type)
}

func (m *maker) value(t schema.Type) any {
	switch t.Kind {
	case schema.Uint:
		if n := m.number(t.Width); t.Width > 32 {
			return integer{n}
		} else {
			return n.Int64()
		}
	case schema.Int:
		return m.number(t.Width).Int64() - 1<<(t.Width-1)
	case schema.Bits:
		return m.bytes(t.Width)
	case schema.Bool:
		return m.number(1).Sign() > 0
	case schema.Coins:
		return integer{m.number([]int{0, 120, m.IntN(121)}[m.size])}
	case schema.Maybe:
		if m.number(1).Sign() == 0 {
			return nil
		}
		return m.value(*t.Of)
	case schema.Ref:
		return m.value(*t.Of)
	case schema.Dict:
		return m.dict(t)
	}
	switch t.Name {
	case "Cell":
		return tree{m.leafCell()}
	case "Text":
		return strings.Repeat(maxText, []int{0, 13, m.IntN(8)}[m.size]) + []string{"", "cap", "Qwen/Qwen3-32B"}[m.size]
	}
	_, x := m.named(t.Name)
	return x
}

// named is a value of the first constructor of a type, which of storage is its birth.
func (m *maker) named(name string) (schema.Declaration, record) {
	var same []schema.Declaration
	for _, d := range m.all {
		if d.Of == name {
			same = append(same, d)
		}
	}
	require.NotEmpty(m, same, "nothing constructs %s", name)
	x := m.record(same[0])
	if len(same) > 1 {
		x.of = tsgen.Pascal(same[0].Name)
	}
	return same[0], x
}

// number is an unsigned integer of so many bits.
func (m *maker) number(bits int) *big.Int {
	n := new(big.Int)
	for i := range bits {
		if m.size == most || m.size == some && m.Uint64()%2 == 1 {
			n.SetBit(n, i, 1)
		}
	}
	return n
}

func (m *maker) bytes(bits int) octets {
	return m.number(bits).FillBytes(make([]byte, bits/8))
}

func (m *maker) dict(t schema.Type) dictionary {
	d := dictionary{}
	for i := range []int{0, 4, m.IntN(4)}[m.size] { // keys ascend: each lies in a quarter of its own
		key := new(big.Int).Lsh(big.NewInt(int64(i)), uint(t.Width-2))
		key.Or(key, m.number(t.Width-2))
		if t.Width > 32 {
			d = append(d, [2]any{octets(key.FillBytes(make([]byte, t.Width/8))), m.value(*t.Of)})
		} else {
			d = append(d, [2]any{key.Int64(), m.value(*t.Of)})
		}
	}
	return d
}

// leafCell is a cell with one below it, unless it is empty.
func (m *maker) leafCell() *cell.Cell {
	b := cell.BeginCell()
	if bits := []int{0, 1023, m.IntN(1024)}[m.size]; bits > 0 {
		b.MustStoreSlice(m.bytes((bits+7)/8*8), uint(bits)).MustStoreRef(cell.BeginCell().MustStoreBigUInt(m.number(7), 7).EndCell())
	}
	return b.EndCell()
}

func (m *maker) codes() *cell.Cell {
	b := cell.BeginCell()
	for range []int{0, MaxBirthCodes, 1}[m.size] {
		b.MustStoreSlice(m.bytes(256), 256).MustStoreSlice(m.bytes(16), 16)
	}
	return b.EndCell()
}
