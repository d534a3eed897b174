package indexer

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// blow is one process and the moment at which it is killed: after it has said so
// often where it is, and a little later, wherever it may be then.
type blow struct {
	moments int
	later   time.Duration

	killed  bool
	last    string // moment before the kill; "" is before it followed anything
	commits int
}

func newBlow(random *rand.Rand) *blow {
	b := &blow{moments: random.IntN(60), later: time.Duration(random.Int64N(int64(10 * time.Millisecond)))}
	if random.IntN(5) == 0 { // while it starts
		b.moments, b.later = 0, time.Duration(random.Int64N(int64(200*time.Millisecond)))
	}
	return b
}

// strike runs c until the kill, or to its end where that comes first.
func (b *blow) strike(c *exec.Cmd) error {
	var complaint strings.Builder
	c.Stderr = &complaint
	c.Env = append(c.Env, killOutlasts+"=1")
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err = c.Start(); err != nil {
		return err
	}
	moments := bufio.NewScanner(out)
	for n := 0; n < b.moments && moments.Scan(); n++ {
		if b.last = moments.Text(); b.last == "committed" {
			b.commits++
		}
	}
	time.Sleep(b.later)
	if err = c.Process.Kill(); err != nil {
		return err
	}
	err = c.Wait()
	b.killed = c.ProcessState.ExitCode() == -1
	if !b.killed && err != nil {
		return fmt.Errorf("it failed by itself: %w: %s", err, complaint.String())
	}
	return nil
}

// TestIndexer_KilledAmidFaultsWritesTheSameLog kills processes that follow a chain which splits and
// merges, through liteservers that fail, lag and lie.
func TestIndexer_KilledAmidFaultsWritesTheSameLog(t *testing.T) {
	t.Parallel()
	kills := 100
	if testing.Short() {
		kills = 12
	}
	w := newWorld(t)
	w.playResharding()
	mob := w.mob(liars)
	mob.misbehave(t)
	start := w.victims(mob.config)
	clean := w.open(newPath(t))
	w.follow(clean)
	want := dump(t, clean, append(logged, projected...)...)
	require.Greater(t, len(want), 100)

	const lanes = 4 // databases at a time: most of a process's life is waiting
	random := rand.New(rand.NewPCG(6, 7))
	paths := make([]string, lanes)
	for i := range paths {
		paths[i] = newPath(t)
	}
	whole := func(path string) {
		x := w.open(path)
		require.Equal(t, want, dump(t, x, append(logged, projected...)...))
		require.NoError(t, x.Close())
	}
	last := map[string]int{}
	killed, commits, finished := 0, 0, 0
	for killed < kills {
		blows := make([]*blow, lanes)
		round := errgroup.Group{}
		for i := range blows {
			blows[i] = newBlow(random)
			round.Go(func() error { return blows[i].strike(start(paths[i])) })
		}
		require.NoError(t, round.Wait())
		for i, b := range blows {
			commits += b.commits
			if b.killed {
				killed++
				last[b.last]++
				continue
			}
			finished++ // it was at its end before the kill came
			whole(paths[i])
			paths[i] = newPath(t)
		}
	}
	t.Logf("%d kills after %v, %d commits seen, %d logs finished", killed, last, commits, finished)
	require.Positive(t, commits)
	rest := errgroup.Group{}
	for _, path := range paths {
		rest.Go(func() error { return (&blow{moments: 1 << 30}).strike(start(path)) })
	}
	require.NoError(t, rest.Wait())
	for _, path := range paths {
		whole(path)
	}
	mob.tell(t)
	require.NotZero(t, mob.named["erring"].Stats().Refused)
	for _, lie := range liars {
		require.NotZero(t, mob.named[string(lie)].Stats().Lied, lie)
	}
}
