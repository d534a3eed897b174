package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"pgregory.net/rapid"
)

const (
	actionSend        = 0x0ec3c86d
	bounceOnFailure   = 16
	ignoreFailure     = 2
	destroyIfNothing  = 32
	whatAnActionNeeds = 32 + 8 // bits: its tag and its mode
)

// requireModes wants every message that a contract of ours sends to bring the
// value back where it cannot be sent, and none to be lost in silence or to
// destroy its sender. No test can make a sending fail that was paid for, so that
// the flags themselves are looked at, whatever leads there.
func (w *world) requireModes(account *tvm.PreparedAccount, res *tvm.TransactionExecutionResult) {
	w.t.Helper()
	state := account.State()
	if res.Actions == nil || !res.Committed || state == nil || state.StateInit == nil || state.StateInit.Code == nil {
		return
	}
	if _, ours := kinds()[string(state.StateInit.Code.Hash())]; !ours {
		return
	}
	for _, mode := range modesIn(w.t, res.Actions) {
		require.NotZero(w.t, mode&bounceOnFailure, "mode %d loses the value where the message cannot be sent", mode)
		require.Zero(w.t, mode&(ignoreFailure|destroyIfNothing), "mode %d", mode)
	}
}

// modesIn are the modes of the messages among actions. Cells out of the machine
// go on counting its gas: they are read anew.
func modesIn(t rapid.TB, actions *cell.Cell) (modes []uint64) {
	t.Helper()
	list, err := cell.FromBOC(actions.ToBOC())
	require.NoError(t, err)
	for s := list.MustBeginParse(); s.BitsLeft() >= whatAnActionNeeds; {
		before := s.MustLoadRef()
		if s.MustLoadUInt(32) == actionSend {
			modes = append(modes, s.MustLoadUInt(8))
		}
		s = before
	}
	return modes
}

func TestModes_AreReadOutOfTheActions(t *testing.T) {
	t.Parallel()
	none := cell.BeginCell().EndCell()
	reserve := cell.BeginCell().MustStoreRef(none).MustStoreUInt(0x36e6b809, 32).MustStoreUInt(0, 8).MustStoreUInt(0, 5).EndCell()
	send := cell.BeginCell().MustStoreRef(reserve).MustStoreUInt(actionSend, 32).MustStoreUInt(17, 8).MustStoreRef(none).EndCell()
	last := cell.BeginCell().MustStoreRef(send).MustStoreUInt(actionSend, 32).MustStoreUInt(144, 8).MustStoreRef(none).EndCell()
	require.Empty(t, modesIn(t, none))
	require.Equal(t, []uint64{144, 17}, modesIn(t, last))
}
