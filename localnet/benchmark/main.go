// Command benchmark measures localnet beside other executors and against its
// own: all sides in one process run, in turns, on the same messages. Progress
// goes to stderr; the last line on stdout is the figures as JSON, null where a
// side could not run here (make bench-localnet).
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
)

// figures are ratios of transactions per second, milliseconds and bytes; nil is
// what could not be measured.
type figures struct {
	VsTongoEmulator        *float64 `json:"vs_tongo_emulator"`
	VsTonSandbox           *float64 `json:"vs_ton_sandbox"`
	ChainVsExecutor        *float64 `json:"chain_vs_executor"`
	StartMs                *float64 `json:"start_ms"`
	EmptyPairMs            *float64 `json:"empty_pair_ms"`
	HeapBytesPerEmptyBlock *float64 `json:"heap_bytes_per_empty_block"`
}

func main() {
	rounds := flag.Int("rounds", 7, "turns of which the medians are taken")
	flag.Parse()
	debug.SetGCPercent(400) // as `cocoon localnet` does, for every side
	if err := run(max(*rounds, 5)); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(rounds int) error {
	note("%d rounds, %d cores", rounds, runtime.GOMAXPROCS(0))
	var f figures
	for _, measure := range []func(*figures, int) error{measureExecutors, measureChain, measureStart, measureEmpty} {
		if err := measure(&f, rounds); err != nil {
			return err
		}
	}
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	return nil
}

func note(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
