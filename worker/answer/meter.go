package answer

import (
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/jsonscan"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

const (
	// bytesPerToken is what a token of a prompt is taken for until the engine has counted.
	bytesPerToken = 4
	// promptOverhead is how many tokens a model's template adds to a prompt at
	// most: more than its bytes and these are void for everybody.
	promptOverhead = 1024
)

// meter counts an answer: by what the engine says, and by pieces after that or
// where it says nothing.
type meter struct {
	most  uint64 // tokens that the route allows, all choices together
	size  int    // of the prompt, bytes
	usage cocoon.Usage
	known bool   // usage is the engine's
	since uint64 // pieces after it
	read  *openai.Usages

	start, first, last time.Time // asked, first token, newest token; zero before
}

func newMeter(r stream.Route, size int, now time.Time) meter {
	return meter{most: uint64(r.MaxOut) * uint64(r.Choices), size: size, start: now, read: &openai.Usages{}}
}

// out is how many tokens the answer has.
func (m meter) out() uint64 { return m.usage.Completion + m.usage.Reasoning + m.since }

// after is the meter after one more item. Said tells whether there are tokens in
// it, failed that it is no part of an answer, but tells of a failure.
func (m meter) after(item []byte, now time.Time) (next meter, said, failed bool) {
	next = m
	u, err := m.read.Next(item)
	if err == nil {
		next.usage, next.known, next.since = u, true, 0
		said = next.out() > m.out()
	}
	if err != nil || said && !m.known { // counts of all at the end say nothing of this item
		pieces, failed := piecesOf(item)
		if failed {
			return m, false, true
		}
		if said = pieces > 0; err != nil {
			next.since += pieces
		}
	}
	if said {
		next.last = now
		if m.first.IsZero() {
			next.first = now
		}
	}
	return next, said, false
}

// piecesOf is how many choices an item continues. One that is not JSON, or an
// error object, is a failure.
func piecesOf(item []byte) (n uint64, failed bool) {
	is := jsonscan.Object(item, func(name, value []byte) {
		switch string(name) {
		case "error":
			failed = failed || !missing(value)
		case "choices":
			ok := missing(value) || jsonscan.Array(value, func(choice []byte) {
				said, ok := says(choice)
				if failed = failed || !ok; said {
					n++
				}
			})
			failed = failed || !ok
		}
	})
	return n, failed || !is
}

// says tells whether a choice goes on, and whether it is one.
func says(choice []byte) (said, ok bool) {
	ok = true
	is := missing(choice) || jsonscan.Object(choice, func(name, value []byte) {
		switch string(name) {
		case "text":
			said = said || holds(value)
		case "delta":
			is := missing(value) || jsonscan.Object(value, func(name, value []byte) {
				said = said || string(name) != "role" && holds(value)
			})
			ok = ok && is
		}
	})
	return said, is && ok
}

func holds(value []byte) bool {
	return !missing(value) && string(value) != `""` && string(value) != "[]"
}

// bill is what an attempt that ended for reason at now is paid for. Where the
// engine had not counted the prompt, it is what the measured prefill rate allows
// in the time it took, in tokens a second.
func (m meter) bill(reason stream.Reason, rate float64, now time.Time) cocoon.Usage {
	if reason == stream.Refused || reason == stream.Failed && m.first.IsZero() {
		return cocoon.Usage{}
	}
	u := m.usage
	u.Completion += m.since
	if !m.known {
		end := now
		if !m.first.IsZero() {
			end = m.first
		}
		u.Prompt = min(uint64(m.size/bytesPerToken)+1, uint64(max(0, end.Sub(m.start).Seconds()*rate)))
	}
	return m.bounded(u)
}

// bounded cuts counts that nobody would pay, which an engine with a fault makes.
func (m meter) bounded(u cocoon.Usage) cocoon.Usage {
	u.Prompt = min(u.Prompt, uint64(m.size)+promptOverhead)
	u.Cached = min(u.Cached, uint64(m.size)+promptOverhead-u.Prompt)
	u.Reasoning = min(u.Reasoning, m.most)
	u.Completion = min(u.Completion, m.most-u.Reasoning)
	return u
}
