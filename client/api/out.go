package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// out writes to one application, which has to read: a write that it leaves for
// too long fails.
type out struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration
	begun   bool
}

func (s *Server) outTo(w http.ResponseWriter) *out {
	return &out{w: w, rc: http.NewResponseController(w), timeout: s.cfg.WriteTimeout}
}

// begin sends the head of a stream.
func (o *out) begin(bill Bill) {
	if o.begun {
		return
	}
	o.begun = true
	h := o.w.Header()
	setBill(h, bill)
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // of a proxy in between
	o.w.WriteHeader(http.StatusOK)
}

// long is a write of which net/http holds no more back than goes with the response's end.
const long = 8 << 10

// write sends all of b.
func (o *out) write(b []byte) error {
	if err := o.put(b); err != nil {
		return err
	}
	if err := o.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

func (o *out) put(b []byte) error {
	if err := o.rc.SetWriteDeadline(time.Now().Add(o.timeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_, err := o.w.Write(b)
	return err
}

// buffers are for events until they are written: tens of kilobytes at a time, of a fast engine.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// stream writes the run as events and reports whether all of it was written.
// Nothing is sent before the first event, or the first silence, so that a
// request that fails at once has a status of its own.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, r *run, a ask) bool {
	o, e := s.outTo(w), newEvents(a, s.deps.Now())
	at, silence := s.deps.Now(), s.deps.After(s.cfg.KeepAlive)
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	for n := 0; ; {
		chunks, bill, news, err := r.since(n)
		n += len(chunks)
		b := e.add((*buffer)[:0], chunks)
		*buffer = b
		switch {
		case errors.Is(err, io.EOF):
			b = e.end(b, bill)
		case err != nil && !o.begun && n == 0:
			fail(w, err, bill)
			return false
		case err != nil:
			b = e.cut(b, err, bill)
		}
		if len(b) > 0 {
			o.begin(bill)
			at = s.deps.Now()
			write := o.write
			if err != nil && len(b) >= long {
				write = o.put
			}
			if write(b) != nil {
				return false
			}
		}
		if err != nil {
			return errors.Is(err, io.EOF) && ctx.Err() == nil
		}
		if len(chunks) > 0 {
			continue // there may be more by now
		}
		select {
		case <-news:
		case <-ctx.Done():
			return false
		case <-silence:
			quiet := s.deps.Now().Sub(at)
			if quiet >= s.cfg.KeepAlive {
				o.begin(bill)
				at, quiet = s.deps.Now(), 0
				if o.write(e.sign(s.cfg.KeepAliveChunk)) != nil {
					return false
				}
			}
			silence = s.deps.After(s.cfg.KeepAlive - quiet)
		}
	}
}

// object waits for the end of the run, writes the answer as one object and
// reports whether all of it was written.
func (s *Server) object(ctx context.Context, w http.ResponseWriter, r *run, a ask) bool {
	for n := 0; ; {
		chunks, _, news, err := r.since(n)
		if err != nil {
			break
		}
		if n += len(chunks); len(chunks) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return false
		case <-news:
		}
	}
	chunks, bill, _, err := r.since(0)
	if !errors.Is(err, io.EOF) {
		fail(w, err, bill)
		return false
	}
	body, err := assemble(a, chunks, bill)
	if err != nil {
		fail(w, err, bill)
		return true // it will not be better the next time
	}
	h := w.Header()
	setBill(h, bill)
	h.Set("X-Cocoon-Cost-Nano", bill.Cost.Text())
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	return s.outTo(w).write(body) == nil && ctx.Err() == nil
}
