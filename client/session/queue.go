package session

import "sync"

// queue is what came and was not read yet, of at most limit bytes. Whoever puts
// never waits.
type queue struct {
	limit int

	mu    sync.Mutex
	items [][]byte
	size  int
	err   error         // after the items; nil while there may be more
	ready chan struct{} // holds one while there is something
}

func newQueue(limit int) *queue { return &queue{limit: limit, ready: make(chan struct{}, 1)} }

// overhead is what an item costs beside its bytes.
const overhead = 64

// put adds items and wakes whoever waits; false where there is no room for all, or
// nothing may follow.
func (q *queue) put(items ...[]byte) bool {
	defer q.wake()
	return q.add(items)
}

// add is put that wakes nobody, of items that are the queue's from then on.
func (q *queue) add(items [][]byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := q.size
	for _, item := range items {
		size += len(item) + overhead
	}
	if q.err != nil || size > q.limit {
		return false
	}
	if q.size = size; len(q.items) == 0 {
		q.items = items
	} else {
		q.items = append(q.items, items...)
	}
	return true
}

// end is what whoever reads gets after the last item.
func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
	}
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take is all that is there, and how it ended; neither where there is nothing now.
func (q *queue) take() (items [][]byte, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		q.signal() // for the next who asks
	}
	items, q.items, q.size = q.items, nil, 0
	return items, q.err
}

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) == 0
}

// wake has whoever waits look again.
func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.signal()
}
