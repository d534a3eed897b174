// Package gather holds what may wait a moment for company, so that all of it is
// done at once.
package gather

import "sync"

// List is what waits. The zero value is empty. It is safe for concurrent use.
type List[T any] struct {
	mu      sync.Mutex
	waiting []T
}

// Add reports whether v is the first that waits: whoever added it has to Take, soon.
func (l *List[T]) Add(v T) (first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, v)
	return len(l.waiting) == 1
}

// Take empties the list, in the order of Add.
func (l *List[T]) Take() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.waiting
	l.waiting = nil
	return all
}
