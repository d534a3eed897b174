package indexer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

func trancheOf(at uint32, n uint64) tranche { return tranche{at, cocoon.NanoOf(n)} }

func TestLeaving_KeepsTheContractsOrder(t *testing.T) {
	t.Parallel()
	var l leaving
	require.NoError(t, l.add(300, cocoon.NanoOf(5)))
	require.NoError(t, l.add(100, cocoon.NanoOf(7))) // under shorter terms
	require.NoError(t, l.add(100, cocoon.NanoOf(1)))
	require.NoError(t, l.add(300, cocoon.NanoOf(2)))
	require.Equal(t, leaving{trancheOf(300, 2), trancheOf(100, 8), trancheOf(300, 5)}, l)
	seen, err := l.byTime()
	require.NoError(t, err)
	require.Equal(t, tranches{trancheOf(100, 8), trancheOf(300, 7)}, seen)
	require.NoError(t, l.slash(cocoon.NanoOf(3)))
	require.Equal(t, leaving{trancheOf(100, 7), trancheOf(300, 5)}, l, "the newest first, whenever it ripens")
	sum, err := l.takeRipe(100)
	require.NoError(t, err)
	require.Equal(t, cocoon.NanoOf(7), sum)
	require.Equal(t, leaving{trancheOf(300, 5)}, l)
	require.NoError(t, l.slash(cocoon.NanoOf(5)))
	require.Empty(t, l)
	require.Error(t, l.slash(cocoon.NanoOf(1)), "no contract takes what is not there")
}
