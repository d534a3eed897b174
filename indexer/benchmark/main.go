// Command benchmark measures the indexer on a local chain, in one process and on
// one machine: parsing, catching up beside a baseline that asks per transaction,
// how far behind it is live, and writing. Sides take turns, figures are medians.
// Progress goes to stderr; the last line on stdout is the figures as JSON, null
// where a side could not run here (make bench-index).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// options are how much is measured.
type options struct {
	rounds   int
	blocks   int           // masterchain blocks of the segment
	load     load          // of each of them
	live     time.Duration // that the indexer follows the chain's end
	fixtures string        // folder with mainnet-blocks/*.boc; "" without
}

// figures are rates and ratios to the baseline; nil is what could not be measured.
type figures struct {
	ParseTxS          *float64 `json:"parse_tx_s"` // of mainnet where there is any, else of the segment
	ParseMainnetTxS   *float64 `json:"parse_mainnet_tx_s"`
	ParseSegmentTxS   *float64 `json:"parse_segment_tx_s"`
	CatchUp0          *float64 `json:"catchup_blocks_s_0ms"`
	CatchUp5          *float64 `json:"catchup_blocks_s_5ms"`
	CatchUp30         *float64 `json:"catchup_blocks_s_30ms"`
	VsPerTx0          *float64 `json:"vs_per_tx_0ms"`
	VsPerTx5          *float64 `json:"vs_per_tx_5ms"`
	VsPerTx30         *float64 `json:"vs_per_tx_30ms"`
	LagP50            *float64 `json:"lag_p50_ms"`
	LagP95            *float64 `json:"lag_p95_ms"`
	LagP99            *float64 `json:"lag_p99_ms"`
	SQLiteRowsS       *float64 `json:"sqlite_rows_s"`
	PostgresRowsS     *float64 `json:"postgres_rows_s"`
	GetBlockPerBlock  *float64 `json:"getblock_per_block"`
	OtherRPCsPerBlock *float64 `json:"other_rpc_per_block"`
}

func main() {
	o := options{}
	flag.IntVar(&o.rounds, "rounds", 3, "turns of which the medians are taken")
	flag.IntVar(&o.blocks, "blocks", 200, "masterchain blocks to catch up with")
	flag.IntVar(&o.load.wallets, "wallets", 8, "wallets that send in each block")
	flag.IntVar(&o.load.jobs, "jobs", 4, "jobs that a wallet opens in each block, and cancels in the next")
	flag.IntVar(&o.load.transfers, "transfers", 12, "transfers that a wallet makes in each block, which are nothing to the indexer")
	flag.DurationVar(&o.live, "live", time.Minute, "how long the indexer follows the end of the chain")
	flag.StringVar(&o.fixtures, "fixtures", os.Getenv("COCOON_FIXTURES"), "folder with mainnet-blocks/*.boc; none without")
	flag.Parse()
	if err := printed(o); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// printed runs the benchmark until it is done or interrupted.
func printed(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	f, err := run(ctx, o)
	stop()
	if err != nil {
		return err
	}
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	return nil
}

func run(ctx context.Context, o options) (f figures, err error) {
	note("%d rounds, %d cores", o.rounds, runtime.GOMAXPROCS(0))
	s, err := makeSegment(ctx, o)
	if err != nil {
		return f, fmt.Errorf("make the segment: %w", err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	note("segment: %d masterchain and %d shard blocks, %d transactions", s.masters, len(s.blocks)-s.masters, s.transactions)
	for _, measure := range []func(context.Context, *figures, options, *segment) error{measureParse, measureCatchUp, measureRows, measureLag} {
		if err = measure(ctx, &f, o, s); err != nil {
			return f, err
		}
	}
	return f, nil
}

func note(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// quantile of values, of which there is one at least; q is from 0 to 1.
func quantile(values []float64, q float64) *float64 {
	sorted := slices.Sorted(slices.Values(values))
	return &sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func median(values []float64) *float64 { return quantile(values, 0.5) }

// inFolder gives do the path of a database in a folder of its own.
func inFolder(do func(path string) error) (err error) {
	folder, err := os.MkdirTemp("", "bench-index")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	return do(filepath.Join(folder, "index.db"))
}
