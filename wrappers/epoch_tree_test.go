package wrappers

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// leavesFor are n leaves of ascending providers, each unlike its neighbours.
func leavesFor(n int) []Leaf {
	leaves := make([]Leaf, n)
	for i := range leaves {
		l := &leaves[i]
		binary.BigEndian.PutUint32(l.Provider[:], uint32(i+1))
		l.Amount = Coins{cocoon.NanoOf(uint64(1_000_000_000 + i))}
		l.Requests, l.Tokens, l.Failures = uint32(i), uint64(i)<<33, uint32(i%7)
		l.UptimeBps, l.P50Ms = uint16(10_000-i%100), uint32(200+i%1000)
	}
	return leaves
}

func TestEpochTree_PagesShowExactlyTheLeavesTheyProve(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 255, 256, 257, 1000} {
		leaves := leavesFor(n)
		tree, err := NewEpochTree(leaves)
		require.NoError(t, err)
		require.Equal(t, n, tree.Len())
		var total cocoon.Nano
		for from := 0; from < n; from += MaxPushPage {
			count := min(MaxPushPage, n-from)
			proof, err := tree.Proof(from, count)
			require.NoError(t, err)
			// as it arrives from the network, and not as it was built
			proof, err = cell.FromBOC(proof.ToBOC())
			require.NoError(t, err)
			got, err := LeavesOfPage(proof, tree.Root(), from, count)
			require.NoError(t, err)
			require.Equal(t, leaves[from:from+count], got)
			if from+count < n {
				_, err = LeavesOfPage(proof, tree.Root(), from, count+1)
				require.ErrorContains(t, err, "special", "the neighbour is pruned")
			}
		}
		for _, l := range leaves {
			total, err = total.Add(l.Amount.Nano)
			require.NoError(t, err)
		}
		require.Equal(t, total, tree.Total())
	}
}

func TestEpochTree_RefusesWhatTheContractWouldRefuse(t *testing.T) {
	t.Parallel()
	huge, err := cocoon.ParseNano("1329227995784915872903807060280344575") // 2^120 - 1
	require.NoError(t, err)
	swapped, twice, over, nobody := leavesFor(3), leavesFor(3), leavesFor(3), leavesFor(3)
	swapped[1], swapped[2] = swapped[2], swapped[1]
	twice[2].Provider = twice[1].Provider
	over[1].Amount = Coins{huge}
	nobody[0].Provider = cocoon.Account{}
	for name, c := range map[string]struct {
		leaves []Leaf
		want   string
	}{
		"none":           {nil, "not 0"},
		"too many":       {make([]Leaf, MaxEpochLeaves+1), "not 131073"},
		"out of order":   {swapped, "leaf 2: provider"},
		"the same twice": {twice, "leaf 2: provider"},
		"nobody":         {nobody, "leaf 0: provider"},
		"overflow":       {over, "sum of 2 leaves"},
	} {
		_, err := NewEpochTree(c.leaves)
		require.ErrorContains(t, err, c.want, name)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

func TestEpochTree_RefusesPagesOutsideTheTree(t *testing.T) {
	t.Parallel()
	tree, err := NewEpochTree(leavesFor(600))
	require.NoError(t, err)
	for _, page := range [][2]int{{-1, 1}, {0, 0}, {0, 501}, {600, 1}, {599, 2}, {math.MaxInt, 1}, {0, -1}} {
		_, err = tree.Proof(page[0], page[1])
		require.Error(t, err, "%v", page)
	}
	proof, err := tree.Proof(0, 1)
	require.NoError(t, err)
	for _, page := range [][2]int{{-1, 1}, {0, 0}, {0, 501}, {MaxEpochLeaves, 1}, {math.MaxInt, 1}} {
		_, err = LeavesOfPage(proof, tree.Root(), page[0], page[1])
		require.Error(t, err, "%v", page)
	}
}

func TestLeavesOfPage_RefusesForgeries(t *testing.T) {
	t.Parallel()
	honest, err := NewEpochTree(leavesFor(8))
	require.NoError(t, err)
	richer := leavesFor(8)
	richer[3].Amount = Coins{cocoon.TON(1000)}
	other, err := NewEpochTree(richer)
	require.NoError(t, err)
	forged, err := other.Proof(3, 1)
	require.NoError(t, err)
	_, err = LeavesOfPage(forged, honest.Root(), 3, 1)
	require.Error(t, err)
	_, err = LeavesOfPage(nil, honest.Root(), 3, 1)
	require.Error(t, err)
	_, err = LeavesOfPage(other.root, honest.Root(), 3, 1)
	require.ErrorContains(t, err, "not a merkle proof")
}

func FuzzLeavesOfPage(f *testing.F) {
	tree, err := NewEpochTree(leavesFor(9))
	require.NoError(f, err)
	proof, err := tree.Proof(2, 3)
	require.NoError(f, err)
	f.Add(proof.ToBOC(), uint16(2), uint16(3))
	f.Add(tree.root.ToBOC(), uint16(0), uint16(9))
	f.Add([]byte{}, uint16(0), uint16(0))
	f.Fuzz(func(t *testing.T, boc []byte, from, count uint16) {
		page, err := cell.FromBOC(boc)
		if err != nil || page.BitsSize() < 8+256 {
			return
		}
		root := [32]byte(page.MustBeginParse().MustLoadSlice(8 + 256)[1:]) // whatever tree it says it is of
		leaves, err := LeavesOfPage(page, root, int(from), int(count))
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		for i, l := range leaves { // what was read encodes to what was proven
			c, err := Cell(l)
			require.NoError(t, err)
			value, err := page.MustPeekRef(0).AsDict(leafKeyBits).LoadValueByUintKey(uint64(from) + uint64(i))
			require.NoError(t, err)
			require.Equal(t, value.MustToCell().Hash(), c.Hash())
		}
	})
}

func BenchmarkEpochTree(b *testing.B) {
	leaves := leavesFor(100_000)
	b.Run("build 100k", func(b *testing.B) {
		for b.Loop() {
			_, err := NewEpochTree(leaves)
			require.NoError(b, err)
		}
	})
	tree, err := NewEpochTree(leaves)
	require.NoError(b, err)
	b.Run("page of 500", func(b *testing.B) {
		for b.Loop() {
			proof, err := tree.Proof(50_000, MaxPublishPage)
			require.NoError(b, err)
			b.ReportMetric(float64(len(proof.ToBOC())), "bytes")
		}
	})
}
