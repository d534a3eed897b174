package bucket_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/internal/bucket"
)

func TestSet_EachKeyHasItsOwnBucketThatRefills(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	s := bucket.New[string](60, 3, 100, func() time.Time { return now })
	for range 3 {
		require.False(t, s.Empty("a"))
		require.True(t, s.Take("a"))
	}
	require.True(t, s.Empty("a"))
	require.False(t, s.Take("a"))
	require.True(t, s.Take("b"))
	now = now.Add(time.Second)
	require.True(t, s.Take("a"), "one a second")
	require.False(t, s.Take("a"))
	now = now.Add(time.Hour)
	for range 3 {
		require.True(t, s.Take("a"), "no more than it holds")
	}
	require.False(t, s.Take("a"))
}

func TestSet_ZeroIsNoLimit(t *testing.T) {
	t.Parallel()
	s := bucket.New[int](0, 1, 1, time.Now)
	for range 1000 {
		require.True(t, s.Take(1))
		require.False(t, s.Empty(1))
	}
}

func TestSet_RemembersFirstWhoIsNotFullAndNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	s := bucket.New[int](60, 2, 8, func() time.Time { return now })
	for k := range 2 {
		require.True(t, s.Take(k))
	}
	now = now.Add(time.Minute) // these are full again
	for k := range 6 {
		require.True(t, s.Take(10+k))
		require.True(t, s.Take(10+k))
	}
	require.True(t, s.Take(20), "in place of those that are full")
	for k := range 6 {
		require.True(t, s.Empty(10+k))
	}
	for k := range 1000 {
		require.True(t, s.Take(100+k), "whatever has to be forgotten")
	}
	remembered := 0
	for k := range 1000 {
		s.Take(100 + k)
		if s.Empty(100 + k) {
			remembered++
		}
	}
	require.Less(t, remembered, 9)
}
