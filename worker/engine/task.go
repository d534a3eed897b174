package engine

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// task is a request understood: what is to be computed, and how it is told.
type task struct {
	sampling
	prompts [][]string // tokens of each text that is computed by itself
	answers []answer
	// whole is the answer without a stream; u is nil where a fault hides it.
	whole func(created int64, u *usage) any
	// frame is what the events of a stream have in common, event makes the
	// choice that carries one token, or with the position after the last one none.
	frame completion
	event func(index, position int) choice
}

func (t *task) usage(cached int) usage {
	n := 0
	for _, p := range t.prompts {
		n += len(p)
	}
	return usageOf(n, cached, t.answers)
}

// deliver computes t in the batch and tells it, with the faults that are due.
func (e *Engine) deliver(w http.ResponseWriter, r *http.Request, t *task) {
	p := e.plan(e.count.start())
	if p.status != 0 {
		e.count.end(failed)
		busy(p.status, p.retry).write(w)
		return
	}
	var lengths []int
	for _, a := range t.answers {
		lengths = append(lengths, len(a.pieces))
	}
	d := &delivery{engine: e, task: t, plan: p, created: e.clock.Now().Unix(), ticket: e.batch.enter(t.prompts, lengths, p.stalls)}
	if d.ticket == nil {
		e.count.end(failed)
		busy(http.StatusServiceUnavailable, time.Second).write(w)
		return
	}
	d.run(r.Context(), w)
}

// delivery is one request on its way.
type delivery struct {
	engine  *Engine
	task    *task
	plan    plan
	ticket  *ticket
	created int64
	closed  chan time.Time // the client went away
}

// run gives the slots up as soon as the client goes away, even while a write to
// it is stuck.
func (d *delivery) run(ctx context.Context, w http.ResponseWriter) {
	d.closed = make(chan time.Time, 1)
	stop := context.AfterFunc(ctx, func() {
		d.closed <- d.engine.clock.Now()
		d.engine.batch.leave(d.ticket)
	})
	var o outcome
	if d.task.Stream {
		o = d.stream(ctx, w, stop)
	} else {
		o = d.answer(ctx, w, stop)
	}
	if o != cancelled {
		return // told before the last bytes were sent
	}
	closed := d.engine.clock.Now()
	if !stop() {
		closed = <-d.closed
	}
	d.engine.batch.leave(d.ticket)
	d.engine.count.abort(closed, d.engine.clock.Now())
}

// settle counts a request that ends by itself: what the client does from here
// on is no cancel. It is false where the client was faster.
func (d *delivery) settle(o outcome, stop func() bool) bool {
	if !stop() {
		return false
	}
	d.engine.batch.leave(d.ticket)
	d.engine.count.end(o)
	return true
}

// cut ends the connection where it is.
func (d *delivery) cut(stop func() bool) outcome {
	if !d.settle(failed, stop) {
		return cancelled
	}
	panic(http.ErrAbortHandler)
}

// total is every token's usage, as it is told.
func (d *delivery) total() *usage {
	return d.plan.bend(d.task.usage(d.engine.batch.hits(d.ticket)))
}

// answer is the way without a stream.
func (d *delivery) answer(ctx context.Context, w http.ResponseWriter, stop func() bool) outcome {
	if d.plan.cut == 0 {
		return d.cut(stop)
	}
	for done := 0; done < d.ticket.steps; {
		var ok bool
		if done, ok = d.engine.batch.wait(ctx, d.ticket, done); !ok {
			return cancelled
		}
	}
	if d.plan.err >= 0 {
		if !d.settle(failed, stop) {
			return cancelled
		}
		busy(http.StatusInternalServerError, 0).write(w)
		return failed
	}
	body := mustJSON(d.task.whole(d.created, d.total()))
	if d.plan.cut > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2]) // whether it arrives is the same
		_ = http.NewResponseController(w).Flush()
		return d.cut(stop)
	}
	if !d.settle(finished, stop) {
		return cancelled
	}
	writeJSON(w, http.StatusOK, body)
	return finished
}
