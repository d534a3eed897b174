package indexer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

var errKilled = errors.New("killed")

// history is a chain with a story, and the log that an indexer nobody kills makes of it.
func history(t *testing.T) (w *world, log []string) {
	t.Helper()
	w = newWorld(t)
	w.finish(w.play())
	x := w.open(newPath(t))
	w.follow(x)
	log = dump(t, x, append(logged, projected...)...)
	require.Greater(t, len(log), 100)
	return w, log
}

func TestIndexer_KilledAnywhereWritesTheSameLog(t *testing.T) {
	t.Parallel()
	w, want := history(t)
	random := rand.New(rand.NewPCG(1, 2))
	path := newPath(t)
	head, err := w.client.Head(t.Context())
	require.NoError(t, err)
	kills := map[string]int{}
	for kill := 0; ; kill++ {
		cfg := w.config(path)
		cfg.batch = 1 + kill%5
		x, err := Open(t.Context(), cfg)
		require.NoError(t, err)
		if kill < 120 {
			left := random.IntN(12)
			x.fault = func(moment string) error {
				if left--; left >= 0 {
					return nil
				}
				kills[moment]++
				return errKilled
			}
		}
		for err = nil; err == nil && x.Head().Seqno < head.SeqNo; {
			err = x.step(t.Context())
		}
		if err == nil {
			require.Equal(t, want, dump(t, x, append(logged, projected...)...))
			require.NoError(t, x.Close())
			break
		}
		require.ErrorIs(t, err, errKilled)
		require.NoError(t, x.Close())
	}
	total := 0
	for _, n := range kills {
		total += n
	}
	require.GreaterOrEqual(t, total, 50, "%v", kills)
	for _, moment := range []string{"read", "event", "recorded", "committed"} {
		require.Positive(t, kills[moment], moment)
	}
}

// Environment of the process that TestIndexer_KilledProcessWritesTheSameLog kills.
const (
	killNetwork  = "COCOON_TEST_KILL_NETWORK"
	killRegistry = "COCOON_TEST_KILL_REGISTRY"
	killDatabase = "COCOON_TEST_KILL_DATABASE"
	killHead     = "COCOON_TEST_KILL_HEAD"
	killAsks     = "COCOON_TEST_KILL_ASKS"     // it goes on from a moment when it is told to
	killOutlasts = "COCOON_TEST_KILL_OUTLASTS" // it asks again where the chain does not answer
)

// killTerm is the lease of a process to be killed: the next one waits for no longer.
const killTerm = 200 * time.Millisecond

// killAhead are the bytes that a process to be killed reads ahead: it will not live to use more.
const killAhead = 128 << 10

// TestMain is the process to be killed where it is started as one.
func TestMain(m *testing.M) {
	if os.Getenv(killNetwork) == "" {
		code := m.Run()
		stopPostgres()
		os.Exit(code)
	}
	if err := victim(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// victim follows the chain and says at each moment where it is.
func victim(ctx context.Context) error {
	raw, err := os.ReadFile(os.Getenv(killNetwork))
	if err != nil {
		return err
	}
	n, err := chain.ParseNetwork(raw)
	if err != nil {
		return err
	}
	outlasts := os.Getenv(killOutlasts) != ""
	client, err := chain.Dial(ctx, n, chain.Options{Timeout: time.Second})
	for outlasts && cocoon.KindOf(err) == cocoon.Unreachable {
		client, err = chain.Dial(ctx, n, chain.Options{Timeout: time.Second})
	}
	if err != nil {
		return err
	}
	registry, err := cocoon.ParseAccount(os.Getenv(killRegistry))
	if err != nil {
		return err
	}
	head, err := strconv.Atoi(os.Getenv(killHead))
	if err != nil {
		return err
	}
	cfg := configAt(os.Getenv(killDatabase), registry, client)
	cfg.term = killTerm
	if outlasts { // nobody else wants the lease while it lives
		cfg.Ahead, cfg.term = killAhead, killTerm/4
	}
	asks, word := os.Getenv(killAsks) != "", make([]byte, 1)
	if cfg.batch = 1; !asks {
		cfg.batch += os.Getpid() % 5
	}
	x, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	if err = x.lead(ctx); err != nil {
		return err
	}
	x.fault = func(moment string) error {
		_, err := fmt.Println(moment)
		if err == nil && asks {
			_, err = os.Stdin.Read(word)
		}
		return err
	}
	step := x.step
	if outlasts {
		x.pause = time.Millisecond
		step = func(ctx context.Context) error { return x.persist(ctx, x.step) }
	}
	for x.Head().Seqno < uint32(head) {
		if err = step(ctx); err != nil {
			return err
		}
	}
	return x.Close()
}

// victims starts processes that index w's chain up to its head of now, through
// the liteservers of a global.config.json.
func (w *world) victims(config []byte) func(path string) *exec.Cmd {
	w.t.Helper()
	network := filepath.Join(w.t.TempDir(), "network.json")
	require.NoError(w.t, os.WriteFile(network, config, 0o600))
	head, err := w.client.Head(w.t.Context())
	require.NoError(w.t, err)
	return func(path string) *exec.Cmd {
		c := exec.CommandContext(w.t.Context(), os.Args[0])
		c.Env = append(os.Environ(), killNetwork+"="+network, killRegistry+"="+w.registry.String(), killDatabase+"="+path, killHead+"="+strconv.Itoa(int(head.SeqNo)))
		return c
	}
}

func TestIndexer_KilledProcessWritesTheSameLog(t *testing.T) {
	t.Parallel()
	w, want := history(t)
	start := w.victims(w.local.GlobalConfig())
	random := rand.New(rand.NewPCG(3, 4))
	path := newPath(t)
	whole := func() {
		x := w.open(path)
		require.NoError(t, x.lead(t.Context()))
		w.follow(x)
		require.Equal(t, want, dump(t, x, append(logged, projected...)...))
	}
	for killed := 0; killed < 40; { // and a hundred amid faults
		c := start(path)
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		moments := bufio.NewScanner(out)
		for n := 1 + random.IntN(25); n > 0 && moments.Scan(); n-- {
		}
		require.NoError(t, c.Process.Kill())
		if isKilled(t, c.Wait()) {
			killed++
			continue
		}
		whole() // it was at its end before the kill came
		path = newPath(t)
	}
	whole()
}

// isKilled tells a process that was killed from one that came to its end.
func isKilled(t *testing.T, err error) bool {
	t.Helper()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		require.Equal(t, -1, exit.ExitCode(), "it failed by itself")
		return true
	}
	require.NoError(t, err)
	return false
}

// TestIndexer_TwoProcessesNeverBothWrite lets two write by turns: each is stopped
// now and then for longer than its lease, and goes on as if nothing had happened. Every block is committed once.
func TestIndexer_TwoProcessesNeverBothWrite(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("kill"); err != nil {
		t.Skip("no program to stop another with")
	}
	w, want := history(t)
	head, err := w.client.Head(t.Context())
	require.NoError(t, err)
	start, path := w.victims(w.local.GlobalConfig()), newPath(t)
	var committed, overtaken atomic.Int64
	race := errgroup.Group{}
	for seed := range uint64(2) {
		random := rand.New(rand.NewPCG(5, seed))
		race.Go(func() error {
			for {
				said, err := pausing(start(path), random, &committed)
				if err == nil {
					return nil
				}
				if !strings.Contains(said, ErrOvertaken.Error()) && !strings.Contains(said, "database is locked") {
					return fmt.Errorf("%w: %s", err, said)
				}
				overtaken.Add(1)
			}
		})
	}
	require.NoError(t, race.Wait())
	require.EqualValues(t, head.SeqNo, committed.Load())
	require.Positive(t, overtaken.Load())
	x := w.open(path)
	require.NoError(t, x.lead(t.Context()))
	require.Equal(t, want, dump(t, x, append(logged, projected...)...))
}

// pausing runs a process to its end with some stops, counts its commits and
// returns what it said of its failure.
func pausing(c *exec.Cmd, random *rand.Rand, committed *atomic.Int64) (said string, err error) {
	var complaint strings.Builder
	c.Stderr = &complaint
	c.Env = append(c.Env, killAsks+"=1") // or it would be at its end before a busy machine stops it
	out, err := c.StdoutPipe()
	if err != nil {
		return "", err
	}
	in, err := c.StdinPipe()
	if err != nil {
		return "", err
	}
	if err = c.Start(); err != nil {
		return "", err
	}
	left := 5 + random.IntN(60)
	for moments := bufio.NewScanner(out); moments.Scan(); left-- {
		if moments.Text() == "committed" {
			committed.Add(1)
		}
		if left == 0 {
			pid := strconv.Itoa(c.Process.Pid)
			if err = exec.Command("kill", "-STOP", pid).Run(); err != nil {
				break // it has ended
			}
			time.Sleep(3 * killTerm)
			if err = exec.Command("kill", "-CONT", pid).Run(); err != nil {
				return "", err
			}
			left = 5 + random.IntN(60)
		}
		if _, err = in.Write([]byte{'\n'}); err != nil {
			break // it has ended
		}
	}
	err = c.Wait()
	return complaint.String(), err
}
