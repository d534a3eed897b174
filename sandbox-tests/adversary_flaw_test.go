package sandboxtests

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/contracts"
)

// profitable are the flawed designs of which an adversary gets more than its bound, and who that is.
var profitable = map[string]string{
	"c1":  "dispatcher and sybil providers",
	"c3":  "dispatcher and sybil providers",
	"c4":  "provider that equivocates",
	"c6":  "client and dispatcher",
	"c7":  "provider that equivocates",
	"c8":  "client and dispatcher",
	"h1":  "provider that equivocates",
	"h2":  "stranger",
	"h3":  "stranger",
	"h4":  "client of a job, arbiter",
	"h5":  "provider of a job, arbiter, attentive client",
	"h10": "dispatcher and sybil providers",
	"h12": "dispatcher and client's cover",
	"m1":  "provider without a pass",
	"m7":  "client",
}

// TestAdversaries_ProfitFromFlaws: the same searches find more than the bound where a contract
// has a flaw that ours were changed to prevent. The other flaws cost, stall or burn what nobody gets.
func TestAdversaries_ProfitFromFlaws(t *testing.T) {
	t.Parallel()
	designs, err := flawedDesigns()
	require.NoError(t, err)
	adversaries := map[string]plot{}
	for _, p := range plots() {
		adversaries[p.name] = p
	}
	start, left := newBazaar(t), maps.Clone(profitable)
	for _, f := range designs {
		name, listed := profitable[f.Name]
		if !listed {
			continue
		}
		delete(left, f.Name)
		t.Run(f.Name, func(t *testing.T) {
			best, bound := searched(flawed(t, start, f), adversaries[name])
			require.Greater(t, best.profit, bound, "%s finds no profit here", name)
			t.Logf("%s gets %d nanoTON, the bound is %d:\n%s", name, best.profit, bound, text(best.did))
		})
	}
	require.Empty(t, left, "there are no such designs")
}

// flawed is the same market with a flaw, where what the world's own checks say is only an end of that history.
func flawed(t *testing.T, start *bazaar, f flawedDesign) *bazaar {
	b := start.clone()
	b.t = &listener{TB: t}
	design{instead: map[string]*cell.Cell{string(contracts.Code(f.contract()).Hash()): f.Code}}.in(b.world)
	return b
}

// searched is what the adversary finds, until it is more than its bound.
func searched(start *bazaar, p plot) (best finding, bound int64) {
	d := newDuel(start, p)
	bound = d.plan.bound(d)
	return newSearch(d.plan, bound).from(d), bound
}
