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

func TestSplit_PaysReceiptsFirstAndWhoeverHasOne(t *testing.T) {
	t.Parallel()
	least := amounts{cocoon.Account{9}: cocoon.NanoOf(70), cocoon.Account{7}: cocoon.NanoOf(5)}
	leaves, err := split([]service{worked(1, 9, 1, 100, 100), worked(2, 5, 1, 100, 100)}, least, cocoon.NanoOf(100), 5000)
	require.NoError(t, err)
	require.Equal(t, []cocoon.Nano{cocoon.NanoOf(50), cocoon.NanoOf(5), cocoon.NanoOf(120)}, []cocoon.Nano{leaves[0].Amount.Nano, leaves[1].Amount.Nano, leaves[2].Amount.Nano})
	require.Equal(t, []cocoon.Account{{5}, {7}, {9}}, []cocoon.Account{leaves[0].Provider, leaves[1].Provider, leaves[2].Provider})
	require.EqualValues(t, 10_000, leaves[2].UptimeBps)
}

func TestShrink_LeavesNoReceiptShort(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		least, needed := amounts{}, cocoon.Nano{}
		var leaves []wrappers.Leaf
		for i := range rapid.IntRange(1, 8).Draw(t, "providers") {
			p := cocoon.Account{byte(i + 1)}
			if rapid.Bool().Draw(t, "receipt") {
				least[p] = cocoon.NanoOf(rapid.Uint64Range(1, 1<<40).Draw(t, "least"))
				needed, _ = needed.Add(least[p])
			}
			if rapid.Bool().Draw(t, "planned") {
				leaves = append(leaves, wrappers.Leaf{Provider: p, Amount: wrappers.Coins{Nano: cocoon.NanoOf(rapid.Uint64Range(1, 1<<40).Draw(t, "amount"))}})
			}
		}
		limit, err := needed.Add(cocoon.NanoOf(rapid.Uint64Range(0, 1<<42).Draw(t, "more")))
		require.NoError(t, err)
		require.NoError(t, least.within(limit, 1))
		less, err := shrink(leaves, least, limit)
		require.NoError(t, err)
		paid := amounts{}
		for _, l := range less {
			paid[l.Provider] = l.Amount.Nano
		}
		for p, n := range least {
			require.GreaterOrEqual(t, paid[p].Cmp(n), 0)
		}
		if len(less) > 0 {
			tree, err := wrappers.NewEpochTree(less)
			require.NoError(t, err)
			require.LessOrEqual(t, tree.Total().Cmp(limit), 0)
		}
		if !needed.IsZero() {
			short, err := needed.Sub(cocoon.NanoOf(1))
			require.NoError(t, err)
			require.Equal(t, cocoon.NoMoney, cocoon.KindOf(least.within(short, 1)))
		}
	})
}
