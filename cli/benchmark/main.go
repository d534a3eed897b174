// Command benchmark measures the interactive path as an application meets it:
// daemon, dispatcher, worker and engine, each a process, on contracts of a local
// chain, beside a plain reverse proxy with as many hops, beside the same hops that
// do nothing but carry, and beside the engine itself. Sides take turns, figures are medians. Progress goes to stderr; the
// last line on stdout is the figures as JSON (make bench-stream).
//
// The processes are this program once more, under the name of a role.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"syscall"
	"time"

	"github.com/cocoon-network/cocoon/cli"
)

// roles are what a process of the benchmark may be.
var roles = map[string]func(ctx context.Context, args []string) error{"engine": serveEngine, "proxy": serveProxy, "load": serveLoad, "keeper": serveKeeper,
	"bare-dispatcher": serveBareDispatcher, "bare-worker": serveBareWorker, "bare-daemon": serveBareDaemon}

// options are how much is measured.
type options struct {
	rounds    int
	burst     time.Duration // of each side in each round
	paced     time.Duration
	streams   int           // paced ones
	pace      time.Duration // between tokens of one stream
	tokens    int           // of an answer
	prompt    int           // bytes
	blockTime time.Duration
	only      string // burst or paced; "" is both
	profiles  string // folder for CPU profiles of the processes; "" makes none
}

func defaults() options {
	return options{rounds: 5, burst: 1500 * time.Millisecond, paced: 3 * time.Second, streams: 64, pace: 10 * time.Millisecond, tokens: 100, prompt: 2 << 10, blockTime: time.Second}
}

func main() {
	if role := roleOf(os.Args); role != "" {
		os.Exit(play(role, os.Args[2:]))
	}
	o := defaults()
	flag.IntVar(&o.rounds, "rounds", o.rounds, "turns of which the medians are taken")
	flag.DurationVar(&o.burst, "burst", o.burst, "how long each side answers as fast as it can, in each round and at each concurrency")
	flag.DurationVar(&o.paced, "paced", o.paced, "how long each side carries paced streams, in each round")
	flag.IntVar(&o.streams, "streams", o.streams, "paced streams at a time")
	flag.DurationVar(&o.pace, "pace", o.pace, "time between two tokens of a paced stream")
	flag.IntVar(&o.tokens, "tokens", o.tokens, "tokens of an answer")
	flag.IntVar(&o.prompt, "prompt", o.prompt, "bytes of a prompt")
	flag.DurationVar(&o.blockTime, "block-time", o.blockTime, "time between blocks of the local chain")
	flag.StringVar(&o.only, "only", "", "burst or paced: leave the other out")
	flag.StringVar(&o.profiles, "profiles", "", "folder for a CPU profile of each process")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	f, err := run(ctx, o)
	stop()
	var line []byte
	if err == nil {
		line, err = json.Marshal(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	fmt.Println(string(line))
}

// roleOf is what a process with such arguments is; "" for the benchmark itself.
func roleOf(args []string) string {
	if len(args) > 1 && (args[1] == "cocoon" || roles[args[1]] != nil) {
		return args[1]
	}
	return ""
}

// profilesVariable names the folder of profiles to a process.
const profilesVariable = "COCOON_BENCHMARK_PROFILES"

// play is one process of the benchmark; its exit code is returned.
func play(role string, args []string) int {
	defer profile(role, args)()
	if role == "cocoon" {
		return cli.Main(args, os.Stdin, os.Stdout, os.Stderr)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := roles[role](ctx, args); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}

// profile begins a profile of this process where they are wanted.
func profile(role string, args []string) (end func()) {
	folder := os.Getenv(profilesVariable)
	if folder == "" {
		return func() {}
	}
	if role == "cocoon" && len(args) > 0 {
		role = args[0]
	}
	f, err := os.Create(filepath.Join(folder, fmt.Sprintf("%s-%d.pprof", role, os.Getpid())))
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		note("no profile of %s: %v", role, err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			note("profile of %s: %v", role, err)
		}
	}
}

func note(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// median of values, of which there is one at least; the greater of the two in the middle.
func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile of values, of which there is one at least; q is from 0 to below 1.
func quantile(values []float64, q float64) float64 {
	return slices.Sorted(slices.Values(values))[int(q*float64(len(values)))]
}
