package localnet

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func TestAugTree_IsTheDictionaryOfTheLibrary(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(4, 4))
	for n := range 80 {
		tree := newAugTree(32, blockLog{})
		dict, err := cell.NewAugDict(32, blockLog{})
		require.NoError(t, err)
		used := map[uint32]bool{}
		for range n {
			// keys that share much, little, and only zeros or ones
			key := []uint32{rnd.Uint32(), uint32(rnd.IntN(40)), ^uint32(rnd.IntN(40)), uint32(rnd.IntN(8)) << 28}[rnd.IntN(4)]
			if used[key] {
				continue
			}
			used[key] = true
			value := cell.BeginCell().MustStoreBoolBit(rnd.IntN(2) == 0).MustStoreUInt(rnd.Uint64(), 64).MustStoreUInt(uint64(n), 7)
			tree.set([]byte{byte(key >> 24), byte(key >> 16), byte(key >> 8), byte(key)}, value)
			require.NoError(t, dict.Set(cell.BeginCell().MustStoreUInt(uint64(key), 32).EndCell(), value.EndCell()))
		}
		ours, extra, err := tree.cell()
		require.NoError(t, err)
		theirs, err := dict.ToCell()
		require.NoError(t, err)
		require.Equal(t, theirs.Hash(), ours.Hash(), "%d keys", len(used))
		require.Equal(t, dict.GetRootExtra().Hash(), extra.Hash())
		requireMerges(t, rnd, tree.entries, theirs)
	}
}

// requireMerges sets the entries in two steps, some of them with another value first.
func requireMerges(t *testing.T, rnd *rand.Rand, entries []augEntry, want *cell.Cell) {
	t.Helper()
	for range 4 {
		before, later := newAugTree(32, blockLog{}), newAugTree(32, blockLog{})
		for _, e := range entries {
			switch rnd.IntN(4) {
			case 0:
				before.set(e.key, e.value)
			case 1:
				before.set(e.key, cell.BeginCell().MustStoreUInt(rnd.Uint64(), 64).MustStoreUInt(5, 12))
				later.set(e.key, e.value)
			default:
				later.set(e.key, e.value)
			}
		}
		old, _, err := before.root()
		require.NoError(t, err)
		root, extra, err := later.merge(old)
		require.NoError(t, err)
		if root == nil {
			require.Empty(t, entries)
			continue
		}
		merged := cell.BeginCell().MustStoreBoolBit(true).MustStoreRef(root).MustStoreBuilder(extra.ToBuilder()).EndCell()
		require.Equal(t, want.Hash(), merged.Hash(), "%d entries set into %d", len(later.entries), len(before.entries))
	}
}

func TestAugTree_RefusesAKeyTwice(t *testing.T) {
	t.Parallel()
	tree := newAugTree(256, tlb.AugOutMsgDescr{})
	for range 2 {
		tree.set(make([]byte, 32), cell.BeginCell())
	}
	_, _, err := tree.cell()
	require.ErrorIs(t, err, errTwice)
}
