package bound_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
)

var price = cocoon.Price{Prompt: cocoon.NanoOf(20_000_000), Cached: cocoon.NanoOf(2_000_000), Completion: cocoon.NanoOf(160_000_000), Reasoning: cocoon.NanoOf(160_000_000)}

func ton(s string) cocoon.Nano {
	n, err := cocoon.ParseTON(s)
	if err != nil {
		panic(err)
	}
	return n
}

func TestWindow_IsTwiceTheWishOrTheBusiestMinuteWithinItsLimits(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{{"0", "0", "0.02"}, {"0.2", "0.1", "0.4"}, {"0.2", "0.5", "0.5"}, {"0.6", "0", "1"}, {"0", "7", "1"}} {
		require.Equal(t, ton(c[2]), bound.Window(ton(c[0]), ton(c[1])), c)
	}
	most, err := cocoon.ParseNano("1329227995784915872903807060280344575")
	require.NoError(t, err)
	require.Equal(t, cocoon.TON(1), bound.Window(most, cocoon.Nano{}), "what overflows is clamped")
}

func TestAllowances_AreAsWritten(t *testing.T) {
	t.Parallel()
	n, err := bound.Allowance(bound.Base(), cocoon.TON(2))
	require.NoError(t, err)
	require.Equal(t, ton("0.025"), n)
	require.Equal(t, ton("0.02"), bound.Credit(ton("0.019")))
	require.Equal(t, ton("3"), bound.Credit(ton("3")))
	worth, err := bound.Worth(ton("0.003"))
	require.NoError(t, err)
	require.Equal(t, ton("0.15"), worth)
	worth, err = bound.Worth(ton("0.0001"))
	require.NoError(t, err)
	require.Equal(t, ton("0.02"), worth)
	require.Equal(t, ton("0.99"), bound.Fees(100).Rest(cocoon.TON(1)))
	backing, err := bound.Fees(100).Backing(cocoon.TON(100), cocoon.TON(500))
	require.NoError(t, err)
	require.Equal(t, cocoon.TON(599), backing)
	require.NoError(t, bound.Fees(9_999).Validate())
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(bound.Fees(10_000).Validate()))
	require.Equal(t, cocoon.Nano{}, bound.Fees(10_001).Rest(cocoon.TON(1)))
}

func TestReserve_IsTheSliceAndNotTheWholeAnswer(t *testing.T) {
	t.Parallel()
	size := bound.Size{Prompt: 400, Overhead: 10, Choices: 2, MaxOut: 32_768}
	r, err := size.Reserve(price, bound.Slice)
	require.NoError(t, err)
	require.Equal(t, cocoon.NanoOf(410*20+2*512*160), r)
	size.MaxOut = 100
	r, err = size.Reserve(price, bound.Slice)
	require.NoError(t, err)
	require.Equal(t, cocoon.NanoOf(410*20+2*100*160), r, "no more than it may say")
	dear := price
	dear.Cached, dear.Reasoning = cocoon.NanoOf(30_000_000), cocoon.NanoOf(200_000_000)
	r, err = size.Reserve(dear, bound.Slice)
	require.NoError(t, err)
	require.Equal(t, cocoon.NanoOf(410*30+2*100*200), r, "the dearer of two prices")
	for _, bad := range []bound.Size{{Prompt: 1, MaxOut: 1}, {Prompt: 1, Choices: 1}, {Choices: math.MaxUint64, MaxOut: 2}, {Prompt: math.MaxUint64, Overhead: 1, Choices: 1, MaxOut: 1}} {
		_, err = bad.Reserve(price, bound.Slice)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), bad)
	}
}

func TestCheck_HoldsAtTheEdgeAndBelievesNoWrappedSum(t *testing.T) {
	t.Parallel()
	size := bound.Size{Prompt: 400, Overhead: 10, Choices: 2, MaxOut: 50}
	require.NoError(t, size.Check(cocoon.Usage{Prompt: 400, Cached: 10, Completion: 90, Reasoning: 10}, 100))
	for name, bad := range map[string]cocoon.Usage{
		"prompt":            {Prompt: 411},
		"cached counts too": {Prompt: 400, Cached: 11},
		"prompt wraps":      {Prompt: math.MaxUint64, Cached: 2},
		"answer":            {Completion: 101},
		"reasoning counts":  {Completion: 100, Reasoning: 1},
		"answer wraps":      {Completion: math.MaxUint64, Reasoning: 2},
	} {
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(size.Check(bad, 1000)), name)
	}
	require.Error(t, size.Check(cocoon.Usage{Completion: 50}, 49), "no token without a byte")
}

func TestReserve_BoundsWhateverIsInBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, most uint64) uint64 { return rapid.Uint64Range(0, most).Draw(t, name) }
		size := bound.Size{Prompt: draw("bytes", 1<<20), Overhead: draw("overhead", 64), Choices: 1 + draw("choices", 8), MaxOut: 1 + draw("max", 1<<16)}
		nano := func(name string) cocoon.Nano { return cocoon.NanoOf(draw(name, 1<<40)) }
		price := cocoon.Price{Prompt: nano("p"), Cached: nano("c"), Completion: nano("o"), Reasoning: nano("r")}
		u := cocoon.Usage{Prompt: draw("prompt", 1<<20), Cached: draw("cached", 1<<20), Completion: draw("completion", 1<<17), Reasoning: draw("reasoning", 1<<17)}
		if size.Check(u, draw("out", 1<<20)) != nil {
			return
		}
		r, err := size.Reserve(price, size.MaxOut)
		require.NoError(t, err)
		cost, err := price.Cost(u)
		require.NoError(t, err)
		require.LessOrEqual(t, cost.Cmp(r), 0)
	})
}
