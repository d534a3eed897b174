package gateway

import "sync"

// tasks are what runs beside the messages that brought it about. Unlike with a
// sync.WaitGroup, some may begin while the end of all is waited for.
type tasks struct {
	mu      sync.Mutex
	running int
	idle    []chan func() // of goroutines that may have another task
	none    *sync.Cond    // nil before somebody waits
	ended   bool
}

// maxIdle is how many goroutines are kept for the next tasks: a fresh one grows its
// stack several times before it has checked a signature.
const maxIdle = 64

// begin runs do in a goroutine of its own, unless all is over.
func (t *tasks) begin(do func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	t.running++
	last := len(t.idle) - 1
	if last < 0 {
		go t.run(do)
		return
	}
	t.idle[last] <- do
	t.idle = t.idle[:last]
}

// run runs do, and what else is given to this goroutine.
func (t *tasks) run(do func()) {
	for next := make(chan func(), 1); do != nil; do = <-next {
		do()
		if !t.rest(next) {
			return
		}
	}
}

// rest is the end of a task. Unless enough wait already, next may get another, or is
// closed where there is none.
func (t *tasks) rest(next chan func()) (waits bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running--; t.running == 0 && t.none != nil {
		t.none.Broadcast()
	}
	if waits = !t.ended && len(t.idle) < maxIdle; waits {
		t.idle = append(t.idle, next)
	}
	return waits
}

// wait returns once nothing runs; nothing begins after it.
func (t *tasks) wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.none = sync.NewCond(&t.mu); t.running > 0; {
		t.none.Wait()
	}
	t.ended = true
	for _, next := range t.idle {
		close(next)
	}
	t.idle = nil
}
