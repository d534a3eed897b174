package answer

import (
	"sync"
	"time"
)

// took is the message that an order is taken. It goes with the first frame where that
// comes soon, which is a message less for everybody on the way, and alone otherwise.
type took struct {
	raw     []byte
	respond func([]byte)
	alone   *time.Timer

	mu   sync.Mutex
	sent bool
}

// newTook is sent within wait; at once where that is zero.
func newTook(raw []byte, respond func([]byte), wait time.Duration) *took {
	t := &took{raw: raw, respond: respond}
	if wait == 0 {
		t.send()
	} else {
		t.alone = time.AfterFunc(wait, t.send)
	}
	return t
}

func (t *took) send() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.sent {
		t.sent = true
		t.respond(t.raw)
		t.respond = nil // it holds the order's message
	}
}

// with has send take the message along with a frame, unless it was sent. It was once
// send succeeds.
func (t *took) with(frame []byte, send func(...[]byte) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent {
		return send(frame)
	}
	err := send(t.raw, frame)
	if t.sent = err == nil; t.sent {
		t.alone.Stop()
		t.respond = nil
	}
	return err
}
