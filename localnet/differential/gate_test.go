//go:build cgo && emulator && linux && amd64

package differential

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/localnet/differential/reference"
)

var (
	seed         = flag.Uint64("seed", 1, "of the traffic")
	transactions = flag.Int("transactions", 25_000, "how many the gate compares at least, over all versions and climates")
	examples     = flag.Bool("examples", false, "write an example of each known difference to testdata/regressions")
)

// Of version 15 the reference knows but a part; README.md tells which.
var versions = []uint32{10, 11, 12, 13, 14, 15}

// TestGate_ExecutorsAgree compares the executors over random traffic.
func TestGate_ExecutorsAgree(t *testing.T) {
	t.Parallel()
	t.Logf("seed %d", *seed)
	var mu sync.Mutex
	all := newTally()
	t.Run("traffic", func(t *testing.T) {
		for _, version := range versions {
			for _, c := range []climate{mild, harsh} {
				t.Run(fmt.Sprintf("v%d %s", version, c), func(t *testing.T) {
					t.Parallel()
					r, err := rulesFor(version, c)
					require.NoError(t, err)
					seen := compare(t, r, *transactions/(2*len(versions))+1)
					mu.Lock()
					defer mu.Unlock()
					all.add(seen)
				})
			}
		}
	})
	if !t.Failed() {
		t.Log(all)
		for known, r := range all.examples {
			if *examples && listed(known) {
				require.NoError(t, r.save(strings.ReplaceAll(known, " ", "-")))
			}
		}
		require.GreaterOrEqual(t, all.transactions, *transactions)
	}
}

// TestRegressions_AreWhatTheReferenceMakes keeps the recorded hashes honest, and
// the predicates: each file is explained by the difference it names.
func TestRegressions_AreWhatTheReferenceMakes(t *testing.T) {
	t.Parallel()
	for name, r := range regressions(t) {
		rules, s, err := r.load()
		require.NoError(t, err, name)
		emulator, err := reference.New(rules.config, rules.libraries)
		require.NoError(t, err, name)
		theirs, err := runReference(emulator, s)
		emulator.Close()
		require.NoError(t, err, name)
		require.True(t, r.Expect.matches(theirs), "%s: got %s, expected %+v", name, theirs, r.Expect)
		if r.Known == "" {
			continue
		}
		ours, _ := rules.run(s)
		known, err := rules.explainStep(s, ours, theirs)
		require.NoError(t, err, "%s: %v", name, difference(ours, theirs))
		require.Equal(t, r.Known, known, name)
	}
}
