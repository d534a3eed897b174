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

// put adds an item; false where there is no room, or nothing may follow.
func (q *queue) put(item []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil || q.size+len(item)+overhead > q.limit {
		return false
	}
	q.items = append(q.items, item)
	q.size += len(item) + overhead
	q.signal()
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

// take is the next item, or how it ended; neither where there is nothing now.
func (q *queue) take() (item []byte, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		if q.err != nil {
			q.signal() // for the next who asks
		}
		return nil, q.err
	}
	item, q.items = q.items[0], q.items[1:]
	q.size -= len(item) + overhead
	if len(q.items) > 0 || q.err != nil {
		q.signal()
	}
	return item, nil
}
