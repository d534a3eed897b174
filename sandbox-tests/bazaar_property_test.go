package sandboxtests

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// leastTransactions is how many random ones every run of the tests makes.
const leastTransactions = 20_000

var scenario = flag.String("scenario", "", "a file that a failed property has written, to be played again")

// properties are where the histories of each happen most.
var properties = map[string][]string{
	"everywhere":  {"provider", "job", "rewards", "epoch", "channel", "elsewhere"},
	"dispatchers": {"rewards", "epoch", "epoch", "epoch", "channel"},
	"providers":   {"provider", "provider", "job", "job", "job"},
}

// TestProperties_OfAnyHistory plays whatever comes, in any order, and judges
// every transaction.
func TestProperties_OfAnyHistory(t *testing.T) {
	t.Parallel()
	var total atomic.Int64
	start := newBazaar(t)
	t.Run("of", func(t *testing.T) {
		for name, focus := range properties {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(rt *rapid.T) { total.Add(int64(live(rt, start, focus))) })
			})
		}
	})
	t.Logf("%d random transactions", total.Load())
	require.GreaterOrEqual(t, total.Load(), int64(leastTransactions))
}

// live plays one history and says how many transactions it had.
func live(rt *rapid.T, start *bazaar, focus []string) int {
	b := start.clone()
	b.t = rt
	d := &drawing{bazaar: b, focus: focus}
	moves := rapid.Custom(d.move)
	defer func() {
		if r := recover(); r != nil {
			b.save(rt)
			panic(r)
		}
	}()
	for range stepsOf(rt) {
		b.play(moves.Draw(rt, "move"))
	}
	b.drain()
	return b.count
}

func stepsOf(rt *rapid.T) int { return 200 }

// save writes the scenario down that has failed. What a failure shrinks to comes last.
func (b *bazaar) save(t rapid.TB) {
	path := filepath.Join(os.TempDir(), strings.NewReplacer("/", "_").Replace(t.Name())+".json")
	data, err := json.MarshalIndent(b.played, "", "  ")
	if err == nil && os.WriteFile(path, append(data, '\n'), 0o600) == nil {
		t.Logf("play it again: go test ./sandbox-tests -run TestProperties_Replay -scenario %s", path)
	}
}

func (b *bazaar) replay(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var moves []move
	require.NoError(t, json.Unmarshal(data, &moves))
	for _, m := range moves {
		b.play(m)
	}
	b.drain()
}

func TestProperties_Replay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/regressions/*.json")
	require.NoError(t, err)
	if *scenario != "" {
		files = append(files, *scenario)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			newBazaar(t).replay(t, file)
		})
	}
}
