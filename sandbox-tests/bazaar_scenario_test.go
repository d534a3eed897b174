package sandboxtests

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var replayed = flag.String("scenario", "", "a file that a failed property has written, to be played again")

// failedScenario is where a failure is written.
func failedScenario() string { return filepath.Join(os.TempDir(), "cocoon-property.json") }

// save writes down what has failed. What rapid shrinks to comes last.
func (b *bazaar) save(t rapid.TB) {
	if err := writeMoves(failedScenario(), b.played); err != nil {
		t.Logf("write the scenario: %v", err)
	}
}

// writeMoves writes one move a line.
func writeMoves(path string, moves []move) error {
	text := []byte("[\n")
	for i, m := range moves {
		line, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if text = append(append(text, "  "...), line...); i < len(moves)-1 {
			text = append(text, ',')
		}
		text = append(text, '\n')
	}
	return os.WriteFile(path, append(text, "]\n"...), 0o600)
}

func readMoves(path string) (moves []move, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return moves, json.Unmarshal(data, &moves)
}

// listener is a test that may fail without failing the one it listens for.
type listener struct {
	rapid.TB
	said string
}

// gaveUp is what a listener panics with.
type gaveUp struct{}

func (l *listener) Errorf(format string, args ...any) { l.said += fmt.Sprintf(format, args...) }
func (l *listener) Fatalf(format string, args ...any) { l.Errorf(format, args...); l.FailNow() }
func (l *listener) FailNow()                          { panic(gaveUp{}) }
func (l *listener) Failed() bool                      { return l.said != "" }

// follow plays moves after the beginning and returns what is wrong with them, "" where nothing is.
func (b *bazaar) follow(moves []move) (wrong string) {
	c, l := b.clone(), &listener{TB: b.t}
	c.t = l
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(gaveUp); !ok {
				panic(r)
			}
			wrong = l.said
		}
	}()
	for _, m := range moves {
		c.play(m)
	}
	c.drain()
	return l.said
}

// shorten leaves out of a scenario that has failed whatever is not needed, and says how to play it again.
func (b *bazaar) shorten(t *testing.T) {
	t.Helper()
	if !t.Failed() {
		return
	}
	moves, err := readMoves(failedScenario())
	if err != nil || b.follow(moves) == "" {
		return
	}
	moves = b.shortest(moves)
	require.NoError(t, writeMoves(failedScenario(), moves))
	t.Logf("%d moves fail:\n%s\nplay them again: go test ./sandbox-tests -run TestProperties_Replay -scenario %s", len(moves), b.follow(moves), failedScenario())
}

// shortest takes away halves, quarters and so on, and at last single moves.
func (b *bazaar) shortest(moves []move) []move {
	for size := len(moves) / 2; size > 0; {
		shorter := false
		for from := 0; from+size <= len(moves); {
			if less := slices.Delete(slices.Clone(moves), from, from+size); b.follow(less) != "" {
				moves, shorter = less, true
			} else {
				from += size
			}
		}
		if !shorter || size > 1 {
			size /= 2
		}
	}
	return moves
}

// Every failure that was mended stays mended.
func TestProperties_Replay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/regressions/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	if *replayed != "" {
		files = append(files, *replayed)
	}
	start := newBazaar(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			moves, err := readMoves(file)
			require.NoError(t, err)
			require.NotEmpty(t, moves)
			if wrong := start.follow(moves); wrong != "" {
				t.Fatal(wrong)
			}
		})
	}
}
