package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// showSender: whoever else sends it is refused, does the same, or nothing.
func showSender(t *testing.T, r row) {
	s, ours := r.scene(t), r.scene(t)
	as := ours.play().requireOK(t)
	for _, other := range s.others {
		switch r.who {
		case only:
			s.requireRefused(t, errWrongSender, other, plus(t, s.value, ton(1)), s.body)
		case ignored:
			s.requireIgnored(t, other)
		default:
			r.scene(t).requireTheSame(t, ours, as, other)
		}
	}
}

// requireIgnored wants the message to do nothing from other, and its value to come back.
func (s *scene) requireIgnored(t *testing.T, other cocoon.Account) {
	t.Helper()
	before, held := s.hash(), s.balance(s.at)
	tr := s.post(other, s.value, s.body).requireOK(t)
	require.Equal(t, before, s.hash())
	require.Equal(t, minus(t, held, tr.steps[0].rent), s.balance(s.at))
	tr.requireOps(t, tr.steps[0].op(), opExcesses)
}

// requireTheSame wants the message to do from other what it has done in ours.
func (s *scene) requireTheSame(t *testing.T, ours *scene, as trace, other cocoon.Account) {
	t.Helper()
	tr := s.post(other, s.value, s.body).requireOK(t)
	require.Equal(t, ours.hash(), s.hash(), "anyone may send it, and it does the same")
	require.Equal(t, ours.balance(s.at), s.balance(s.at))
	require.Len(t, tr.steps, len(as.steps))
}

// showWorkchain: an account elsewhere with the number of the right one is not
// that one, and is refused but where nobody is asked for.
func showWorkchain(t *testing.T, r row) {
	s := r.scene(t)
	before := s.hash()
	in := chain.Message{To: s.at, Amount: plus(t, s.value, ton(1)), Bounce: true, Body: s.body}.Internal()
	in.SrcAddr = address.NewAddress(0, 255, s.from[:])
	got, out := s.deliver(s.letter(in))
	if r.who == anywhere {
		here := r.scene(t)
		here.play().requireOK(t)
		require.Equal(t, here.hash(), s.hash())
		return
	}
	require.EqualValues(t, errWrongWorkchain, got.exit)
	require.Equal(t, before, s.hash())
	require.Len(t, out, 1, "the value goes back")
}

// letter is in as it travels.
func (s *scene) letter(in *tlb.InternalMessage) *cell.Cell {
	s.t.Helper()
	in.CreatedLT, in.CreatedAt = s.lt, s.now
	c, err := tlb.ToCell(in)
	require.NoError(s.t, err)
	return c
}
