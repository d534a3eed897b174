package worker

import "sync"

// gate lets a bounded number of handlers in, and none once it is closed.
type gate struct {
	mu     sync.Mutex
	free   int
	shut   bool
	inside sync.WaitGroup
}

// run calls f in a goroutine of its own, or reports that there is no room.
func (g *gate) run(f func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut || g.free == 0 {
		return false
	}
	g.free--
	g.inside.Go(func() {
		defer func() {
			g.mu.Lock()
			g.free++
			g.mu.Unlock()
		}()
		f()
	})
	return true
}

// close waits until the last handler is out.
func (g *gate) close() {
	g.mu.Lock()
	g.shut = true
	g.mu.Unlock()
	g.inside.Wait()
}
