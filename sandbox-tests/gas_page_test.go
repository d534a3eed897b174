package sandboxtests

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ceilings bound the gas of the operations that happen most.
var ceilings = []struct {
	operation string
	most      int64
}{
	{"channel/settle", 5_000},
	{"provider/stake, birth, excess", 7_500},
	{"provider/stake, excess", 7_500},
	{"provider/request_unstake, the fourth, excess", 7_500},
	{"provider/withdraw, 0 of four ripe, excess", 7_500},
	{"provider/put_worker, 128 workers, eight models", 14_000},
	{"provider/report_equivocation, 128 workers", 14_000},
	{"accept over both contracts", 18_000},
	{"epoch/publish 500 of 100000, a leaf", 2_000},
	{"epoch/push 250 of 100000, among claims, a payout", 3_000},
	{"epoch/claim of 10000, among claims", 10_000},
	{"epoch/prove of 100000", 14_000},
	{"job, open to paid", 45_000},
}

func TestGas_CeilingsHold(t *testing.T) {
	t.Parallel()
	if *update {
		t.Skip("the figures are being renewed")
	}
	gas := readGolden(t).gas
	for _, c := range ceilings {
		require.Contains(t, gas, c.operation)
		require.LessOrEqual(t, gas[c.operation], c.most, c.operation)
	}
}

// page is docs/contracts/gas.md.
func (g golden) page() string {
	var b strings.Builder
	b.WriteString(`# Gas

Made by ` + "`make gas`" + `, which runs the contracts' tests in a TVM of global_version 14;
` + "`go test ./sandbox-tests`" + ` fails where a figure changes. Gas is what counts: its price
follows the live config, as do the fees that get_fees tells. A case is named
after what makes it dearer: the first message (birth), more value than the fee
(excess), full lists.

## Ceilings

| operation | gas | at most |
|---|---|---|
`)
	for _, c := range ceilings {
		fmt.Fprintf(&b, "| %s | %d | %d |\n", c.operation, g.gas[c.operation], c.most)
	}
	contract := ""
	for _, operation := range g.operations() {
		of, name, found := strings.Cut(operation, "/")
		if !found {
			continue
		}
		if of != contract {
			contract = of
			fmt.Fprintf(&b, "\n## %s\n\n| operation | gas |\n|---|---|\n", contract)
		}
		fmt.Fprintf(&b, "| %s | %d |\n", name, g.gas[operation])
	}
	b.WriteString("\n## Constants\n\nWhat fees are computed from: the most that was measured, rounded up.\n\n| constant | value | measured | by |\n|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(g.constants)) {
		c := g.constants[name]
		fmt.Fprintf(&b, "| `%s` | %d | %d | %s |\n", name, rounded(name, c.Measured), c.Measured, c.Test)
	}
	return b.String()
}
