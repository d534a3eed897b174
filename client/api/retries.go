package api

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
)

// runs joins retries to what was asked before. By Idempotency-Key: to the run
// of that key, under way or whole. Without: a retry that says it is one, to a
// whole answer that nobody has, one to one; equal requests are not retries.
type runs struct {
	keep  time.Duration
	bytes int
	now   func() time.Time

	ctx     context.Context // of all runs
	stop    context.CancelCauseFunc
	carried sync.WaitGroup // runs under way

	mu     sync.Mutex
	named  map[string]*run     // by label
	lost   map[[32]byte][]*run // whole, undelivered
	kept   []*run              // whole, oldest first; some are delivered by now
	weight int                 // bytes of kept
}

func newRuns(cfg Config, now func() time.Time) *runs {
	s := &runs{keep: cfg.Keep, bytes: cfg.KeepBytes, now: now, named: map[string]*run{}, lost: map[[32]byte][]*run{}}
	s.ctx, s.stop = context.WithCancelCause(context.Background())
	return s
}

// enter is the run to read for what mark stands for, with a place for the
// reader; fresh where it has yet to be carried, under id.
func (s *runs) enter(id string, mark [32]byte, label string, retry bool) (r *run, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil, false, errStopping
	}
	s.sweep()
	if r := s.named[label]; r != nil && label != "" {
		if r.mark != mark {
			return nil, false, &Error{Code: CodeIdempotency, Err: cocoon.Conflict.Errorf("the Idempotency-Key was used for another request")}
		}
		if r.join() {
			return r, false, nil
		}
	}
	if lost := s.lost[mark]; retry && label == "" && len(lost) > 0 {
		r := lost[0]
		s.unlist(r)
		r.join()
		return r, false, nil
	}
	r = &run{id: id, mark: mark, label: label, readers: 1}
	r.ctx, r.stop = context.WithCancelCause(s.ctx)
	s.carried.Add(1)
	if label != "" {
		s.named[label] = r
	}
	return r, true, nil
}

// close stops all runs, and those to come, and waits until they are billed.
func (s *runs) close() {
	s.mu.Lock()
	s.stop(errStopping)
	s.mu.Unlock()
	s.carried.Wait()
}

// settle decides what becomes of r after it ended or lost a reader.
func (s *runs) settle(r *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	ended, whole := r.state()
	if ended && !whole && s.named[r.label] == r {
		delete(s.named, r.label) // asking again may help
	}
	lost := r.label == "" && r.undelivered()
	if whole && !r.kept && (r.label != "" || lost) {
		r.kept = true
		s.kept = append(s.kept, r)
		s.weight += r.size
	}
	if lost && !r.listed {
		r.listed = true
		s.lost[r.mark] = append(s.lost[r.mark], r)
	}
	s.sweep()
}

// unlist takes r from those that a retry may have.
func (s *runs) unlist(r *run) {
	r.listed = false
	rest := slices.DeleteFunc(s.lost[r.mark], func(other *run) bool { return other == r })
	if s.lost[r.mark] = rest; len(rest) == 0 {
		delete(s.lost, r.mark)
	}
}

// sweep forgets what waited long enough, and the oldest where it is too much.
func (s *runs) sweep() {
	now := s.now()
	for len(s.kept) > 0 && (now.Sub(s.kept[0].ended) >= s.keep || s.weight > s.bytes) {
		r := s.kept[0]
		s.kept = s.kept[1:]
		s.weight -= r.size
		if s.named[r.label] == r {
			delete(s.named, r.label)
		}
		r.kept = false
		s.unlist(r)
	}
}

// markOf tells requests apart: equal marks mean the same key asked the same
// bytes of the same endpoint.
func markOf(key, endpoint string, body []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte(key + "\x00" + endpoint + "\x00"))
	h.Write(body)
	return [32]byte(h.Sum(nil))
}
