package sandboxtests

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/contracts"
)

func TestAdversaries_ProfitFromFlaws(t *testing.T) {
	t.Parallel()
	designs, err := flawedDesigns()
	require.NoError(t, err)
	start := newBazaar(t)
	for _, f := range designs {
		for _, p := range plots() {
			flawed := start.clone()
			flawed.t = &listener{TB: t}
			design{instead: map[string]*cell.Cell{string(contracts.Code(f.contract()).Hash()): f.Code}}.in(flawed.world)
			var d *duel
			func() {
				defer func() { recover() }()
				d = newDuel(flawed, p)
			}()
			if d == nil {
				fmt.Println(f.Name, p.name, "no duel")
				continue
			}
			bound := d.plan.bound(d)
			best := newSearch(6, 8, bound).from(d)
			if best.profit > bound {
				fmt.Println(f.Name, p.name, best.profit, bound, words(best.did))
			}
		}
	}
}
