package audit

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShard_HalvesMakeItsWhole(t *testing.T) {
	t.Parallel()
	s := shard{0, whole}
	for i := range 60 {
		require.Equal(t, i, s.length())
		require.Equal(t, s, s.left().parent())
		require.Equal(t, s, s.right().parent())
		require.Equal(t, s.left(), s.right().sibling())
		require.Equal(t, s.right(), s.left().sibling())
		require.True(t, s.isParentOf(s.right()) && s.right().isRight() && !s.left().isRight())
		require.True(t, s.covers(s) && s.covers(s.left()) && !s.left().covers(s) && s.left().intersects(s))
		require.False(t, s.left().intersects(s.right()))
		at := place{0, s.right().prefix}
		require.True(t, s.contains(at) && s.right().contains(at) && !s.left().contains(at))
		require.False(t, s.contains(place{-1, at.prefix}))
		s = s.right()
	}
	require.False(t, s.right().valid(), "no shard is split more than 60 times")
	require.False(t, shard{masterchain, whole}.left().valid())
}

func TestRoute_KnownWays(t *testing.T) {
	t.Parallel()
	deep := shard{0, 0x0c80_0000_0000_0000} // prefix 0x0c
	for _, c := range []struct {
		name      string
		at, to    place
		s         shard
		cur, next int
	}{
		{"here", place{0, 1}, place{0, 2}, shard{0, whole}, 96, 96},
		{"to the masterchain", place{0, 1}, place{masterchain, 2}, shard{0, whole}, 0, 96},
		{"from the masterchain", place{masterchain, 1}, place{0, 2}, shard{masterchain, whole}, 0, 96},
		{"to another workchain", place{0, 1}, place{1, 2}, shard{0, whole}, 0, 32},
		{"to the other half", place{0, 0}, place{0, 0xf << 60}, shard{0, whole}.left(), 32, 36},
		{"out of a deep shard", place{0, 0x0c << 56}, place{0, 0x1d << 56}, deep, 32, 36},
		{"to a near shard", place{0, 0x0c << 56}, place{0, 0x0d << 56}, deep, 36, 40},
		{"over what is this shard still", place{0, 0x0000 << 48}, place{0, 0x1234 << 48}, shard{0, 0x0800 << 48}, 32, 36},
	} {
		cur, next, err := route(c.at, c.to, c.s)
		require.NoError(t, err, c.name)
		require.Equal(t, []int{c.cur, c.next}, []int{cur, next}, c.name)
	}
	_, _, err := route(place{0, 0}, place{0, 1}, shard{0, whole}.right())
	require.Error(t, err, "the message is not here")
}

func TestRoute_LeavesTheShardAndArrives(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		at, to := place{0, random.Uint64()}, place{0, random.Uint64()}
		for hops := 0; at != to; hops++ {
			require.Less(t, hops, 17, "one hop for four bits")
			s := shard{0, at.prefix}
			n := random.IntN(61)
			s.prefix = at.prefix&^(^uint64(0)>>n) | whole>>n
			cur, next, err := route(at, to, s)
			require.NoError(t, err)
			hop := onTheWay(at, to, next)
			if s.contains(to) {
				require.Equal(t, to, hop)
				break
			}
			require.True(t, s.contains(onTheWay(at, to, cur)))
			require.False(t, s.contains(hop))
			require.Greater(t, nearness(hop, to), nearness(at, to))
			at = hop
		}
	}
}

func TestOnTheWay_TakesBitsOfTheDestinationFirst(t *testing.T) {
	t.Parallel()
	from, to := place{0, 0}, place{-1, ^uint64(0)}
	for n := range 97 {
		p := onTheWay(from, to, n)
		require.Equal(t, n, bits.OnesCount32(uint32(p.workchain))+bits.OnesCount64(p.prefix))
		require.GreaterOrEqual(t, nearness(p, to), n)
	}
}
