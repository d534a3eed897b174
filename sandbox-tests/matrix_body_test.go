package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/wrappers"
)

// showTrailing: a body that does not end where its fields do is refused.
func showTrailing(t *testing.T, r row) {
	s := r.scene(t)
	require.Equal(t, r.operation(), wrappers.OperationName(s.body), "the scene plays another operation")
	generous := plus(t, s.value, ton(1))
	stray := cell.BeginCell().MustStoreUInt(7, 8).EndCell()
	bodies := map[string]*cell.Cell{
		"a bit too many":       longer(s.body),
		"a reference too many": s.body.ToBuilder().MustStoreRef(stray).EndCell(),
		"a bit too few":        shorter(s.body),
	}
	if n := int(s.body.RefsNum()); n > 0 {
		bits := s.body.BitsSize()
		bodies["a reference too few"] = withRefs(cell.BeginCell().MustStoreSlice(s.body.MustBeginParse().MustLoadSlice(bits), bits).EndCell(), s.body, n-1)
	}
	for name, b := range bodies {
		t.Log(name)
		if s.unread {
			s.requireKept(t, b)
			continue
		}
		s.requireRefused(t, errTrailing, s.from, generous, b)
	}
}

// requireKept wants nothing that comes with b to leave the contract, whatever it says.
func (s *scene) requireKept(t *testing.T, b *cell.Cell) {
	t.Helper()
	held := s.balance(s.at)
	tr := s.post(s.from, s.value, b)
	require.Len(t, tr.steps, 1, "nothing comes back")
	require.Zero(t, tr.steps[0].action)
	require.NotEqual(t, -1, s.balance(s.at).Cmp(held))
	s.requireBooks()
}

// shorter is c without its last bit.
func shorter(c *cell.Cell) *cell.Cell { return withRefs(cut(c), c, int(c.RefsNum())) }

// withRefs is c with the first n references of from.
func withRefs(c, from *cell.Cell, n int) *cell.Cell {
	b := c.ToBuilder()
	for i := range n {
		b.MustStoreRef(from.MustPeekRef(i))
	}
	return b.EndCell()
}

// showReplay: the very same message a second time.
func showReplay(t *testing.T, r row) {
	s := r.scene(t)
	s.play().requireOK(t)
	after, held := s.hash(), s.balance(s.at)
	switch r.again {
	case idle:
		first := s.play().steps[0]
		require.Zero(t, first.exit)
		require.Zero(t, first.action)
		require.Equal(t, after, s.hash(), "a second one must change nothing")
		require.NotEqual(t, -1, s.balance(s.at).Cmp(minus(t, held, first.rent)), "nor take anything")
	case acts:
		s.play().requireOK(t)
		s.twice()
	default:
		s.requireRefused(t, int32(r.again), s.from, s.value, s.body)
	}
	s.requireBooks()
}
