package action_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/cli/action"
)

// What the contracts promise rests on these: else a number is opened before the
// one before it has passed, a bond leaves before a receipt can be enforced, or
// an owner that waits for its bond is succeeded for its silence.
func TestRules_KeepTheRelationsThatPromisesRestOn(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]action.Rules{"real": action.RealRules(), "quick": action.QuickRules()} {
		require.GreaterOrEqual(t, r.Period, r.Publish+r.Window, "%s: an epoch passes before the next is due", name)
		require.GreaterOrEqual(t, r.Unbonding, r.Period+2*(r.Publish+r.Window), "%s: a retry passes before the bond can leave", name)
		require.Greater(t, r.HeirAfter, r.Unbonding, "%s: who waits for its bond may be silent", name)
		require.LessOrEqual(t, r.Penalty.Cmp(r.MinBond), 0, "%s: the least penalty can be paid", name)
		require.Positive(t, r.Penalty.Cmp(cocoon.Nano{}), "%s: a refuted epoch costs something", name)
	}
}

// What the terms say is what the contracts take: no clamp changes it.
func TestRules_AreWithinTheClamps(t *testing.T) {
	t.Parallel()
	const day = 86400
	for name, r := range map[string]action.Rules{"real": action.RealRules(), "quick": action.QuickRules()} {
		require.LessOrEqual(t, r.Unbonding, uint32(60*day), name)
		require.LessOrEqual(t, r.HeirAfter, uint32(365*day), name)
		require.LessOrEqual(t, max(r.Publish, r.Window), uint32(7*day), name)
		require.LessOrEqual(t, r.Expiry, uint32(365*day), name)
		require.LessOrEqual(t, r.NetworkBps, uint16(500), name)
		require.LessOrEqual(t, r.PenaltyBps, uint16(10_000), name)
	}
}
