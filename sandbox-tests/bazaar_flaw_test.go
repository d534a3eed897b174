package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon/contracts"
)

// historiesForAFlaw are as many as it may take to meet one.
const historiesForAFlaw = 20

// TestProperties_FindFlaws: the properties fail where a contract has one of the
// flaws that ours were changed to prevent. Others cost or block somebody in a
// way that no rule here looks at; the tests of each flaw do.
func TestProperties_FindFlaws(t *testing.T) {
	t.Parallel()
	if *update {
		t.Skip("it measures nothing")
	}
	designs, err := flawedDesigns()
	require.NoError(t, err)
	start := newBazaar(t)
	for _, f := range designs {
		t.Run(f.Name, func(t *testing.T) {
			flawed := start.clone()
			design{instead: map[string]*cell.Cell{string(contracts.Code(f.contract()).Hash()): f.Code}}.in(flawed.world)
			t.Logf("FOUND %s", found(t, flawed)) // TODO
		})
	}
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
