package answer

import (
	"fmt"
	"sync"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// body is what of a request comes after its order, in parts of any sequence.
type body struct {
	whole   chan struct{} // closed when nothing is missing
	respond func([]byte)  // to who sent the part that was last; set by then

	mu    sync.Mutex
	raw   []byte
	parts []bool // that are here
	left  int
	over  bool // nobody waits for it any more
}

func newBody(o stream.Order) *body {
	n := (int(o.Size) + stream.MaxPart - 1) / stream.MaxPart
	b := &body{whole: make(chan struct{}), raw: make([]byte, o.Size), parts: make([]bool, n), left: n - 1}
	copy(b.raw, o.Body)
	b.parts[0] = true
	return b
}

// add enters a part. Last reports that it completes the body: then respond is
// kept for whoever opens it. The same part again changes nothing, and none is taken
// once nobody waits.
func (b *body) add(p stream.Part, respond func([]byte)) (last bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return false, errNoPart
	}
	i := int(p.Index)
	if i >= len(b.parts) || len(p.Data) != min(stream.MaxPart, len(b.raw)-i*stream.MaxPart) {
		return false, fail(stream.BadRequest, fmt.Sprintf("part %d of %d bytes is none of the body", i, len(p.Data)))
	}
	if b.parts[i] {
		return false, nil
	}
	copy(b.raw[i*stream.MaxPart:], p.Data)
	b.parts[i] = true
	if b.left--; b.left == 0 {
		b.respond = respond
		close(b.whole)
	}
	return b.left == 0, nil
}

// end has parts refused, and returns who sent the last one where the body is whole
// all the same: that one waits for an answer.
func (b *body) end() (respond func([]byte)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	return b.respond
}

// errNoPart is of a request whose body is not awaited.
var errNoPart = fail(stream.LeaseGone, "worker waits for no part of that request")

// bytes are the body, once it is whole.
func (b *body) bytes() []byte { return b.raw }

// part takes a later part of a body.
func (s *Service) part(raw []byte, respond func([]byte)) error {
	p, err := stream.ParsePart(raw)
	if err != nil {
		return err
	}
	a, last := s.find(p.Request), false
	if err = errNoPart; a != nil && a.body != nil {
		last, err = a.body.add(p, respond)
	}
	switch {
	case err != nil:
		respond(failOf(p.Request, err).Bytes())
	case !last:
		respond(nil)
	}
	return err
}

// release takes an attempt's body out of the budget.
func (s *Service) release(a *attempt) {
	if a.body == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies -= int(a.order.Size)
}
