package wrappers

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

func FuzzDecodeEpoch(f *testing.F) {
	f.Add(epochCell(f, 3).ToBOC())
	f.Add(epochCell(f, 0).ToBOC())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, boc []byte) {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		if e, err := DecodeEpoch(c); err == nil {
			require.LessOrEqual(t, len(e.claimed), 256)
			for _, i := range []uint32{0, 999, 1000, MaxEpochLeaves - 1, 1<<32 - 1} {
				e.Claimed(i)
			}
		} else {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
		}
	})
}

func FuzzDecodeEpochMessage(f *testing.F) { fuzzMessages(f, KindEpoch) }

// epochCell is a state with n words of claims, in word i every leaf i + 1 apart.
func epochCell(t testing.TB, n int) *cell.Cell {
	c, err := Cell(epochState{Phase: 2, Until: 100, Cursor: 4, Published: 5, Paid: Coins{cocoon.TON(6)}, Sum: Coins{cocoon.TON(7)}, Last: cocoon.Account{8},
		Claims0: claimsCell(n, 3, 0, 3), Claims1: claimsCell(n, 3, 1, 3), Claims2: claimsCell(n, 3, 2, 3), Opened: someOpened()})
	require.NoError(t, err)
	return c
}

func someOpened() *EpochOpened {
	return &EpochOpened{Rewards: cocoon.Account{1}, Number: 2, Attempt: 3, ReceiptKey: [32]byte{5}, Root: [32]byte{9}, Total: Coins{cocoon.TON(10)}, Count: MaxEpochLeaves, Terms: someTerms().Epoch}
}

// claimsCell is the tree with every step-th word of claims, from word on, with so
// many levels below it. Of n words on nothing is claimed.
func claimsCell(n, step, word, levels int) *cell.Cell {
	b, bits := cell.BeginCell(), make([]byte, claimWordBits/8)
	for bit := 0; word < n && bit < claimWordBits; bit += word + 1 {
		bits[bit/8] |= 0x80 >> (bit % 8)
	}
	b.MustStoreSlice(bits, claimWordBits)
	for child := 0; child < 4 && levels > 0; child++ {
		b.MustStoreRef(claimsCell(n, 4*step, word+step*(child+1), levels-1))
	}
	return b.EndCell()
}

func TestDecodeEpoch_ReadsStateAndBirth(t *testing.T) {
	t.Parallel()
	e, err := DecodeEpoch(epochCell(t, 132))
	require.NoError(t, err)
	require.Equal(t, EpochPaying, e.Phase)
	require.Equal(t, "paying", e.Phase.String())
	require.Equal(t, []any{uint32(100), uint32(4), uint32(5), cocoon.TON(6), cocoon.TON(7), cocoon.Account{8}},
		[]any{e.Until, e.Cursor, e.Published, e.Paid, e.Sum, e.Last})
	require.Equal(t, EpochBirth{Rewards: cocoon.Account{1}, Number: 2, Attempt: 3}, e.Birth)
	require.Equal(t, someOpened(), e.Opened)
	for i := range uint32(MaxEpochLeaves) {
		word, bit := i/1000, i%1000
		require.Equal(t, bit%(word+1) == 0, e.Claimed(i), "leaf %d", i)
	}
	few, err := DecodeEpoch(epochCell(t, 3))
	require.NoError(t, err)
	require.True(t, few.Claimed(2_000))
	require.False(t, few.Claimed(3_000))
	c, err := Cell(e.Birth)
	require.NoError(t, err)
	e, err = DecodeEpoch(c)
	require.NoError(t, err)
	require.Nil(t, e.Opened)
	require.False(t, e.Claimed(0))
}

func TestDecodeEpoch_RefusesWhatNoContractStores(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*cell.Cell{
		"nothing":        nil,
		"no bits":        cell.BeginCell().EndCell(),
		"a bit too many": epochCell(t, 1).ToBuilder().MustStoreUInt(0, 1).EndCell(),
		"no such phase":  cell.BeginCell().MustStoreUInt(0b1111, 4).MustStoreBuilder(skip4(t, epochCell(t, 0))).EndCell(),
	} {
		_, err := DecodeEpoch(c)
		require.Error(t, err, name)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

// skip4 is c without its first four bits.
func skip4(t *testing.T, c *cell.Cell) *cell.Builder {
	s := c.MustBeginParse()
	_, err := s.LoadUInt(4)
	require.NoError(t, err)
	return s.ToBuilder()
}
