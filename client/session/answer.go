package session

import (
	"context"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// answer is one request on its way. Whoever has the turn changes what has no other lock.
type answer struct {
	s       *Session
	id      stream.RequestID
	route   stream.Route
	hash    [32]byte // of the route
	set     *set
	secrets []*stream.Secret // by candidate; nil where the prompt was not encrypted to it
	size    bound.Size       // as the dispatcher sees it
	plain   uint64           // bytes of the prompt

	events *queue // from the dispatcher
	out    *queue // for the application
	pokes  chan struct{}

	stopping chan struct{} // closed when the application wants no more
	stopOnce sync.Once
	taken    chan struct{} // closed when a worker took it, or all is over
	tookOnce sync.Once
	settled  chan struct{} // closed when the bill is known
	ended    chan struct{} // closed when the receipt was answered, or can no longer come
	doneOnce sync.Once
	spare    atomic.Bool // another dispatcher may take it, as long as it has not begun

	turn     sync.Mutex
	heard    time.Time // the newest event
	attempt  attempt
	silence  time.Duration // how long nothing may come after it; 0 ends the run
	asked    bool          // for missing frames, since the last one came
	finished bool          // the application has all it gets
	late     bool          // nobody waits for the receipt any more
	final    []byte        // a receipt that waits for missing frames
	granted  uint64        // tokens of each choice that are set aside for

	mu       sync.Mutex
	reserved cocoon.Nano
	bill     api.Bill
	failed   error // before a worker took it
	cause    error // of stopping
}

// attempt is what one worker has sent.
type attempt struct {
	number    uint8 // 0 before any
	candidate int
	opener    *stream.Opener
	items     stream.Items
	held      [][]byte // came before the first token
	heldBytes int      // of them
	begun     bool     // something of the answer was handed on
	whole     bool     // the engine came to its end
	spoilt    bool     // a frame was none of the worker's: no more are opened
	live      uint64   // tokens, rounded up
	bytes     uint64   // of content
	refusal   []byte   // the engine's
	usage     *cocoon.Usage
}

func newAnswer(s *Session, route stream.Route, set *set) *answer {
	return &answer{s: s, id: route.Request, route: route, hash: route.Hash(), set: set, secrets: make([]*stream.Secret, len(set.Candidates)),
		events: newQueue(s.cfg.Buffer), out: newQueue(s.cfg.Buffer), pokes: make(chan struct{}, 1), silence: s.cfg.Silence,
		stopping: make(chan struct{}), taken: make(chan struct{}), settled: make(chan struct{}), ended: make(chan struct{}), bill: api.Bill{Request: route.Request.String()}}
}

// Next is what of the engine's stream is there, one item at least, and how it ended.
func (a *answer) Next(ctx context.Context) ([][]byte, error) {
	for {
		items, err := a.out.take()
		if len(items) > 0 || err != nil {
			return items, err
		}
		select {
		case <-a.out.ready:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Reserved is the most the answer may cost as far as it is let run now.
func (a *answer) Reserved() cocoon.Nano {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reserved
}

// Bill is what is known so far.
func (a *answer) Bill() api.Bill {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bill
}

// Close cancels what still runs, and waits until the bill is known.
func (a *answer) Close() error {
	select {
	case <-a.settled: // nothing runs
	default:
		a.halt(context.Canceled)
		<-a.settled
	}
	return nil
}

// halt ends the answer for the application, which may know the cause.
func (a *answer) halt(cause error) {
	a.stopOnce.Do(func() {
		a.mu.Lock()
		a.cause = cause
		a.mu.Unlock()
		close(a.stopping)
	})
}

func (a *answer) overflow() {
	a.halt(lost("the answer came faster than the application read it"))
}

// poke has the answer ask for what it missed while the connection was down.
func (a *answer) poke() {
	select {
	case a.pokes <- struct{}{}:
	default:
	}
}

// refusal is why no worker took the request.
func (a *answer) refusal() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// took lets Start go on; err says why no worker took the request.
func (a *answer) took(err error) {
	a.tookOnce.Do(func() {
		a.mu.Lock()
		a.failed = err
		a.mu.Unlock()
		close(a.taken)
	})
}

// charge notes what the request came to, so far or for good.
func (a *answer) charge(u cocoon.Usage, cost cocoon.Nano) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bill.Usage, a.bill.Cost, a.bill.Attempts = u, cost, int(a.attempt.number)
	if a.attempt.number > 0 {
		w := a.set.Candidates[a.attempt.candidate].Worker
		a.bill.Worker = hex.EncodeToString(w[:])
	}
}

// settle makes the bill final.
func (a *answer) settle() { a.doneOnce.Do(func() { close(a.settled) }) }
