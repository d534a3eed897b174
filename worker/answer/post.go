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
	gone  func() // frames are not kept any longer

	room    chan struct{} // there is place for more
	flushed chan struct{} // closed once the final frame is sent, or given up
	once    sync.Once     // closes it
	ending  sync.Once
	failed  error // of ending

	turn sync.Mutex // whose turn it is to step

	mu      sync.Mutex
	timer   *time.Timer // steps when something is due
	guard   *time.Timer // tells who is stuck
	failing bool        // the newest frame was not sent
	closed  bool
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

func newPost(cfg Config, node string, sealer *stream.Sealer, send func(string, []byte) error, stuck, gone func()) *post {
	buffer, _ := contents.Get().(*[]byte)
	p := &post{cfg: cfg, send: send, stuck: stuck, gone: gone, sealer: sealer, node: node, sealed: time.Now(), buffer: buffer, content: *buffer,
		room: make(chan struct{}, 1), flushed: make(chan struct{})}
	p.mu.Lock() // which tick waits for
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(cfg.KeepAlive, p.tick)
	p.guard = time.AfterFunc(cfg.Unsent, stuck)
	p.guard.Stop()
	return p
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
	idle := len(p.content) == 0
	p.content, p.out = p.items.Append(p.content, item), out
	if !idle {
		return true, p.urgent()
	}
	now := time.Now()
	p.closes = windowEnd(now, p.cfg.Window)
	if due = p.urgent(); !due {
		p.timer.Reset(p.pause(now))
	}
	return true, due
}

// hurry does what is due here and now, since waking another takes longer. Where one
// is at it already, tick goes on.
func (p *post) hurry() {
	if !p.turn.TryLock() {
		p.timer.Reset(0)
		return
	}
	defer p.turn.Unlock()
	p.step()
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
	return p.urgent() || !now.Before(p.closes)
}

// urgent tells whether content is there that waits for no window.
func (p *post) urgent() bool {
	return !p.begun && p.out > 0 || p.cfg.Window <= 0 || len(p.content) > stream.MaxContent
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
		p.failed = p.sealAll()
		p.hurry() // from here on frames are kept for a while
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
	p.timer.Reset(0)
}

// tick does what is due when the time has come.
func (p *post) tick() {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.step()
}

// step does what is due, and has tick do what will be. It is called by whose turn it is.
func (p *post) step() {
	p.mu.Lock()
	for p.due(time.Now()) && p.seal(false) == nil {
		continue
	}
	if p.waiting() && !p.failing {
		p.guard.Reset(p.cfg.Unsent)
	}
	p.mu.Unlock()
	sent := p.flush()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failing = !sent; sent {
		p.guard.Stop()
	}
	now := time.Now()
	switch {
	case p.closed:
		return
	case p.ended.IsZero():
	case now.Sub(p.ended) >= p.cfg.Linger:
		p.close()
		return
	case !p.waiting():
		p.giveUp()
	}
	p.timer.Reset(p.pause(now))
}

// waiting tells whether there are frames to be sent.
func (p *post) waiting() bool { return p.next < p.first+uint32(len(p.frames)) }

// pause is how long nothing is due.
func (p *post) pause(now time.Time) (pause time.Duration) {
	switch {
	case p.due(now):
	case !p.ended.IsZero():
		pause = p.ended.Add(p.cfg.Linger).Sub(now)
	case len(p.content) > 0:
		pause = p.closes.Sub(now)
	default:
		pause = p.sealed.Add(p.cfg.KeepAlive).Sub(now)
	}
	switch {
	case !p.waiting():
		return pause
	case p.failing:
		return min(pause, resend)
	default:
		return 0
	}
}

// quit ends what is kept; nothing is sent any more.
func (p *post) quit() {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close()
}

// close is quit for whose turn it is. p.mu is held.
func (p *post) close() {
	if p.closed {
		return
	}
	p.closed, p.frames, p.next = true, nil, p.first
	p.timer.Stop()
	p.guard.Stop()
	p.giveUp()
	p.gone()
}

// giveUp tells that nobody needs to wait for the final frame to be sent.
func (p *post) giveUp() { p.once.Do(func() { close(p.flushed) }) }

// flush sends what is to be sent, and reports whether it could.
func (p *post) flush() bool {
	for {
		p.mu.Lock()
		seq, node := p.next, p.node
		if !p.waiting() {
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
