package audit

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// liar writes extras that are off by one, in leaves or in forks.
type liar struct{ leaf, fork uint64 }

func (liar) SkipExtra(s *cell.Slice) error { return s.SkipBits(64) }

func (liar) EmptyExtra() (*cell.Cell, error) {
	return cell.BeginCell().MustStoreUInt(0, 64).EndCell(), nil
}

func (l liar) LeafExtra(value *cell.Slice) (*cell.Cell, error) {
	return cell.BeginCell().MustStoreUInt(value.Copy().MustLoadUInt(64)+l.leaf, 64).EndCell(), nil
}

func (l liar) CombineExtra(x, y *cell.Slice) (*cell.Cell, error) {
	return cell.BeginCell().MustStoreUInt(x.MustLoadUInt(64)+y.MustLoadUInt(64)+l.fork, 64).EndCell(), nil
}

func sumsOf(t *testing.T, l liar, n int, keys uint) (uint64, int, error) {
	t.Helper()
	d, err := cell.NewAugDict(keys, l)
	require.NoError(t, err)
	for i := range n {
		require.NoError(t, d.SetIntKey(big.NewInt(int64(i*i)), cell.BeginCell().MustStoreUInt(uint64(i), 64).EndCell()))
	}
	leaves := 0
	sums := aug[uint64]{name: "sums", bits: int(keys), load: func(s *cell.Slice) (uint64, error) { return s.LoadUInt(64) },
		add: func(a, b uint64) uint64 { return a + b }, equal: func(a, b uint64) bool { return a == b },
		leaf: func(key []byte, value *cell.Slice) (uint64, error) {
			n, err := value.LoadUInt(64)
			require.Equal(t, n*n, new(big.Int).SetBytes(key).Uint64())
			leaves++
			return n, err
		}}
	sum, err := sums.check(must(must(d.ToCell()).BeginParse()))
	return sum, leaves, err
}

func TestAug_AddsUpWhatLeavesHold(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 3, 50} {
		sum, leaves, err := sumsOf(t, liar{}, n, 256)
		require.NoError(t, err)
		require.EqualValues(t, n*(n-1)/2, sum)
		require.Equal(t, n, leaves)
	}
}

func TestAug_NoticesWrongSums(t *testing.T) {
	t.Parallel()
	_, _, err := sumsOf(t, liar{leaf: 1}, 1, 256)
	require.ErrorContains(t, err, "its value makes 0")
	_, _, err = sumsOf(t, liar{fork: 1}, 2, 256)
	require.ErrorContains(t, err, "its leaves make 1")
}

func TestMoney_CountsEveryCurrency(t *testing.T) {
	t.Parallel()
	dict := cell.NewDict(32)
	require.NoError(t, dict.SetIntKey(big.NewInt(7), cell.BeginCell().MustStoreBigVarUInt(big.NewInt(300), 32).EndCell()))
	m, err := loadMoney(must(cell.BeginCell().MustStoreBigCoins(big.NewInt(5)).MustStoreDict(dict).EndCell().BeginParse()))
	require.NoError(t, err)
	require.Equal(t, "5 and 300 of currency 7", m.String())
	require.True(t, m.plus(m).minus(m).equal(m))
	require.False(t, m.equal(coins(big.NewInt(5))))
	require.False(t, m.minus(coins(big.NewInt(5))).isZero())
	require.Equal(t, "5 and 300 of currency 7", m.String(), "sums leave their parts alone")
}
