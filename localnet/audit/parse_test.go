package audit

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// oneRound is a toy's first masterchain block with the shard blocks under it.
func oneRound(t testing.TB) (zero []Block, master Block, shards []Block) {
	t.Helper()
	c := newToy(t, 5, 0)
	c.rounds(1)
	f := &follower{fetch: c.fetch, known: map[hash]bool{}}
	line, err := f.line(c.master.id())
	require.NoError(t, err)
	zero, err = f.zerostates(line[0])
	require.NoError(t, err)
	shards, err = f.under(line[1])
	require.NoError(t, err)
	return zero, line[1], shards
}

func TestAdd_WantsBytesOfTheIDGiven(t *testing.T) {
	t.Parallel()
	zero, master, shards := oneRound(t)
	for name, spoil := range map[string]func(*ton.BlockIDExt){
		"file hash": func(id *ton.BlockIDExt) { id.FileHash[0] ^= 1 },
		"root hash": func(id *ton.BlockIDExt) { id.RootHash[0] ^= 1 },
	} {
		id := shards[0].ID.Copy()
		spoil(id)
		a, err := New(zero)
		require.NoError(t, err)
		var v *Violation
		require.ErrorAs(t, a.Add(master, []Block{{id, shards[0].BoC}}), &v, name)
		require.Equal(t, RuleParse, v.Rule)
		require.Contains(t, v.Error(), name)
	}
}

func TestAdd_WantsEveryShardBlockOnce(t *testing.T) {
	t.Parallel()
	zero, master, shards := oneRound(t)
	add := func(shards ...Block) error {
		a, err := New(zero)
		require.NoError(t, err)
		return a.Add(master, shards)
	}
	require.NoError(t, add(shards...))
	require.Error(t, add(), "none")
	require.Error(t, add(append(shards, shards[0])...), "one twice")
	require.Error(t, add(master), "the masterchain's in place of a shard's")
	a, err := New(zero)
	require.NoError(t, err)
	require.Error(t, a.Add(shards[0], nil), "a shard's in place of the masterchain's")
}

func TestNew_WantsZerostates(t *testing.T) {
	t.Parallel()
	zero, master, _ := oneRound(t)
	_, err := New(zero[1:])
	require.Error(t, err, "none of the masterchain")
	_, err = New([]Block{master})
	require.Error(t, err, "a block")
	spoiled := zero[0]
	spoiled.BoC = bytes.Clone(spoiled.BoC[:len(spoiled.BoC)-1])
	_, err = New([]Block{spoiled})
	require.Error(t, err, "cut off")
}

func FuzzAlone(f *testing.F) {
	_, master, shards := oneRound(f)
	for _, b := range append(shards, master) {
		f.Add(b.BoC)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		id, err := Alone(raw)
		if err != nil {
			return
		}
		root, err := cell.FromBOC(raw)
		require.NoError(t, err)
		require.Equal(t, root.Hash(), id.RootHash)
	})
}

func FuzzState(f *testing.F) {
	c := newToy(f, 5, 0)
	c.rounds(3)
	for _, st := range c.known {
		f.Add(st.cell.ToBOC())
	}
	f.Fuzz(func(_ *testing.T, raw []byte) {
		root, err := cell.FromBOC(raw)
		if err != nil {
			return
		}
		a := &Auditor{balances: newBalances(), logs: newLogs()}
		if st, err := a.parseState(root); err == nil && !st.shard.valid() {
			panic("a state of no shard")
		}
	})
}
