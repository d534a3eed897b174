package differential

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// live runs n steps of a world in Go alone and tells what they came to.
func live(t *testing.T, version uint32, c climate, seed uint64, n int, look func(*step, outcome)) {
	t.Helper()
	r, err := rulesFor(version, c)
	require.NoError(t, err)
	w, err := newWorld(r, seed)
	require.NoError(t, err)
	for range n {
		s := w.next()
		o, result := r.run(s)
		look(s, o)
		if result != nil {
			w.keep(s, result)
		}
	}
}

func TestTraffic_IsTheSameForASeed(t *testing.T) {
	t.Parallel()
	digest := func(seed uint64) string {
		h := sha256.New()
		live(t, 14, harsh, seed, 300, func(s *step, o outcome) { fmt.Fprintln(h, s.at.StringRaw(), s.now, s.lt, s.seed, o) })
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	require.Equal(t, digest(5), digest(5))
	require.NotEqual(t, digest(5), digest(6))
}

// reached are features that the traffic must have.
var reached = []string{
	"ACTIVE to FROZEN", "ACTIVE to NON_EXIST", "ACTIVE to UNINIT", "FROZEN to ACTIVE", "FROZEN to FROZEN", "NON_EXIST to ACTIVE",
	"NON_EXIST to NON_EXIST", "NON_EXIST to UNINIT", "UNINIT to ACTIVE", "UNINIT to NON_EXIST",
	"storage fees due", "storage phase DELETED", "storage phase FROZEN", "tick-tock",
	"skipped BAD_STATE", "skipped NO_GAS", "skipped NO_STATE", "skipped SUSPENDED",
	"exit -14", "exit 0", "exit 2", "exit 5", "exit 6", "exit 7", "exit 9", "exit 137",
	"refused", "not accepted, exit 0", "not accepted, exit 33", "not accepted, exit 35", "not accepted, exit 136",
	"action 0", "action 32", "action 33", "action 34", "action 35", "action 36", "action 37", "action 40", "action 41", "action 43", "action 45", "action 50",
	"actions skipped", "destroyed", "bounce tlb.BouncePhaseNoFunds", "bounce tlb.BouncePhaseOk",
}

// What the traffic does not reach, the gate does not compare.
func TestTraffic_ReachesWhatTransactionsCanDo(t *testing.T) {
	t.Parallel()
	seen, masterchain, large := map[string]int{}, 0, 0
	for i, c := range []climate{mild, harsh, harsh} {
		live(t, 14, c, uint64(i), 4000, func(s *step, o outcome) {
			for _, f := range features(o) {
				seen[f]++
			}
			if s.at.Workchain() == -1 && o.tx != nil {
				masterchain++
			}
			if s.message != nil && o.tx != nil && measure(s.message).CellsUsed.Int64() > 2000 {
				large++
			}
		})
	}
	var missing []string
	for _, f := range reached {
		if seen[f] == 0 {
			missing = append(missing, f)
		}
	}
	require.Empty(t, missing, "among: %s", strings.Join(slices.Sorted(maps.Keys(seen)), "; "))
	require.NotZero(t, masterchain)
	require.NotZero(t, large)
}

// A predicate that let anything pass would hide what it should find.
func TestExplain_KnowsOnlyWhatIsListed(t *testing.T) {
	t.Parallel()
	for name, r := range regressions(t) {
		rules, s, err := r.load()
		require.NoError(t, err, name)
		ours, _ := rules.run(s)
		other := *s
		other.now += 3600
		later, _ := rules.run(&other)
		if ours.tx == nil || later.tx == nil {
			continue
		}
		_, err = explain(rules, s, ours, later)
		require.ErrorIs(t, err, errUnknown, name)
	}
}
