package cocoon

import (
	"encoding/json"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// limit is 2^120, the first amount that does not fit.
var limit = new(big.Int).Lsh(big.NewInt(1), 120)

func anyNano(t *rapid.T, name string) Nano {
	b := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 15).Draw(t, name))
	n, err := NanoFromBig(b)
	require.NoError(t, err)
	return n
}

// TestNano_ArithmeticIsThatOfIntegers compares every operation with math/big.
func TestNano_ArithmeticIsThatOfIntegers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyNano(t, "a"), anyNano(t, "b")
		k, d := rapid.Uint64().Draw(t, "k"), rapid.Uint64Min(1).Draw(t, "d")
		agree := func(got Nano, err error, want *big.Int) {
			if want.Sign() < 0 || want.Cmp(limit) >= 0 {
				require.ErrorIs(t, err, ErrOverflow)
				return
			}
			require.NoError(t, err)
			require.Equal(t, want.String(), got.Text())
		}
		got, err := a.Add(b)
		agree(got, err, new(big.Int).Add(a.Big(), b.Big()))
		got, err = a.Sub(b)
		agree(got, err, new(big.Int).Sub(a.Big(), b.Big()))
		product := new(big.Int).Mul(a.Big(), new(big.Int).SetUint64(k))
		got, err = a.Mul(k)
		agree(got, err, product)
		got, err = a.MulDiv(k, d)
		agree(got, err, product.Quo(product, new(big.Int).SetUint64(d)))
		require.Equal(t, a.Big().Cmp(b.Big()), a.Cmp(b))
		require.Equal(t, a == b, a.Cmp(b) == 0)
	})
}

func TestNano_TravelsWithoutAllocations(t *testing.T) {
	b := make([]byte, 0, NanoSize)
	require.Zero(t, testing.AllocsPerRun(100, func() { b = MaxNano.AppendBytes(b[:0]) }))
	require.Equal(t, MaxNano, NanoFromBytes([NanoSize]byte(b)))
}

// Bounds end at what an amount can be, and say which of two is the smaller.
func TestNano_BoundsEndWhereAmountsDo(t *testing.T) {
	t.Parallel()
	one := NanoOf(1)
	require.Equal(t, "1329227995784915872903807060280344575", MaxNano.Text())
	_, err := MaxNano.Add(one)
	require.ErrorIs(t, err, ErrOverflow)
	require.Equal(t, MaxNano, MaxNano.Plus(one))
	require.Equal(t, TON(3), TON(1).Plus(TON(2)))
	require.Equal(t, Nano{}, one.Minus(TON(1)))
	require.Equal(t, TON(1), TON(3).Minus(TON(2)))
	for _, n := range []Nano{{}, one, MaxNano} {
		require.LessOrEqual(t, one.Min(n).Cmp(one.Max(n)), 0)
		require.Equal(t, one.Min(n), n.Min(one))
		require.Equal(t, one.Max(n), n.Max(one))
	}
	require.Equal(t, one, one.Min(TON(1)))
	require.Equal(t, TON(1), one.Max(TON(1)))
}

func TestNano_BytesAreThoseOfIntegers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := anyNano(t, "a")
		b := a.AppendBytes([]byte{7})
		require.Equal(t, a.Big().FillBytes(make([]byte, NanoSize)), b[1:])
		require.Equal(t, a, NanoFromBytes([NanoSize]byte(b[1:])))
	})
}

func TestNano_TextRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := anyNano(t, "a")
		b, err := json.Marshal(a)
		require.NoError(t, err)
		var back Nano
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, a, back)
	})
}

func TestParseTON_ReadsWhatPeopleType(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]uint64{"1": 1e9, "0.5": 5e8, "12.000000001": 12_000_000_001, "0": 0, "007": 7e9} {
		n, err := ParseTON(in)
		require.NoError(t, err, in)
		require.Equal(t, NanoOf(want), n, in)
	}
	for _, in := range []string{"", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "0.0000000001", " 1", "1 TON", "99999999999999999999999999999999999999999"} {
		_, err := ParseTON(in)
		require.Error(t, err, in)
	}
}

func TestNano_StringIsForPeople(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]Nano{"0 TON": {}, "1 TON": TON(1), "0.000000001 TON": NanoOf(1), "1.5 TON": NanoOf(15e8), "120 TON": TON(120)} {
		require.Equal(t, want, n.String())
	}
}

func TestPrice_CostRoundsUpOnce(t *testing.T) {
	t.Parallel()
	p := Price{Prompt: NanoOf(1), Cached: NanoOf(1), Completion: NanoOf(3), Reasoning: NanoOf(3)}
	cost, err := p.Cost(Usage{Prompt: 1, Cached: 1, Completion: 1, Reasoning: 1})
	require.NoError(t, err)
	require.Equal(t, NanoOf(1), cost, "a sum below one nanoTON costs one")
	cost, err = p.Cost(Usage{Prompt: 1_000_000})
	require.NoError(t, err)
	require.Equal(t, NanoOf(1), cost)
	cost, err = p.Cost(Usage{})
	require.NoError(t, err)
	require.True(t, cost.IsZero(), "nothing costs nothing")
	most, err := NanoFromBig(new(big.Int).Sub(limit, big.NewInt(1)))
	require.NoError(t, err)
	_, err = Price{Prompt: most}.Cost(Usage{Prompt: 2})
	require.ErrorIs(t, err, ErrOverflow)
}

func FuzzParseNano(f *testing.F) {
	for _, s := range []string{"0", "1", "-1", "1329227995784915872903807060280344575", "1329227995784915872903807060280344576", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNano(s)
		if err != nil {
			return
		}
		back, err := ParseNano(n.Text())
		require.NoError(t, err)
		require.Equal(t, n, back)
	})
}

func FuzzParseTON(f *testing.F) {
	for _, s := range []string{"0", "1.5", "0.000000001", "1.", "..", "1.2.3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseTON(s)
		if err != nil {
			return
		}
		back, err := ParseTON(n.String()[:len(n.String())-len(" "+Coin)])
		require.NoError(t, err)
		require.Equal(t, n, back)
	})
}
