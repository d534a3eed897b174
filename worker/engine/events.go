package engine

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// events writes server-sent events, in the forms that its plan wants.
type events struct {
	w     http.ResponseWriter
	flush *http.ResponseController
	plan  plan
	sent  int
}

func newEvents(w http.ResponseWriter, p plan) *events {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	return &events{w: w, flush: http.NewResponseController(w), plan: p}
}

// send writes an event and flushes it.
func (e *events) send(data []byte) error {
	done := string(data) == "[DONE]"
	if e.sent++; e.sent == 2 && e.plan.garbage {
		if err := e.write([]byte("data: {\"choices\":[{\"index\":0,\n\n")); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if e.plan.comments {
		b.WriteString(": keep-alive\nx-unknown: field\n")
	}
	if e.sent == 2 && e.plan.huge > 0 && !done {
		data = fmt.Appendf(nil, `{"x_padding":"%s",%s`, strings.Repeat("x", e.plan.huge), data[1:])
	}
	lines := [][]byte{data}
	if at := bytes.IndexByte(data, ','); e.plan.split && at > 0 {
		lines = [][]byte{data[:at+1], data[at+1:]} // no text holds the first comma
	}
	for _, l := range lines {
		fmt.Fprintf(&b, "data: %s\n", l)
	}
	b.WriteByte('\n')
	return e.write(b.Bytes())
}

// half writes the first half of an event.
func (e *events) half(data []byte) error {
	return e.write([]byte("data: " + string(data[:len(data)/2])))
}

func (e *events) write(raw []byte) error {
	if e.plan.crlf {
		raw = bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
	}
	for part := range e.parts(raw) {
		if _, err := e.w.Write(part); err != nil {
			return err
		}
		_ = e.flush.Flush() // a writer that cannot is a buffer, and flushes at the end
	}
	return nil
}

// parts cuts each line in the middle where lines arrive split.
func (e *events) parts(raw []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		if !e.plan.split {
			yield(raw)
			return
		}
		for line := range bytes.Lines(raw) {
			at := len(line) / 2
			if at > 0 && !yield(line[:at]) || !yield(line[at:]) {
				return
			}
		}
	}
}
