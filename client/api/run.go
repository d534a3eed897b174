package api

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
)

// run is one request on its way: what came of it so far, for the application
// that asked and for those whose retry was joined to it. Nobody left to read is
// the end of it.
type run struct {
	id    string
	mark  [32]byte // of the key and of all that was asked
	label string   // key and Idempotency-Key; empty without
	ctx   context.Context
	stop  context.CancelCauseFunc

	mu        sync.Mutex
	chunks    []chunk
	size      int
	last      []chunk // all, where some came with the end: they are written with it, at once
	bill      Bill
	err       error         // nil while it runs, io.EOF once it is whole
	news      chan struct{} // closed at the next change; nil while nobody waits
	readers   int
	delivered bool
	ended     time.Time

	kept, listed bool // by runs, under its lock
}

var (
	errGone     = &Error{Code: codeClientCancelled, Err: cocoon.Unreachable.Errorf("the application went away")}
	errTimeout  = &Error{Code: CodeTimeout, Err: cocoon.Unreachable.Errorf("the request's time is over")}
	errStopping = &Error{Code: CodeStopping, Err: cocoon.Unreachable.Errorf("the daemon stops")}
)

// join adds a reader, unless the last one left an answer unfinished.
func (r *run) join() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.readers == 0 && r.err == nil {
		return false
	}
	r.readers++
	return true
}

// leave takes a reader away. What nobody reads any more is stopped at once.
func (r *run) leave(delivered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.readers--
	r.delivered = r.delivered || delivered
	if r.readers == 0 && r.err == nil {
		r.stop(errGone)
	}
}

func (r *run) state() (ended, whole bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err != nil, errors.Is(r.err, io.EOF)
}

// undelivered reports whether the answer is whole, and nobody has it or reads it.
func (r *run) undelivered() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Is(r.err, io.EOF) && !r.delivered && r.readers == 0
}

// add replaces the chunks by those with more, and wakes readers once for all that are
// new: they write them together.
func (r *run) add(chunks []chunk) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.grow(chunks)
	r.tell()
}

func (r *run) grow(chunks []chunk) {
	for _, c := range chunks[len(r.chunks):] {
		r.size += len(c.data)
	}
	r.chunks = chunks
}

func (r *run) billed(b Bill) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bill = b
}

// finish ends the run with io.EOF or what went wrong.
func (r *run) finish(err error, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != nil {
		r.grow(r.last)
	}
	r.err, r.ended = err, at
	r.tell()
}

func (r *run) tell() {
	if r.news != nil {
		close(r.news)
		r.news = nil
	}
}

// since is what came after the first n chunks and how the run ended, if it has;
// where there is nothing of both, news is what to wait for.
func (r *run) since(n int) (chunks []chunk, bill Bill, news <-chan struct{}, end error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n == len(r.chunks) && r.err == nil {
		if r.news == nil {
			r.news = make(chan struct{})
		}
		news = r.news
	}
	return r.chunks[n:len(r.chunks):len(r.chunks)], r.bill, news, r.err
}

// carry takes a request through its whole life: admitted, sent, relayed, billed.
func (s *Server) carry(r *run, req Request, key Key) {
	defer s.runs.carried.Done()
	defer r.stop(nil)
	ctx, stop := context.WithTimeoutCause(r.ctx, s.cfg.Deadline, errTimeout)
	defer stop()
	started := s.deps.Now()
	err := causeOf(ctx, s.admitted(ctx, r, req, key))
	r.finish(err, s.deps.Now())
	s.runs.settle(r)
	s.tell(r, req, err, s.deps.Now().Sub(started))
}

// tell logs a run that ended: nothing of what was asked or answered.
func (s *Server) tell(r *run, req Request, err error, took time.Duration) {
	_, bill, _, _ := r.since(0)
	s.log.Info("request ended", "request", req.ID, "key", req.Key, "outcome", outcomeOf(err), "worker", bill.Worker,
		"attempts", bill.Attempts, "tokens", bill.Usage.Total(), "amount_nano", bill.Cost.Text(), "took", took)
	if outcomeOf(err) == string(CodeInternal) {
		s.log.Error("request failed", "request", req.ID, "error", err)
	}
}

// outcomeOf is the ledger's word for how an answer ended.
func outcomeOf(err error) string {
	if errors.Is(err, io.EOF) {
		return outcomeOK
	}
	return string(codeOf(err))
}

// causeOf is why an answer ended: io.EOF, what stopped it, or else err.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, io.EOF) {
		return cause
	}
	return err
}

func (s *Server) admitted(ctx context.Context, r *run, req Request, key Key) error {
	reserve, err := s.deps.Backend.Reserve(ctx, req)
	if err != nil {
		return err
	}
	h, err := s.books.admit(key, req, reserve)
	if err != nil {
		return err
	}
	bill, err := s.relay(ctx, r, req, h)
	r.billed(bill)
	if lerr := h.settle(bill, outcomeOf(causeOf(ctx, err))); lerr != nil {
		s.log.Error("usage not written", "request", req.ID, "error", lerr)
	}
	return err
}

// relay brings an answer into r. Its error is io.EOF or why the answer was cut.
func (s *Server) relay(ctx context.Context, r *run, req Request, h *hold) (bill Bill, err error) {
	answer, err := s.deps.Backend.Start(ctx, req)
	if err != nil {
		return Bill{}, err
	}
	defer func() {
		if cerr := answer.Close(); cerr != nil {
			s.log.Warn("answer not closed", "request", req.ID, "error", cerr)
		}
		bill = answer.Bill()
	}()
	var reader chunkReader
	for first := true; ; first = false {
		items, end := answer.Next(ctx)
		if len(items) == 0 && first && errors.Is(end, io.EOF) {
			return bill, badAnswer("nothing")
		}
		if len(items) == 0 {
			return bill, end
		}
		chunks, err := s.check(r, &reader, items)
		if rerr := h.raise(answer.Reserved()); rerr != nil {
			return bill, rerr
		}
		if first {
			r.billed(answer.Bill())
		}
		switch {
		case err == nil && errors.Is(end, io.EOF):
			r.last = chunks
		case len(chunks) > len(r.chunks):
			r.add(chunks)
		}
		if err = cmp.Or(err, end); err != nil {
			return bill, err
		}
	}
}

// check adds what of items may be passed on to the chunks that r has, and says why
// not all may. Only relay, which calls it, changes those.
func (s *Server) check(r *run, reader *chunkReader, items [][]byte) (chunks []chunk, err error) {
	size := r.size
	chunks = slices.Grow(r.chunks, len(items))
	for _, item := range items {
		c, err := reader.read(item)
		if err != nil {
			return chunks, err
		}
		if size += len(c.data); size > s.cfg.MaxAnswer {
			return chunks, badAnswer("too much")
		}
		chunks = append(chunks, c)
	}
	return chunks, nil
}

func badAnswer(what string) error {
	return &Error{Code: CodeBadAnswer, Err: cocoon.Unreachable.Errorf("the worker sent %s", what)}
}
