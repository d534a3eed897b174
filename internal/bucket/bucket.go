// Package bucket limits how often each of many may do something.
package bucket

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Set has a bucket of tokens for each key, full at first. It is safe for
// concurrent use, and remembers a bounded number of keys.
type Set[K comparable] struct {
	refill rate.Limit
	burst  int
	most   int
	now    func() time.Time

	mu sync.Mutex
	by map[K]*rate.Limiter
}

// New has buckets of burst tokens that refill at so many a minute, for most keys
// that are not full; any is forgotten where there are more. 0 a minute is no limit.
func New[K comparable](aMinute, burst, most int, now func() time.Time) *Set[K] {
	s := &Set[K]{refill: rate.Limit(aMinute) / 60, burst: burst, most: most, now: now, by: map[K]*rate.Limiter{}}
	if aMinute == 0 {
		s.refill = rate.Inf
	}
	return s
}

// Take takes a token of k's, and reports whether there was one.
func (s *Set[K]) Take(k K) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.by[k]
	if l == nil {
		s.sweep()
		l = rate.NewLimiter(s.refill, s.burst)
		s.by[k] = l
	}
	return l.AllowN(s.now(), 1)
}

// Empty reports whether k has no token now.
func (s *Set[K]) Empty(k K) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.by[k]
	return l != nil && s.refill != rate.Inf && l.TokensAt(s.now()) < 1
}

// sweep makes room for a quarter, so that it is seldom needed: first those go that
// are full, which are as good as new.
func (s *Set[K]) sweep() {
	if len(s.by) < s.most {
		return
	}
	for k, l := range s.by {
		if l.TokensAt(s.now()) >= float64(s.burst) {
			delete(s.by, k)
		}
	}
	for k := range s.by {
		if len(s.by) <= s.most*3/4 {
			return
		}
		delete(s.by, k)
	}
}
