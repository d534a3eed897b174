package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// requireRefused wants b to fail with code, to change nothing, to cost the
// contract nothing, and the value to come back less what the refusal cost.
func (s *scene) requireRefused(t *testing.T, code int32, from cocoon.Account, value cocoon.Nano, b *cell.Cell) {
	t.Helper()
	before, held := s.hash(), s.balance(s.at)
	tr := s.post(from, value, b)
	tr.requireExit(t, code)
	require.Equal(t, before, s.hash(), "a refused message must change nothing")
	if s.kept {
		require.Len(t, tr.steps, 1)
		require.NotEqual(t, -1, s.balance(s.at).Cmp(held), "what came with it stays")
		return
	}
	require.Len(t, tr.steps, 2)
	require.True(t, tr.steps[1].bounced)
	require.Equal(t, from, tr.steps[1].to, "the value comes back")
	require.Equal(t, minus(t, held, tr.steps[0].rent), s.balance(s.at), "a refused message must cost the contract nothing")
	s.requireBooks()
}

// showLeast: the least value is enough for the whole trace, one nanoTON less is
// refused, and whatever comes, the contract pays no part of it.
func showLeast(t *testing.T, r row) {
	s := r.scene(t)
	if s.unpriced {
		showAnyValue(t, r)
		return
	}
	s.requireRefused(t, errNotEnoughValue, s.from, less1(t, s.value), s.body)
	first := s.play().requireOK(t).steps[0]
	s.requireBooks()
	cost, err := cocoon.NanoFromBig(first.fees)
	require.NoError(t, err)
	unspent := minus(t, plus(t, minus(t, s.value, s.amount), first.rent), cost) // fails where less than nothing is left
	for _, more := range []cocoon.Nano{cocoon.NanoOf(1), ton(1)} {
		g := r.scene(t)
		g.post(g.from, plus(t, g.value, more), g.body).requireOK(t)
		require.NotEqual(t, -1, plus(t, g.balance(g.at), unspent).Cmp(s.balance(s.at)), "%s more, and the contract paid for the change", more)
		g.requireBooks()
	}
}

// showAnyValue: a report is taken whole or not at all, whatever comes with it,
// and never at the cost of the contract.
func showAnyValue(t *testing.T, r row) {
	s := r.scene(t)
	before := s.hash()
	s.play().requireOK(t)
	after := s.hash()
	for _, n := range []uint64{0, 1, 70_000, 200_000, 400_000, 600_000, 800_000, 1_000_000, 10_000_000} {
		s := r.scene(t)
		held := s.balance(s.at)
		first := s.post(s.from, cocoon.NanoOf(n), s.body).steps[0]
		if first.aborted || first.exit != 0 {
			require.Equal(t, before, s.hash(), "%d nanoTON: not taken, and yet it changed something", n)
		} else {
			require.Equal(t, after, s.hash(), "%d nanoTON: taken, but not whole", n)
		}
		require.NotEqual(t, -1, s.balance(s.at).Cmp(minus(t, held, first.rent)), "%d nanoTON: the contract paid for it", n)
		s.requireBooks()
	}
}
