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
