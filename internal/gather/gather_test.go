package gather_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/internal/gather"
)

func TestList_WhoIsFirstTakesForAll(t *testing.T) {
	t.Parallel()
	var l gather.List[int]
	require.True(t, l.Add(1))
	require.False(t, l.Add(2))
	require.Equal(t, []int{1, 2}, l.Take())
	require.Empty(t, l.Take())
	require.True(t, l.Add(3))
}

func TestList_LosesNothing(t *testing.T) {
	t.Parallel()
	const many = 1000
	var l gather.List[int]
	var taken atomic.Int64
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() {
			if l.Add(n) {
				taken.Add(int64(len(l.Take())))
			}
		})
	}
	all.Wait()
	require.EqualValues(t, many, taken.Load(), "each that came is somebody's")
}
