package answer

import (
	"sync"
	"time"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// ringSize is how many bytes of an attempt's newest frames are kept for who missed them.
const ringSize = 256 << 10

// resend is after what time a frame that could not be sent is sent again.
const resend = 100 * time.Millisecond

// post makes frames of an answer and sends them: the first token at once, later
// ones together at the end of a window, an empty one where there is nothing to say.
// Windows of all answers end together: what is sent at one time costs everybody on
// the way one wake-up, and when a frame comes says less of its answer.
type post struct {
	cfg   Config
	send  func(node string, frame []byte) error
	stuck func() // frames could not be sent for too long

	wake    chan struct{} // there is something to do before the time
	room    chan struct{} // there is place for more
	flushed chan struct{} // closed once the final frame is sent, or given up
	once    sync.Once     // closes it
	ending  sync.Once
	failed  error // of ending

	turn sync.Mutex // whose turn it is to step

	mu      sync.Mutex
	sealer  *stream.Sealer
	node    string
	items   stream.ItemWriter
	buffer  *[]byte // one of contents, until the final frame is made
	content []byte  // not in a frame yet; in buffer
	out     uint64
	sealed  time.Time // the newest frame
	closes  time.Time // the window that content waits for
	begun   bool      // a frame with a token was made
	ended   time.Time // the final frame was made, zero before

	frames [][]byte // the newest, as far as ringSize goes
	first  uint32   // number of frames[0]
	next   uint32   // to be sent
	kept   int      // bytes of frames
	unsent int      // bytes of those to be sent
}

// contents are buffers that are used again, one by one answer at a time. All in them is zero.
var contents = sync.Pool{New: func() any { return new([]byte) }}

func newPost(cfg Config, node string, sealer *stream.Sealer, send func(string, []byte) error, stuck func()) *post {
	buffer, _ := contents.Get().(*[]byte)
	return &post{cfg: cfg, send: send, stuck: stuck, sealer: sealer, node: node, sealed: time.Now(), buffer: buffer, content: *buffer,
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1), flushed: make(chan struct{})}
}

// poke wakes who waits on c, now or when it comes to that.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// add takes an item once there is place for it, or reports false once quit is
// closed. out is how many tokens the answer has with it.
func (p *post) add(quit <-chan struct{}, item []byte, out uint64) bool {
	for {
		taken, due := p.take(item, out)
		if due {
			p.hurry()
		}
		if taken {
			return true
		}
		select {
		case <-p.room:
		case <-quit:
			return false
		}
	}
}

// take reports whether there was place, and whether it is time for a frame.
func (p *post) take(item []byte, out uint64) (taken, due bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unsent+len(p.content) >= ringSize {
		return false, false
	}
	now, idle := time.Now(), len(p.content) == 0
	if idle {
		p.closes = windowEnd(now, p.cfg.Window)
	}
	p.content, p.out = p.items.Append(p.content, item), out
	if due = p.due(now); idle && !due {
		poke(p.wake)
	}
	return true, due
}

// hurry does what is due here and now, since waking run takes longer. Where run is
// at it already, or nobody listens, run goes on.
func (p *post) hurry() {
	if !p.turn.TryLock() {
		poke(p.wake)
		return
	}
	_, ok, _ := p.step()
	p.turn.Unlock()
	if !ok {
		poke(p.wake)
	}
}

// windows is when the first of all began, by the clock that nobody sets.
var windows = time.Now()

// windowEnd is the end of the window that now is in. Without windows it is now.
func windowEnd(now time.Time, window time.Duration) time.Time {
	if window <= 0 {
		return now
	}
	return now.Add(window - now.Sub(windows)%window)
}

// due tells whether it is time for a frame that is not the final one.
func (p *post) due(now time.Time) bool {
	since := now.Sub(p.sealed)
	switch {
	case !p.ended.IsZero():
		return false
	case len(p.content) == 0:
		return since >= p.cfg.KeepAlive
	}
	return !p.begun && p.out > 0 || !now.Before(p.closes) || len(p.content) > stream.MaxContent
}

// seal makes the next frame.
func (p *post) seal(final bool) error {
	n := min(len(p.content), stream.MaxContent)
	frame, err := p.sealer.Seal(p.content[:n], uint32(min(p.out, 1<<31)), final)
	if err != nil {
		return err
	}
	p.content = append(p.content[:0], p.content[n:]...) // what is left keeps its window
	p.frames, p.kept, p.unsent = append(p.frames, frame), p.kept+len(frame), p.unsent+len(frame)
	p.sealed, p.begun = time.Now(), p.begun || p.out > 0
	return nil
}

// end makes the final frame, where it was not made before, and returns the hash of all.
func (p *post) end() (hash [32]byte, err error) {
	p.ending.Do(func() {
		if p.failed = p.sealAll(); p.failed == nil {
			p.hurry()
		}
		poke(p.wake) // from here on frames are kept for a while
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sealer.Hash(), p.failed
}

func (p *post) sealAll() (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for err == nil && len(p.content) > stream.MaxContent {
		err = p.seal(false)
	}
	if err == nil {
		err = p.seal(true)
	}
	p.ended = time.Now()
	p.free()
	return err
}

// free gives the buffer back, with nothing of this answer in it.
func (p *post) free() {
	all := p.content[:cap(p.content)]
	clear(all)
	if p.content = nil; len(all) > ringSize { // an engine's whole answer
		return
	}
	*p.buffer = all[:0]
	contents.Put(p.buffer)
}

// resume sends frames from seq on to a node, and what follows them too. What is
// not kept any more is lost, which the reader sees.
func (p *post) resume(node string, seq uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.node, p.next, p.unsent = node, min(max(seq, p.first), p.first+uint32(len(p.frames))), 0
	for _, f := range p.frames[p.next-p.first:] {
		p.unsent += len(f)
	}
	poke(p.wake)
}

// run sends until the frames are not kept any longer, or quit is closed.
func (p *post) run(quit <-chan struct{}) {
	guard := time.AfterFunc(p.cfg.Unsent, p.stuck)
	defer guard.Stop()
	defer p.giveUp()
	timer := time.NewTimer(p.cfg.KeepAlive)
	defer timer.Stop()
	for failing := false; ; {
		if !failing {
			guard.Reset(p.cfg.Unsent)
		}
		p.turn.Lock()
		pause, ok, over := p.step()
		p.turn.Unlock()
		if failing = !ok; ok {
			guard.Stop()
		}
		if over {
			return
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-p.wake:
		case <-quit:
			return
		}
	}
}

// step does what is due and says how long nothing else is. It is not ok where a
// frame could not be sent, over where frames are not kept any longer.
func (p *post) step() (pause time.Duration, ok, over bool) {
	p.mu.Lock()
	for p.due(time.Now()) && p.seal(false) == nil {
		continue
	}
	p.mu.Unlock()
	ok = p.flush()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.ended.IsZero():
		pause = time.Until(p.ended.Add(p.cfg.Linger))
		over = pause <= 0
		if ok && p.next == p.first+uint32(len(p.frames)) {
			p.giveUp()
		}
	case len(p.content) > 0:
		pause = time.Until(p.closes)
	default:
		pause = time.Until(p.sealed.Add(p.cfg.KeepAlive))
	}
	if !ok {
		pause = min(pause, resend)
	}
	return max(pause, 0), ok, over
}

// giveUp tells that nobody needs to wait for the final frame to be sent.
func (p *post) giveUp() { p.once.Do(func() { close(p.flushed) }) }

// flush sends what is to be sent, and reports whether it could.
func (p *post) flush() bool {
	for {
		p.mu.Lock()
		seq, node := p.next, p.node
		if seq == p.first+uint32(len(p.frames)) {
			p.mu.Unlock()
			return true
		}
		frame := p.frames[seq-p.first]
		p.mu.Unlock()
		if p.send(node, frame) != nil {
			return false // the link says why
		}
		p.mu.Lock()
		if p.next == seq { // else it was resumed at another
			p.next, p.unsent = seq+1, p.unsent-len(frame)
		}
		for p.kept > ringSize && p.first < p.next {
			p.kept -= len(p.frames[0])
			p.frames[0] = nil // free it before the array is made anew
			p.frames, p.first = p.frames[1:], p.first+1
		}
		p.mu.Unlock()
		poke(p.room)
	}
}
