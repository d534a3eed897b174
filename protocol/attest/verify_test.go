package attest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/attest"
)

func TestVerify_BelievesWhatHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, err := attest.Parse(w.evidence().Bytes())
	require.NoError(t, err)
	v, err := w.verify(e)
	require.NoError(t, err)
	require.Equal(t, attest.TierTDX, v.Tier)
	require.Equal(t, attest.UpToDate, v.TCB)
	require.Equal(t, testPPID, v.PPID)
}
