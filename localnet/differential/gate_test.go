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

// compare lets a world live in both executors until n transactions were compared.
func compare(t *testing.T, r *rules, n int) tally {
	emulator, err := reference.New(r.config, r.libraries)
	require.NoError(t, err)
	defer emulator.Close()
	w, err := newWorld(r, *seed)
	require.NoError(t, err)
	seen := newTally()
	unknown := 0
	for seen.transactions < n {
		s := w.next()
		ours, result := r.run(s)
		if s.message == nil && kills(ours.actions) {
			seen.known["not run"]++
			continue
		}
		theirs, err := runReference(emulator, s)
		require.NoError(t, err)
		seen.note(theirs)
		if ours.equal(theirs) {
			if result != nil {
				w.keep(s, result)
			}
			continue
		}
		known, err := r.explainStep(s, ours, theirs)
		if err != nil {
			name := fmt.Sprintf("v%d-%d-%d", r.version, *seed, s.lt)
			require.NoError(t, record(r, s, fmt.Sprintf("found by seed %d", *seed), "", ours, theirs).save(name))
			t.Errorf("%v: %s: written to %s", err, difference(ours, theirs), name)
			unknown++
			require.Less(t, unknown, 10, "enough")
		}
		seen.known[known]++
		seen.keep(known, record(r, s, "an example of "+known, known, ours, theirs))
		if result != nil {
			w.keep(s, result)
		}
		if theirs.tx != nil {
			require.NoError(t, w.adopt(s, theirs.account))
		}
	}
	return seen
}

func runReference(e *reference.Emulator, s *step) (outcome, error) {
	at := reference.Moment{Now: s.now, LT: s.lt, Seed: s.seed}
	account := s.account.account.ShardAccountCell()
	var r reference.Result
	var err error
	if s.message == nil {
		r, err = e.TickTock(account, s.tock, at)
	} else {
		r, err = e.Transaction(account, s.message, at)
	}
	return outcome{tx: r.Transaction, account: r.Account, refusal: r.Refusal, exit: r.ExitCode}, err
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
