package action_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/cli/action"
)

var published = map[string]action.Rules{"real": action.RealRules(), "quick": action.QuickRules()}

// What the contracts promise rests on these: else a number is due before the one
// before it has passed, a bond leaves before a receipt can be enforced, or an
// owner that waits for its bond is succeeded for its silence.
func TestRules_KeepTheRelationsThatPromisesRestOn(t *testing.T) {
	t.Parallel()
	for name, r := range published {
		require.GreaterOrEqual(t, r.Period, r.Publish+r.Window, name)
		require.GreaterOrEqual(t, r.Unbonding, r.Period+2*(r.Publish+r.Window), name)
		require.Greater(t, r.HeirAfter, r.Unbonding, name)
		require.LessOrEqual(t, r.Penalty.Cmp(r.MinBond), 0, name)
		require.NoError(t, r.Validate(), name)
	}
}

func TestRules_OthersAreNotPublished(t *testing.T) {
	t.Parallel()
	for name, breaking := range map[string]func(*action.Rules){
		"a period within an epoch":       func(r *action.Rules) { r.Period = r.Publish + r.Window - 1 },
		"a bond that leaves too early":   func(r *action.Rules) { r.Unbonding = r.Period + 2*(r.Publish+r.Window) - 1 },
		"an heir that comes with it":     func(r *action.Rules) { r.HeirAfter = r.Unbonding },
		"times that are too long to add": func(r *action.Rules) { r.Publish, r.Window = 1<<31, 1<<31 },
		"no penalty":                     func(r *action.Rules) { r.Penalty = cocoon.Nano{} },
		"a penalty above the bond":       func(r *action.Rules) { r.Penalty = cocoon.TON(501) },
	} {
		r := action.RealRules()
		breaking(&r)
		_, err := r.Terms(cocoon.Account{})
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
	least := action.RealRules()
	least.Period = least.Publish + least.Window
	least.Unbonding = least.Period + 2*(least.Publish+least.Window)
	least.HeirAfter = least.Unbonding + 1
	require.NoError(t, least.Validate())
}

// What the terms say is what the contracts take: no clamp changes it.
func TestRules_AreWithinTheClamps(t *testing.T) {
	t.Parallel()
	const day = 86400
	for name, r := range published {
		require.LessOrEqual(t, r.Unbonding, uint32(60*day), name)
		require.LessOrEqual(t, r.HeirAfter, uint32(365*day), name)
		require.LessOrEqual(t, max(r.Publish, r.Window), uint32(7*day), name)
		require.LessOrEqual(t, r.Expiry, uint32(365*day), name)
		require.LessOrEqual(t, r.NetworkBps, uint16(500), name)
		require.LessOrEqual(t, r.PenaltyBps, uint16(10_000), name)
	}
}
