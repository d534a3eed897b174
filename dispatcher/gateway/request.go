package gateway

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// request is one that a daemon has started, until all of it is over.
type request struct {
	route stream.Route
	pay   stream.Pay
	wraps [][]byte
	key   [32]byte // of the daemon
	set   lease
	hash  [32]byte // of the route
	ended chan struct{}
	over  sync.Once
	moved chan struct{} // a part of the body came, the first frame, or its daemon cancelled

	mu      sync.Mutex
	body    []byte // as far as it is here
	size    int
	parts   int
	attempt attempt
	granted uint32 // tokens of each choice that are reserved
	stopped bool   // cancelled by its daemon

	failures []bill // of attempts that failed before the first token
}

// attempt is one worker's work on a request.
type attempt struct {
	heard     time.Time // the newest frame; zero before
	number    uint8     // 0 is none
	candidate uint8
	seq, out  uint32   // of the next frame; of the last
	slice     uint32   // tokens covered, all choices together
	bytes     uint64   // of frames, but for their headers
	wanted    bool     // more cover was asked for
	final     bool     // the last frame was passed on
	took      bool     // its daemon knows of it
	answered  func()   // ends the wait for the worker's answer to the order
	early     [][]byte // frames that were not passed on yet
	recalled  bool     // a bill came before the last frame, which was asked for again
	bill      []byte   // the receipt, where it came before the last frame
	judged    bool     // its bill came, and says nothing of a failure before the first token
	failed    bool     // its bill says so
	over      bool     // another attempt takes its place: no frame passes any more
	lose      context.CancelCauseFunc
}

// waits tells whether frames may not be passed on: before its daemon knows of the
// attempt, and at an end without a token before the bill says that it is no failure.
func (a *attempt) waits() bool { return !a.took || a.final && a.out == 0 && !a.judged }

// maxEarly is how many frames may come before the worker's word that it works.
const maxEarly = 64

// tokens are what all choices together may have.
func (r *request) tokens(of uint32) uint32 { return min(of, r.route.MaxOut) * uint32(r.route.Choices) }

// begin is the first state of a request.
func begin(s stream.Start, key [32]byte, set lease) *request {
	body := append(make([]byte, 0, s.Size), s.Body...)
	return &request{route: s.Route, pay: s.Pay, wraps: s.Wraps, key: key, set: set, hash: s.Route.Hash(), body: body, size: int(s.Size), parts: 1, granted: bound.Slice,
		ended: make(chan struct{}), moved: make(chan struct{}, 1)}
}

func (r *request) move() {
	select {
	case r.moved <- struct{}{}:
	default:
	}
}

// end is once the bill is booked, or there will be none.
func (r *request) end() { r.over.Do(func() { close(r.ended) }) }

// add takes the next part of the body.
func (r *request) add(p stream.Part) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if int(p.Index) == r.parts && len(p.Data) == min(stream.MaxPart, r.size-len(r.body)) {
		r.body, r.parts = append(r.body, p.Data...), r.parts+1
		r.move()
	}
}

// whole tells whether all of the body is here.
func (r *request) whole() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.body) == r.size
}

// worker is the one that works on it now.
func (r *request) worker() (c stream.Candidate, running bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.attempt.number == 0 {
		return c, false
	}
	return r.set.candidates[r.attempt.candidate], true
}

// next begins another attempt once assign has entered it in the books, and ends the
// one before: its frames count no more.
func (r *request) next(candidate uint8, lose context.CancelCauseFunc, assign func(number uint8) error) (number uint8, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.moved: // of the attempt before
	default:
	}
	if r.attempt.number == math.MaxUint8 {
		return 0, cocoon.Conflict.Errorf("workers were asked %d times", math.MaxUint8)
	}
	number = r.attempt.number + 1
	if err = assign(number); err == nil {
		r.attempt = attempt{number: number, candidate: candidate, slice: r.tokens(r.granted), lose: lose}
	}
	return number, err
}

// begun tells whether the answer has: a token was passed on, or an end.
func (r *request) begun() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.attempt.begun()
}

func (a *attempt) begun() bool { return a.out > 0 || a.final && !a.waits() }

// abandon ends the present attempt for another, unless the answer has begun.
func (r *request) abandon() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempt.over = !r.attempt.begun()
	return r.attempt.over
}

// quiet is for how long no frame came; for ever before the first.
func (r *request) quiet() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.attempt.heard)
}

// rewind lets frames from seq on pass once more.
func (r *request) rewind(seq uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := &r.attempt
	a.seq, a.final, a.early = min(a.seq, seq), false, nil
}

// awaits tells whether u is the bill of the attempt whose frames the client had,
// and how many bytes these were. Those of a request that a process before this one
// was amid nobody counted.
func (r *request) awaits(u receipt.SignedUsage) (ours bool, bytes uint64) {
	if r == nil {
		return false, math.MaxUint64
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.attempt
	return a.number == u.Content.Attempt && r.set.candidates[a.candidate].Worker == u.Worker, a.bytes
}

// recall asks the worker once for the frames that were lost on the way: a bill is
// judged by them, and comes again until it is acknowledged. It reports whether it did.
func (r *request) recall(g *Gateway) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := &r.attempt
	if a.final || a.recalled {
		return false
	}
	a.recalled = true
	g.send(r.set.candidates[a.candidate], stream.ResumeVerb, stream.Resume{Request: r.route.Request, Seq: a.seq, Node: g.cfg.Node})
	return true
}

// void ends a request whose bill nobody pays: what its worker sent is worth nothing.
func (r *request) void(g *Gateway) {
	g.tell(r.key, (&stream.Fail{Request: r.route.Request, Code: stream.WorkerLost, Text: "the worker's bill is void"}).Bytes())
	r.end()
}

// cancelled ends a request for its daemon; the worker's bill follows.
func (r *request) cancelled(g *Gateway) {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	if c, running := r.worker(); running {
		g.send(c, stream.CancelVerb, stream.Cancel{Request: r.route.Request})
	}
	r.move()
}

func (r *request) isStopped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped
}

// answers takes what a worker says of answers: frames to be passed on, before the
// first of an attempt that it works on it, and receipts.
func (g *Gateway) answers(m *nats.Msg) {
	worker, err := workerOf(m.Subject)
	if err != nil {
		return
	}
	all, err := stream.Unbundle(m.Data)
	for i := 0; err == nil && i < len(all); i++ {
		err = g.said(worker, all[i])
	}
	if err != nil {
		g.log.Warn("worker says what is not understood", "worker", worker[:4], "err", err)
	}
}

// said takes one thing that a worker says of an answer.
func (g *Gateway) said(worker [32]byte, what []byte) error {
	switch stream.KindOf(what) {
	case "frame":
		return g.frame(worker, what)
	case "took":
		return g.took(worker, what)
	}
	return g.receipt(worker, what)
}

func (g *Gateway) frame(worker [32]byte, frame []byte) error {
	h, err := stream.ParseFrameHeader(frame)
	if err != nil {
		return err
	}
	if r := g.find(h.Request); r != nil && r.pass(g, worker, h, frame) {
		r.fund(g, false)
	}
	return nil
}

// took is a worker's word that it works on a request, with the first frame.
func (g *Gateway) took(worker [32]byte, raw []byte) error {
	t, err := stream.ParseTook(raw)
	if r := g.find(t.Request); err == nil && r != nil {
		r.takes(g, worker, t)
	}
	return err
}

// pass passes a frame on where it is the next of the present attempt.
func (r *request) pass(g *Gateway, worker [32]byte, h stream.FrameHeader, frame []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := &r.attempt
	if !r.of(worker, h.Attempt) || h.Seq != a.seq || a.final || a.over || len(a.early) == maxEarly {
		return false
	}
	a.seq, a.out, a.final = h.Seq+1, max(a.out, h.Out), h.Final
	a.bytes += uint64(len(frame) - stream.FrameHeaderSize)
	if a.heard.IsZero() {
		r.move()
	}
	a.heard = time.Now()
	if a.waits() {
		a.early = append(a.early, frame)
		return true
	}
	g.tell(r.key, frame)
	r.conclude(g)
	return true
}

// takes tells a daemon who works on its request, and what came of that already.
func (r *request) takes(g *Gateway, worker [32]byte, t stream.Took) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := &r.attempt
	if !r.of(worker, t.Attempt) || a.took || a.over || a.answered == nil {
		return
	}
	t.Request, t.Candidate = r.route.Request, a.candidate
	g.tell(r.key, t.Bytes())
	a.took = true
	a.answered()
	r.conclude(g)
}

// awaitTook has answered called once the worker says that it works on the request.
func (r *request) awaitTook(answered func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempt.answered = answered
}

func (r *request) hasTook() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.attempt.took
}

// of tells whether what a worker says is of the present attempt. r.mu is held.
func (r *request) of(worker [32]byte, attempt uint8) bool {
	a := &r.attempt
	return attempt == a.number && a.number > 0 && r.set.candidates[a.candidate].Worker == worker
}

// billed takes a receipt that is on disk.
func (r *request) billed(g *Gateway, raw []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempt.bill = raw
	r.conclude(g)
}

// conclude tells frames that waited, and the bill once all are told. r.mu is held.
func (r *request) conclude(g *Gateway) {
	a := &r.attempt
	if a.waits() {
		return
	}
	for _, frame := range a.early {
		g.tell(r.key, frame)
	}
	if a.early = nil; a.final && a.bill != nil {
		g.tell(r.key, stream.Final{Request: r.route.Request, Receipt: a.bill}.Bytes())
		r.end()
	}
}

// fund covers the next slice of an answer that has used half of the present one.
// again is after more cover came.
func (r *request) fund(g *Gateway, again bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := &r.attempt
	if again {
		a.wanted = false
	}
	most := r.tokens(stream.MaxOut)
	if !a.took || a.wanted || a.final || a.slice >= most || a.out+r.tokens(bound.Slice)/2 < a.slice {
		return
	}
	granted, err := g.money.Extend(r.route.Request, g.session(r), bound.Slice)
	if f, short := needOf(err); short {
		a.wanted = true
		g.tell(r.key, stream.Want{Request: r.route.Request, Need: f.Need}.Bytes())
		return
	}
	if err != nil {
		g.log.Warn("request not funded further", "request", r.route.Request, "err", err)
		return
	}
	r.granted = granted
	a.slice = r.tokens(granted)
	g.send(r.set.candidates[a.candidate], stream.SliceVerb, stream.Slice{Request: r.route.Request, Tokens: a.slice})
}

// workerOf is the worker that sent a message.
func workerOf(subject string) ([32]byte, error) {
	w, err := bus.SenderOf(subject)
	return [32]byte(w), err
}

// lifetime is until when a request may last.
func (g *Gateway) lifetime(r *request) time.Duration {
	return min(g.cfg.Total, time.Unix(int64(r.route.Expires), 0).Sub(g.now()))
}
