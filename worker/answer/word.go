package answer

import (
	"sync"
	"time"
)

// word is that an order is taken. It goes with the first frame where that comes
// soon, which is a message less for everybody on the way, and alone otherwise.
type word struct {
	raw     []byte
	respond func([]byte)
	alone   *time.Timer

	mu   sync.Mutex
	said bool
}

// newWord is said within wait; at once where that is zero.
func newWord(raw []byte, respond func([]byte), wait time.Duration) *word {
	w := &word{raw: raw, respond: respond}
	if wait == 0 {
		w.say()
	} else {
		w.alone = time.AfterFunc(wait, w.say)
	}
	return w
}

func (w *word) say() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.said {
		w.said = true
		w.respond(w.raw)
		w.respond = nil // it holds the order's message
	}
}

// with has send take the word along, unless it was said. It is said once send succeeds.
func (w *word) with(frame []byte, send func(...[]byte) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.said {
		return send(frame)
	}
	err := send(w.raw, frame)
	if w.said = err == nil; w.said {
		w.alone.Stop()
		w.respond = nil
	}
	return err
}
