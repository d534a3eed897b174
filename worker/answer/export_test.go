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

// NewOutbox is one without a service.
func NewOutbox(send func(subject string, data []byte) error) *outbox {
	return &outbox{send: send, bills: &bills{}}
}

// Put is put.
func (o *outbox) Put(node string, frame []byte) error { return o.put(node, frame) }

// Gathered is how many frames wait to be sent.
func (o *outbox) Gathered() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.next != nil {
		for _, f := range o.next.messages {
			n += len(f)
		}
	}
	return n
}
