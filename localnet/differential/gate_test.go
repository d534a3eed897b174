//go:build cgo && emulator && linux && amd64

package differential

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/localnet/differential/reference"
)

var (
	seed         = flag.Uint64("seed", 1, "of the traffic")
	transactions = flag.Int("transactions", 25_000, "how many the gate compares, over all versions and climates")
	examples     = flag.Bool("examples", false, "write an example of each known difference to testdata/regressions")
)

var versions = []uint32{10, 11, 12, 13, 14}

// tally is what a world has seen.
type tally struct {
	transactions, refusals int
	known, features        map[string]int
	examples               map[string]*regression // the smallest of each known difference
}

func newTally() tally {
	return tally{known: map[string]int{}, features: map[string]int{}, examples: map[string]*regression{}}
}

// TestGate_ExecutorsAgree compares the executors over random traffic.
func TestGate_ExecutorsAgree(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	all := newTally()
	t.Run("traffic", func(t *testing.T) {
		for _, version := range versions {
			for _, c := range []climate{mild, harsh} {
				t.Run(fmt.Sprintf("v%d %s", version, c), func(t *testing.T) {
					t.Parallel()
					r, err := rulesFor(version, c)
					require.NoError(t, err)
					seen := compare(t, r, *transactions/(2*len(versions)))
					mu.Lock()
					defer mu.Unlock()
					all.add(seen)
				})
			}
		}
	})
	if !t.Failed() {
		fmt.Printf("seed %d: %s\n", *seed, all)
		for known, r := range all.examples {
			if *examples && differencesByName(known) {
				_, err := r.save(strings.ReplaceAll(known, " ", "-"))
				require.NoError(t, err)
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
			path, saveErr := record(r, s, "found by seed "+fmt.Sprint(*seed), "", ours, theirs).save("")
			require.NoError(t, saveErr)
			t.Errorf("%v: %s: see %s", err, difference(ours, theirs), path)
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

func (t *tally) note(o outcome) {
	if o.tx != nil {
		t.transactions++
	} else {
		t.refusals++
	}
	for _, f := range features(o) {
		t.features[f]++
	}
}

// keep remembers an example, if it is smaller than the one there was.
func (t *tally) keep(known string, r *regression) {
	if old := t.examples[known]; old == nil || r.size() < old.size() {
		t.examples[known] = r
	}
}

func (t *tally) add(other tally) {
	for known, r := range other.examples {
		t.keep(known, r)
	}
	t.transactions += other.transactions
	t.refusals += other.refusals
	for name, n := range other.known {
		t.known[name] += n
	}
	for name, n := range other.features {
		t.features[name] += n
	}
}

func (t tally) String() string {
	return fmt.Sprintf("%d transactions and %d refusals compared; known differences: %s", t.transactions, t.refusals, counts(t.known))
}

// differencesByName tells whether the name is of one difference alone.
func differencesByName(name string) bool {
	return slices.ContainsFunc(differences, func(k known) bool { return k.name == name })
}

func counts(m map[string]int) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, fmt.Sprintf("%s %d", name, m[name]))
	}
	return strings.Join(list, ", ")
}
