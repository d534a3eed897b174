package answer

import "github.com/cocoon-network/cocoon/protocol/attest"

// Kill ends all at once, as the end of a process does.
func (s *Service) Kill() { s.kill(errStopped) }

// Recent is the newest block that the service has seen.
func (s *Service) Recent() attest.Block { return s.proofs.recent() }

// Kept is how many attempts have something that is kept.
func (s *Service) Kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.attempts)
}
