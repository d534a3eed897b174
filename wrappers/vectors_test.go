package wrappers

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/internal/schema"
)

// vectors are what the Go face makes of values, for other faces to agree with:
// wrappers/ts tests itself against the file.
type vectors struct {
	Messages map[Kind]map[string]uint32 `json:"messages"` // operations by who takes them and by name
	Layouts  []layoutVector             `json:"layouts"`
	Signed   []signedVector             `json:"signed"`
	Births   []birthVector              `json:"births"`
	Trees    []treeVector               `json:"trees"`
}

type layoutVector struct {
	Name   string `json:"name"` // of the declaration
	Of     string `json:"of"`   // the type it constructs
	Fields record `json:"fields"`
	Hash   string `json:"hash"`
	BoC    []byte `json:"boc"`
}

type signedVector struct {
	layoutVector
	Seed      string `json:"seed"`
	Key       string `json:"key"`
	Signature string `json:"signature"`
}

type birthVector struct {
	Contract Kind   `json:"contract"`
	Birth    record `json:"birth"`
	Account  string `json:"account"`
}

type treeVector struct {
	Leaves []record     `json:"leaves"`
	Root   string       `json:"root"`
	Total  integer      `json:"total"`
	Pages  []pageVector `json:"pages"`
}

type pageVector struct {
	From  int    `json:"from"`
	Count int    `json:"count"`
	Hash  string `json:"hash"`
	BoC   []byte `json:"boc"`
}

func TestVectors_AreWhatGoMakesOfThem(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	v := vectors{Messages: operations(), Layouts: m.layouts(), Signed: m.signed(), Births: m.births(), Trees: m.trees()}
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	// a value a line, so that changes can be read
	for _, begin := range []string{`{"name":`, `{"contract":`, `{"leaves":`, `{"from":`, `"layouts":`, `"signed":`, `"births":`, `"trees":`} {
		raw = bytes.ReplaceAll(raw, []byte(begin), []byte("\n"+begin))
	}
	requireGenerated(t, "testdata/vectors.json", string(raw)+"\n")
}

// maker makes values of the schema's types, always the same ones.
type maker struct {
	*testing.T
	size
	*rand.Rand
	all   []schema.Declaration
	place map[string]int // of a declaration, by its name
}

func newMaker(t *testing.T) *maker {
	m := &maker{T: t, all: readSchema(t), place: map[string]int{}}
	for i, d := range m.all {
		m.place[d.Name] = i
	}
	return m
}

// about begins the values about name, which no other name has a part in.
func (m *maker) about(name string) {
	m.Rand = rand.New(rand.NewPCG(1, uint64(crc32.ChecksumIEEE([]byte(name)))))
}

// operations are those that the structs carry.
func operations() map[Kind]map[string]uint32 {
	all := map[Kind]map[string]uint32{}
	taken := maps.Clone(messages)
	taken[wallet] = walletMessages
	for kind, list := range taken {
		all[kind] = map[string]uint32{}
		for _, l := range list {
			all[kind][l.name] = l.op
		}
	}
	return all
}

func (m *maker) layouts() (all []layoutVector) {
	for _, d := range m.all {
		m.about(d.Name)
		for _, m.size = range []size{least, most, some, some} {
			all = append(all, m.layout(d))
			if len(d.Fields) == 0 {
				break
			}
		}
	}
	return all
}

func (m *maker) layout(d schema.Declaration) layoutVector {
	fields := m.record(d)
	c := m.cell(d, fields)
	return layoutVector{d.Name, d.Of, fields, hex.EncodeToString(c.Hash()), c.ToBOC()}
}

// cell encodes x by the struct of its layout, and reads it back.
func (m *maker) cell(d schema.Declaration, x record) *cell.Cell {
	is := reflect.TypeOf(layouts[m.place[d.Name]])
	v, again := reflect.New(is), reflect.New(is)
	m.fill(v.Elem(), d, x)
	c, err := tlb.ToCell(v.Interface())
	require.NoError(m, err, "%s %v", d.Name, x)
	s, err := c.BeginParse()
	require.NoError(m, err)
	require.NoError(m, tlb.LoadFromCell(again.Interface(), s), d.Name)
	require.Zero(m, s.BitsLeft()+uint(s.RefsNum()), d.Name)
	back, err := tlb.ToCell(again.Interface())
	require.NoError(m, err, d.Name)
	require.Equal(m, c.Hash(), back.Hash(), d.Name)
	return c
}
