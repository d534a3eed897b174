package engine

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
)

// stream tells a task token by token, as the batch makes them.
func (d *delivery) stream(w http.ResponseWriter, ctx context.Context, stop func() bool) outcome {
	out := &events{w: w, flush: http.NewResponseController(w), plan: d.plan}
	d.task.frame.Created = d.created
	breaks := func(at, have int) bool { return at >= 0 && have == min(at, d.ticket.steps-1) }
	var sent usage
	if d.plan.cut == 0 {
		return d.cut(stop)
	}
	for have := 0; have < d.ticket.steps; {
		done, ok := d.engine.batch.wait(ctx, d.ticket, have)
		if !ok {
			return cancelled
		}
		if have == 0 {
			sent.Prompt = d.task.usage(0).Prompt
			sent.Total, sent.PromptOf.Cached = sent.Prompt, d.engine.batch.hits(d.ticket)
		}
		for ; have < done; have++ {
			switch {
			case breaks(d.plan.cut, have):
				_ = out.half(mustJSON(d.chunk(0, min(have, len(d.task.answers[0].pieces)), &sent))) // whether it arrives is the same
				return d.cut(stop)
			case breaks(d.plan.err, have):
				return d.fail(out, stop)
			}
			if d.step(out, have, &sent) != nil {
				return cancelled
			}
		}
	}
	return d.finish(out, stop)
}

// step sends the token at position of each choice that has one. Why a choice
// ends is an event of its own after its last token, as OpenAI tells it.
func (d *delivery) step(out *events, position int, sent *usage) error {
	for i, a := range d.task.answers {
		if position < len(a.pieces) {
			sent.add(a.pieces[position])
			if err := out.send(mustJSON(d.chunk(i, position, sent))); err != nil {
				return err
			}
		}
		if position == max(len(a.pieces)-1, 0) {
			if err := out.send(mustJSON(d.chunk(i, len(a.pieces), sent))); err != nil {
				return err
			}
		}
	}
	return nil
}

// chunk is the event of one token, or of the end after the last. Where usage
// was asked for, every event has the field, and with vLLM's option the count so far.
func (d *delivery) chunk(index, position int, sent *usage) completion {
	a, c := d.task.answers[index], d.task.frame
	one := d.task.event(index, position)
	if position == len(a.pieces) {
		one.Reason = &a.reason
	}
	c.Choices = []choice{one}
	switch opts := d.task.StreamOpts; {
	case opts == nil || d.plan.noUsage:
	case opts.Continuous:
		c.Usage = d.plan.bend(*sent)
	case opts.Usage:
		c.Usage = null
	}
	return c
}

func (d *delivery) fail(out *events, stop func() bool) outcome {
	if !d.settle(failed, stop) {
		return cancelled
	}
	_ = out.send(mustJSON(busy(http.StatusInternalServerError, 0))) // fails only where the caller has gone
	return failed
}

// finish ends a stream. It is counted first: a client may go as soon as it has
// read [DONE].
func (d *delivery) finish(out *events, stop func() bool) outcome {
	if !d.settle(finished, stop) {
		return cancelled
	}
	if opts := d.task.StreamOpts; opts != nil && opts.Usage && !d.plan.noUsage {
		last := d.task.frame
		last.Choices, last.Usage = []choice{}, d.total()
		_ = out.send(mustJSON(last)) // as above
	}
	if !d.plan.noDone {
		_ = out.send([]byte("[DONE]"))
	}
	return finished
}

// events writes server-sent events, in the forms that its plan wants.
type events struct {
	w     http.ResponseWriter
	flush *http.ResponseController
	plan  plan
	sent  int
}

// send writes an event and flushes it.
func (e *events) send(data []byte) error {
	if e.sent == 0 {
		e.w.Header().Set("Content-Type", "text/event-stream")
		e.w.Header().Set("Cache-Control", "no-cache")
	}
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
