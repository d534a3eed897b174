package worker

import (
	"slices"
	"sync"
	"time"
)

// stats are what a worker tells of itself in heartbeats, since its start.
type stats struct {
	mu                         sync.Mutex
	requests, failures, tokens uint64
	times                      [128]time.Duration // of the last requests, in a ring
}

func (s *stats) add(ok bool, tokens uint64, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times[s.requests%uint64(len(s.times))] = took
	s.requests++
	s.tokens += tokens
	if !ok {
		s.failures++
	}
}

// median is the middle one of the last requests' times, in milliseconds.
func (s *stats) median() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := slices.Sorted(slices.Values(s.times[:min(s.requests, uint64(len(s.times)))]))
	if len(last) == 0 {
		return 0
	}
	return uint32(last[len(last)/2].Milliseconds())
}
