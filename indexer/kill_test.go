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
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
		x, err := Open(t.Context(), w.config(path))
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
)

// killTerm is the lease of a process to be killed: the next one waits for no longer.
const killTerm = 200 * time.Millisecond

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
	client, err := chain.Dial(ctx, n, chain.Options{})
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
	x, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	if err = x.lead(ctx); err != nil {
		return err
	}
	x.fault = func(moment string) error {
		_, err := fmt.Println(moment)
		return err
	}
	for x.Head().Seqno < uint32(head) {
		if err = x.step(ctx); err != nil {
			return err
		}
	}
	return x.Close()
}

func TestIndexer_KilledProcessWritesTheSameLog(t *testing.T) {
	t.Parallel()
	w, want := history(t)
	folder := t.TempDir()
	network, path := filepath.Join(folder, "network.json"), filepath.Join(folder, "index.db")
	require.NoError(t, os.WriteFile(network, w.local.GlobalConfig(), 0o600))
	head, err := w.client.Head(t.Context())
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(3, 4))
	killed := 0
	for range 12 {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), killNetwork+"="+network, killRegistry+"="+w.registry.String(), killDatabase+"="+path, killHead+"="+strconv.Itoa(int(head.SeqNo)))
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		moments := bufio.NewScanner(out)
		for n := 1 + random.IntN(25); n > 0 && moments.Scan(); n-- {
		}
		require.NoError(t, c.Process.Kill())
		if c.Wait() != nil {
			killed++
		}
	}
	require.GreaterOrEqual(t, killed, 5)
	x := w.open(path)
	w.follow(x)
	require.Equal(t, want, dump(t, x, append(logged, projected...)...))
}
