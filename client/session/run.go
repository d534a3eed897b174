package session

import (
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// run follows a request until its receipt was answered, or can no longer come.
// What it does it does in its turn: frames are opened by who hears them.
func (a *answer) run(deadline time.Time) {
	defer a.leave()
	rest := a.inTurn(func() {}) // the connection may be lost already
	quiet := time.NewTimer(rest)
	defer quiet.Stop()
	over := time.NewTimer(stream.MaxRoute)
	defer over.Stop()
	if !deadline.IsZero() {
		over.Reset(max(0, deadline.Sub(a.s.deps.Now())))
	}
	stopping := a.stopping
	for ; rest > 0; quiet.Reset(rest) {
		select {
		case <-a.events.ready:
			rest = a.inTurn(a.drain)
		case <-quiet.C:
			rest = a.silent()
		case <-a.pokes:
			rest = a.inTurn(a.resume)
		case <-stopping:
			stopping = nil
			rest = a.inTurn(func() { a.cancel(a.reason()) })
		case <-over.C:
			rest = a.inTurn(func() {
				a.took(nil) // a worker may have a bill
				a.cancel(&api.Error{Code: api.CodeTimeout, Err: cocoon.Unreachable.Errorf("the request's time is over")})
			})
		case <-a.s.life.Done():
			rest = a.inTurn(func() { a.silence = 0 })
		}
	}
}

// inTurn does something that ends a silence, and says how long the next may be.
func (a *answer) inTurn(do func()) time.Duration {
	a.turn.Lock()
	defer a.turn.Unlock()
	a.heard = time.Now()
	do()
	return a.rest()
}

// silent is after a silence, unless frames came in it.
func (a *answer) silent() time.Duration {
	a.turn.Lock()
	defer a.turn.Unlock()
	if now := time.Now(); now.Sub(a.heard) >= a.silence {
		a.heard = now
		a.quiet()
	}
	return a.rest()
}

// rest is for how long nothing may be heard from now on; 0 where all is over.
func (a *answer) rest() time.Duration {
	if a.silence == 0 {
		return 0
	}
	return max(time.Nanosecond, a.silence-time.Since(a.heard))
}

// pass has an event handled by who brings it, which saves waking run, and reports
// whether it was: where it is the turn of run, or more is to be done, run goes on.
func (a *answer) pass(event []byte) bool {
	if !a.turn.TryLock() {
		return false
	}
	defer a.turn.Unlock()
	if !a.simple(event) {
		return false
	}
	a.heard = time.Now()
	if err := a.handle(event); err != nil {
		a.warn(event, err)
	}
	if a.finished {
		a.events.wake() // run waits for what follows, and not as long
	}
	return true
}

// simple reports whether an event is the next thing to be handled, a worker's word or
// a frame, and nothing has to be set aside or settled with it.
func (a *answer) simple(event []byte) bool {
	if a.silence == 0 || a.final != nil || !a.events.empty() {
		return false
	}
	if stream.KindOf(event) == "took" {
		return true
	}
	h, err := stream.ParseFrameHeader(event)
	return err == nil && a.attempt.opener != nil && !a.outruns(uint64(h.Out))
}

// leave tells whoever waits that there is no more.
func (a *answer) leave() {
	a.s.remove(a.id)
	events, _ := a.events.take()
	for _, event := range events {
		a.s.late(a.id, event)
	}
	a.took(errClosed)
	a.out.end(lost("the session was closed"))
	a.settle()
	close(a.ended)
}

func (a *answer) reason() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cause
}

func (a *answer) drain() {
	events, _ := a.events.take()
	for _, event := range events {
		if a.silence == 0 {
			a.s.late(a.id, event)
			continue
		}
		if err := a.handle(event); err != nil {
			a.warn(event, err)
		}
	}
}

func (a *answer) warn(event []byte, err error) {
	a.s.log.Warn("event refused", "request", a.id, "event", stream.KindOf(event), "error", err)
}

func (a *answer) handle(event []byte) error {
	switch stream.KindOf(event) {
	case "took":
		t, err := stream.ParseTook(event)
		if err != nil {
			return err
		}
		return a.onTook(t)
	case "frame":
		return a.onFrame(event)
	case "want":
		v, err := stream.ParseWant(event)
		if err != nil {
			return err
		}
		return a.onWant(v)
	case "final":
		f, err := stream.ParseFinal(event)
		if err != nil {
			return err
		}
		return a.onFinal(f.Receipt)
	case "fail":
		f, err := stream.ParseFail(event)
		if err != nil {
			return err
		}
		return a.onFail(f)
	}
	return cocoon.Invalid.Errorf("a daemon gets no such message")
}

// onTook begins an attempt. Once something of the answer came, there is no other.
// It may come after the application has gone: the worker will have a bill.
func (a *answer) onTook(t stream.Took) error {
	i := int(t.Candidate)
	if a.attempt.begun || t.Attempt <= a.attempt.number {
		return cocoon.Conflict.Errorf("attempt %d begins after attempt %d", t.Attempt, a.attempt.number)
	}
	if i >= len(a.secrets) || a.secrets[i] == nil {
		return cocoon.Forbidden.Errorf("candidate %d is not one that the prompt was encrypted to", i)
	}
	opener, err := stream.NewOpener(*a.secrets[i], a.id, t.Attempt, t.Nonce)
	if err != nil {
		return err
	}
	a.attempt = attempt{number: t.Attempt, candidate: i, opener: opener}
	a.charge(cocoon.Usage{}, cocoon.Nano{})
	a.took(nil)
	return nil
}

// lostPatience is how long the bill of a worker that is lost may keep an application
// from hearing so.
const lostPatience = time.Second

// onFail ends a request that its dispatcher gave up. What a worker has sent of an
// answer it may still have a receipt for.
func (a *answer) onFail(f *stream.Fail) error {
	err := failure(f)
	switch f.Code {
	case stream.ChannelInUse, stream.ChannelClosed:
		a.s.refuse(err)
	}
	if a.attempt.begun {
		a.finish(err)
		if f.Code == stream.WorkerLost {
			a.silence = min(a.silence, lostPatience)
		}
		return nil
	}
	return a.forgo(err)
}

// forgo ends a request of which nothing came, for nothing.
func (a *answer) forgo(err error) error {
	a.took(err)
	a.finish(err)
	return a.agree(cocoon.Usage{}, cocoon.Nano{}, false)
}

// forsake forgoes, while the dispatcher is gone, what has not begun and may be had
// elsewhere. That is in the books before another dispatcher is asked: what a worker did
// is the loss of the dispatcher that is gone.
func (a *answer) forsake(may func() bool) {
	a.turn.Lock()
	defer a.turn.Unlock()
	if a.attempt.begun || a.finished || a.silence == 0 || !may() {
		return
	}
	a.drop("the connection to the dispatcher was lost")
	a.events.wake() // run has nothing to wait for
}

// drop forgoes a request because of its dispatcher.
func (a *answer) drop(why string) {
	if err := a.forgo(&api.Error{Code: api.CodeUnavailable, Err: cocoon.Unreachable.Errorf("%s", why)}); err != nil {
		a.s.log.Warn("request not ended", "request", a.id, "error", err)
	}
}

// finish gives the application all it gets; what is left is the receipt.
func (a *answer) finish(err error) {
	if !a.finished {
		a.finished = true
		a.out.end(err)
		a.silence = a.s.cfg.Patience
	}
}

// cancel stops dispatcher and worker, at once.
func (a *answer) cancel(cause error) {
	if a.finished || a.silence == 0 {
		return
	}
	a.tell(stream.CancelVerb, stream.Cancel{Request: a.id, Seq: a.seq()})
	a.took(cause)
	a.finish(cause)
}

func (a *answer) seq() uint32 {
	if a.attempt.opener == nil {
		return 0
	}
	return a.attempt.opener.Seq()
}

// tell sends what is of no use later.
func (a *answer) tell(v stream.Verb, m stream.Message) {
	node, _, err := a.s.place()
	if err == nil {
		err = a.s.link.tell(node, v, m)
	}
	if err != nil {
		a.s.log.Info("dispatcher not told", "request", a.id, "verb", string(v), "error", err)
	}
}
