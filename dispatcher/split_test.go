package dispatcher

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func worked(w, provider byte, gpus, up, total uint64) service {
	return service{Worker: []byte{w}, Provider: append([]byte{provider}, make([]byte, 31)...), GPUs: gpus, Up: up, Total: total}
}

func TestSplit_PaysGPUSecondsThatWereUp(t *testing.T) {
	t.Parallel()
	one, two, three := worked(1, 9, 2, 50, 100), worked(2, 5, 1, 100, 100), worked(3, 9, 1, 49, 100)
	one.Requests, one.Tokens, one.Failures, one.P50 = 3, 500, 1, 40
	three.Requests, three.Tokens, three.P50 = 1, 5, 60
	leaves, err := split([]service{one, two, three}, nil, cocoon.NanoOf(1001), 5000)
	require.NoError(t, err)
	require.Len(t, leaves, 2)
	require.Equal(t, cocoon.Account{5}, leaves[0].Provider, "ascending")
	require.Equal(t, cocoon.NanoOf(500), leaves[0].Amount.Nano)
	require.Equal(t, wrappers.Leaf{Provider: cocoon.Account{9}, Amount: wrappers.Coins{Nano: cocoon.NanoOf(500)}, Requests: 4, Tokens: 505, Failures: 1, UptimeBps: 4950, P50Ms: 60}, leaves[1])
}

func TestSplit_NobodyUpMeansNoEpoch(t *testing.T) {
	t.Parallel()
	for _, all := range [][]service{nil, {worked(1, 1, 8, 0, 100)}, {worked(1, 1, 8, 49, 100)}, {worked(1, 1, 0, 100, 100)}} {
		leaves, err := split(all, nil, cocoon.TON(1), 5000)
		require.NoError(t, err)
		require.Empty(t, leaves)
	}
}

func TestSplit_NeverPaysMoreThanThereIsAndTheContractTakesItsTree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var all []service
		for i := range rapid.IntRange(1, 20).Draw(t, "workers") {
			total := rapid.Uint64Range(1, 1<<32).Draw(t, "total")
			all = append(all, worked(byte(i), rapid.ByteRange(1, 6).Draw(t, "provider"), rapid.Uint64Range(0, 1<<16).Draw(t, "gpus"),
				rapid.Uint64Range(0, total).Draw(t, "up"), total))
		}
		pot := cocoon.NanoOf(rapid.Uint64().Draw(t, "pot"))
		leaves, err := split(all, nil, pot, 100)
		require.NoError(t, err)
		if len(leaves) == 0 {
			return
		}
		tree, err := wrappers.NewEpochTree(leaves)
		require.NoError(t, err)
		require.LessOrEqual(t, tree.Total().Cmp(pot), 0)
		left, err := pot.Sub(tree.Total())
		require.NoError(t, err)
		require.True(t, left.Cmp(cocoon.NanoOf(uint64(len(all)))) < 0, "%s left", left)

		limit := cocoon.NanoOf(rapid.Uint64().Draw(t, "limit"))
		less, err := shrink(leaves, nil, limit)
		require.NoError(t, err)
		if len(less) > 0 {
			smaller, err := wrappers.NewEpochTree(less)
			require.NoError(t, err)
			require.LessOrEqual(t, smaller.Total().Cmp(limit), 0)
		}
		if tree.Total().Cmp(limit) <= 0 {
			require.Equal(t, leaves, less)
		}
	})
}
