package sandboxtests

import (
	"testing"
	"time"
)

// showDeadline: a deadline t splits time. One side acts while now < t, the other
// once now >= t, and what has no deadline waits for nothing and nobody.
func showDeadline(t *testing.T, r row) {
	s := r.scene(t)
	switch {
	case s.early != 0:
		s.now--
		s.requireRefused(t, s.early, s.from, s.value, s.body)
		s.now++
	case s.until != 0:
		late := r.scene(t)
		late.now = s.until
		late.requireRefused(t, s.late, s.from, s.value, s.body)
		s.now = s.until - 1
	default:
		s.advance(10 * 24 * time.Hour)
		s.value = plus(t, s.value, ton(1)) // rent
	}
	s.play().requireOK(t)
}
