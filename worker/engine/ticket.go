package engine

import "time"

// ticket is one request's place in the batch.
type ticket struct {
	lengths []int // tokens of each choice
	steps   int   // until the longest is done, at least 1
	stalls  stalls
	news    chan struct{} // done has grown

	// guarded by batch.mu
	prompts [][]string
	gone    bool
	prefill int // prompt tokens still to compute
	cached  int
	done    int
	until   time.Time // makes no progress before
}

// stalls is how a request is slow on purpose.
type stalls struct {
	first, each time.Duration // before the prefill; after each token
	hang        int           // tokens after which it makes no progress; negative: never
}

// decoding is how many of t's choices have tokens left.
func (t *ticket) decoding() int {
	n := 0
	for _, l := range t.lengths {
		if l > t.done {
			n++
		}
	}
	return n
}

// width is how many slots t takes; one that is only a prompt takes one.
func (t *ticket) width() int { return max(t.decoding(), 1) }
