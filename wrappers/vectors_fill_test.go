package wrappers

import (
	"math/big"
	"reflect"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/schema"
)

// fill puts x into a struct with the layout of d.
func (m *maker) fill(v reflect.Value, d schema.Declaration, x record) {
	first := v.NumField() - len(d.Fields) // what comes before is the tag
	for i, f := range d.Fields {
		m.set(v.Field(first+i), f.Type, x.values[f.Name])
	}
}

func (m *maker) set(v reflect.Value, t schema.Type, x any) {
	switch x := x.(type) {
	case nil:
	case int64:
		if v.CanInt() {
			v.SetInt(x)
		} else {
			v.SetUint(uint64(x))
		}
	case integer:
		if v.CanUint() {
			v.SetUint(x.Uint64())
			return
		}
		n, err := cocoon.NanoFromBig(x.Int)
		require.NoError(m, err)
		v.Set(reflect.ValueOf(Coins{n}).Convert(v.Type())) // or fixedCoins
	case octets:
		reflect.Copy(v, reflect.ValueOf([]byte(x)))
	case bool:
		v.SetBool(x)
	case string:
		v.SetString(x)
	case dictionary:
		v.Set(reflect.ValueOf(m.dictionary(t, x)))
	case tree:
		m.setCell(v, x.Cell)
	case record:
		m.setRecord(v, t, x)
	}
}

// setCell puts c into a field that keeps a cell or reads one.
func (m *maker) setCell(v reflect.Value, c *cell.Cell) {
	if v.Type() == reflect.TypeFor[*cell.Cell]() {
		v.Set(reflect.ValueOf(c))
		return
	}
	s, err := c.BeginParse()
	require.NoError(m, err)
	require.NoError(m, v.Addr().Interface().(interface{ LoadFromCell(*cell.Slice) error }).LoadFromCell(s))
}

func (m *maker) setRecord(v reflect.Value, t schema.Type, x record) {
	for t.Of != nil {
		t = *t.Of
	}
	var d schema.Declaration
	for _, d = range m.all {
		if d.Of == t.Name {
			break
		}
	}
	switch {
	case v.Type() == reflect.TypeFor[*cell.Cell]():
		v.Set(reflect.ValueOf(m.cell(d, x)))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		m.fill(v.Elem(), d, x)
	default:
		m.fill(v, d, x)
	}
}

func (m *maker) dictionary(t schema.Type, x dictionary) *cell.Dictionary {
	d := cell.NewDict(uint(t.Width))
	for _, kv := range x {
		key := m.element(schema.Type{Kind: schema.Bits, Width: t.Width}, kv[0])
		require.NoError(m, d.Set(key, m.element(*t.Of, kv[1])))
	}
	return d
}

// element is a key or a value of a dictionary in a cell.
func (m *maker) element(t schema.Type, x any) *cell.Cell {
	b := cell.BeginCell()
	switch x := x.(type) {
	case int64:
		b.MustStoreBigUInt(big.NewInt(x), uint(t.Width))
	case integer:
		b.MustStoreBigCoins(x.Int)
	case octets:
		b.MustStoreSlice(x, uint(t.Width))
	case record:
		var c *cell.Cell
		m.setRecord(reflect.ValueOf(&c).Elem(), t, x)
		if t.Kind != schema.Ref {
			return c
		}
		b.MustStoreRef(c)
	default:
		require.FailNow(m, "no element", "%T", x)
	}
	return b.EndCell()
}
