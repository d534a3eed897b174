package chain

import (
	"cmp"
	"sync"
	"time"
)

const (
	firstRest = 100 * time.Millisecond // of a server that failed; doubled by each failure that follows
	longRest  = 30 * time.Second
	// guess is how long a server takes of which nothing is known.
	guess = time.Second
	// mayLag is how far a shard client may be behind the masterchain, in masterchain
	// blocks; what it lacks below that it does not have any more.
	mayLag = 100
	// mostLost is how many lost waits are remembered.
	mostLost = 8
	// catchUp is how long a server that was behind is given before it is asked first again.
	catchUp = 200 * time.Millisecond
)

// health is what is known of a liteserver by what it did.
type health struct {
	mu      sync.Mutex
	asked   int
	faults  int // of those asked
	inRow   int // faults since the last answer
	open    int // questions under way
	rest    time.Time
	usual   time.Duration // mean latency, the newest counting most; 0 where none was seen
	spread  time.Duration // mean distance from it
	lost    int           // waits that another server answered first; halved by each that was won
	lie     error         // what it said that cannot be proven
	reaches [parts]reach
}

// part is one of the two that a liteserver follows at its own pace.
type part int

// The shard client may be behind the masterchain.
const (
	masterchain part = iota
	shards
	parts
)

// reach is from where to where a server has one part of the chain, in
// masterchain seqnos.
type reach struct {
	newest uint32 // that it has shown
	oldest uint32 // below it has shown that it has none; 0 where it has shown no end
	behind uint32 // from here on it had none yet
	until  time.Time
}

func (h *health) begin(q question) {
	h.change(func() {
		h.asked++
		h.open += load(q)
	})
}

// load is what a question under way weighs: one that only waits keeps no server busy.
func load(q question) int {
	if q.waits {
		return 0
	}
	return 1
}

// end closes a question and records what it showed.
func (h *health) end(q question, change func()) {
	h.change(func() {
		h.open -= load(q)
		change()
	})
}

func (h *health) change(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *health) good(q question, took time.Duration) {
	h.end(q, func() {
		h.inRow, h.rest = 0, time.Time{}
		if q.waits {
			h.lost /= 2
		} else {
			h.observe(took)
		}
		r := &h.reaches[q.part]
		r.newest = max(r.newest, q.seqno)
		if q.seqno > 0 {
			r.oldest = min(r.oldest, q.seqno)
		}
		if q.seqno >= r.behind {
			r.behind = 0
		}
	})
}

// observe takes a latency into the mean, as TCP does with round trips.
func (h *health) observe(took time.Duration) {
	if h.usual == 0 {
		h.usual, h.spread = took, took/2
		return
	}
	h.spread += ((took - h.usual).Abs() - h.spread) / 4
	h.usual += (took - h.usual) / 8
}

// overtaken is a question that another server answered first, or that nobody
// wants to know any more: it would have taken at least so long.
func (h *health) overtaken(q question, took time.Duration) {
	h.end(q, func() {
		switch {
		case q.waits:
			h.lost = min(h.lost+1, mostLost)
		case h.usual > 0:
			h.usual = max(h.usual, took)
		}
	})
}

func (h *health) neutral(q question) { h.end(q, func() {}) }

func (h *health) failed(q question) {
	h.end(q, func() {
		h.faults++
		h.rest = time.Now().Add(min(longRest, firstRest<<min(h.inRow, 10)))
		h.inRow++
	})
}

func (h *health) lied(q question, lie error) {
	h.end(q, func() {
		h.faults++
		h.lie = cmp.Or(h.lie, lie)
	})
}

// lacks records that the server does not have a block: of those newer than any it
// has shown it will, of older ones it has none any more.
func (h *health) lacks(q question) {
	h.end(q, func() {
		r := &h.reaches[q.part]
		has := max(r.newest, h.reaches[masterchain].newest-min(mayLag, h.reaches[masterchain].newest))
		switch {
		case q.seqno == 0:
		case q.seqno < has:
			r.oldest = max(r.oldest, q.seqno+1)
		default:
			r.behind, r.until = q.seqno, time.Now().Add(catchUp)
		}
	})
}

func (h *health) quarantine() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lie
}

// patience is how long an answer may take before it is unusual.
func (h *health) patience() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.usual == 0 {
		return guess
	}
	return h.usual + 4*h.spread
}
