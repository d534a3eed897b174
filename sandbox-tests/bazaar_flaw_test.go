package sandboxtests

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon/contracts"
)

// historiesForAFlaw are as many as it may take to meet one.
const historiesForAFlaw = 40

// flawsOfRules are the flawed designs that break a rule within that.
var flawsOfRules = []string{"c3", "c4", "c5_job", "c5_provider", "c6", "c7", "c8", "h1", "h2", "h3", "h4", "h7", "h8", "h10", "h11",
	"m1", "m2", "m4", "m5", "m6", "m7", "m8", "m10"}

// TestProperties_FindFlaws: the properties fail where a contract has one of the
// flaws that ours were changed to prevent. What is not listed costs or blocks
// somebody in a way that no rule here looks at; the test of each flaw does.
func TestProperties_FindFlaws(t *testing.T) {
	t.Parallel()
	if *update {
		t.Skip("it measures nothing")
	}
	designs, err := flawedDesigns()
	require.NoError(t, err)
	start, tried := newBazaar(t), 0
	for _, f := range designs {
		if !slices.Contains(flawsOfRules, f.Name) {
			continue
		}
		tried++
		t.Run(f.Name, func(t *testing.T) {
			flawed := start.clone()
			design{instead: map[string]*cell.Cell{string(contracts.Code(f.contract()).Hash()): f.Code}}.in(flawed.world)
			wrong := found(t, flawed)
			require.Contains(t, wrong, "a rule is broken")
			t.Log(wrong)
		})
	}
	require.Len(t, flawsOfRules, tried)
}

// found is what breaks a rule first.
func found(t *testing.T, start *bazaar) (wrong string) {
	t.Helper()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		if n++; wrong == "" && n <= historiesForAFlaw {
			wrong = heard(rt, start)
		}
	})
	return wrong
}

// heard is what is wrong with one history.
func heard(rt *rapid.T, start *bazaar) (wrong string) {
	l := &listener{TB: rt}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(gaveUp); !ok {
				panic(r)
			}
			wrong = l.said
		}
	}()
	live(rt, l, start)
	return ""
}
