package ledger

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
)

func TestExtend_OneLongAnswerMayPassTheAllowanceAndNoSecondBesideIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.covered()
	long, other := w.asks(1), w.asks(1)
	long.Size.MaxOut, other.Size.MaxOut = 1<<16, 1<<16
	require.NoError(t, w.Admit(1, long, nil))
	require.NoError(t, w.Admit(1, other, nil))
	granted, err := w.Extend(1, long.ID, 1<<16, nil)
	require.NoError(t, err)
	require.EqualValues(t, 1<<16, granted)
	granted, err = w.Extend(1, other.ID, bound.Slice, nil)
	require.ErrorIs(t, err, ErrBusy)
	require.EqualValues(t, bound.Slice, granted)
	require.ErrorIs(t, w.Admit(1, w.asks(1), nil), ErrBusy)
	most, err := long.Size.Reserve(price, 1<<16)
	require.NoError(t, err)
	require.Positive(t, most.Cmp(bound.Base()))
	require.LessOrEqual(t, w.state(1).Reserved.Cmp(most.Plus(bound.Base())), 0)
	require.NoError(t, w.Release(long.ID))
	_, err = w.Extend(1, other.ID, bound.Slice, nil)
	require.NoError(t, err)
	require.Equal(t, cocoon.NanoOf(1010*20+1024*160), w.state(1).Reserved)
}
