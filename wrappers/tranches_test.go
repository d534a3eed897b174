package wrappers

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRipe_IsWhatMayBeWithdrawnFromItsSecondOn(t *testing.T) {
	t.Parallel()
	all := []Tranche{{At: 10}, {At: 20}, {At: 30}}
	for now, want := range map[uint32]int{9: 0, 10: 1, 29: 2, 30: 3, 31: 3} {
		ripe, waiting := Ripe(all, now)
		require.Equal(t, all[:want], ripe, "%d", now)
		require.Equal(t, all[want:], waiting, "%d", now)
	}
}
