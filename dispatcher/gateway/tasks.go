package gateway

import "sync"

// tasks are what runs beside the messages that brought it about. Unlike with a
// sync.WaitGroup, some may begin while the end of all is waited for.
type tasks struct {
	mu      sync.Mutex
	running int
	none    *sync.Cond // nil before somebody waits
	ended   bool
}

// begin runs do in a goroutine of its own, unless all is over.
func (t *tasks) begin(do func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	t.running++
	go func() {
		defer t.end()
		do()
	}()
}

func (t *tasks) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running--; t.running == 0 && t.none != nil {
		t.none.Broadcast()
	}
}

// wait returns once nothing runs; nothing begins after it.
func (t *tasks) wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.none = sync.NewCond(&t.mu); t.running > 0; {
		t.none.Wait()
	}
	t.ended = true
}
