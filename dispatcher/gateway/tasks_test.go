package gateway

import (
	"sync/atomic"
	"testing"

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
