package gateway

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What runs may begin more while its end is waited for; all of it is waited for, and
// nothing begins after that.
func TestTasks_AreWaitedForAlsoThoseThatBeginMeanwhile(t *testing.T) {
	t.Parallel()
	for range 200 {
		var all tasks
		var ended atomic.Int32
		on := make(chan struct{})
		all.begin(func() {
			<-on
			for range 10 {
				all.begin(func() { ended.Add(1) })
			}
			ended.Add(1)
		})
		waited := make(chan struct{})
		go func() {
			all.wait()
			close(waited)
		}()
		close(on)
		<-waited
		require.EqualValues(t, 11, ended.Load())
		all.begin(func() { ended.Add(1) })
		all.wait()
		require.EqualValues(t, 11, ended.Load())
	}
}

// A goroutine that has done its task takes the next one; none is left over at the end.
func TestTasks_AreDoneByGoroutinesThatAreThere(t *testing.T) {
	t.Parallel()
	var all tasks
	resting := func() (n int) {
		all.mu.Lock()
		defer all.mu.Unlock()
		return len(all.idle)
	}
	for range 10 {
		done := make(chan struct{})
		all.begin(func() { close(done) })
		<-done
		require.Eventually(t, func() bool { return resting() == 1 }, 10*time.Second, time.Millisecond)
	}
	on := make(chan struct{})
	for range 2 * maxIdle {
		all.begin(func() { <-on })
	}
	require.Zero(t, resting())
	close(on)
	require.Eventually(t, func() bool { return resting() == maxIdle }, 10*time.Second, time.Millisecond)
	all.wait()
	require.Zero(t, resting())
}
