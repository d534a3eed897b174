package api

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/cocoon-network/cocoon/protocol/openai"
)

// events turns an engine's chunks into what the application's stream carries:
// the same, but usage only where it was asked for, at the end, with its cost,
// and a role in the first delta of every choice.
type events struct {
	ask  ask
	id   string // of the answer, once known
	at   int64  // Unix seconds, for chunks of our own
	role map[int]bool
	// usage is the chunk that carries it, held until the bill is known.
	usage object
}

func newEvents(a ask, now time.Time) *events {
	return &events{ask: a, at: now.Unix(), role: map[int]bool{}}
}

// add appends the events of chunks to b.
func (e *events) add(b []byte, chunks []chunk) []byte {
	size := 0
	for _, c := range chunks {
		size += len(c.data) + eventSize
	}
	b = slices.Grow(b, size)
	for _, c := range chunks {
		if c.plain && e.id != "" && !e.awaitsRoles() {
			b = event(b, c.data[:c.from], c.data[c.to:]) // SDKs add up what usage they see
		} else if edited := e.edit(c.data); edited != nil {
			b = event(b, edited)
		}
	}
	return b
}

// eventSize is what an event has beside its data.
const eventSize = len("data: \n\n")

func event(b []byte, parts ...[]byte) []byte {
	b = append(b, "data: "...)
	for _, part := range parts {
		b = append(b, part...)
	}
	return append(b, "\n\n"...)
}

func (e *events) awaitsRoles() bool {
	return e.ask.endpoint == openai.Chat && len(e.role) < e.ask.choices
}

// edit is a chunk that is not plain as the application sees it, nil for one it does not.
func (e *events) edit(chunk []byte) []byte {
	o, err := parseObject(chunk)
	if err != nil {
		return chunk // valid JSON, and the application's parser's to judge
	}
	if e.id == "" {
		_ = json.Unmarshal(o.get("id"), &e.id) // an answer without is no worse
	}
	if e.awaitsRoles() {
		e.addRoles(&o)
	}
	if usage := o.get("usage"); usage != nil && isEmpty(o.get("choices")) {
		e.usage = o
		return nil
	}
	o.drop("usage")
	return o.bytes()
}

func isEmpty(list []byte) bool {
	return len(list) >= 2 && list[0] == '[' && len(bytes.TrimSpace(list[1:len(list)-1])) == 0
}

// addRoles gives the first delta of a choice its role where the engine left it out.
func (e *events) addRoles(o *object) {
	all, changed := elements(o.get("choices")), false
	for i, raw := range all {
		c, err := parseObject(raw)
		if err != nil {
			continue
		}
		index, err := count(c, "index", 0, 0, math.MaxInt32)
		if err != nil || e.role[index] {
			continue
		}
		e.role[index] = true
		delta, err := parseObject(c.get("delta"))
		if err != nil || delta.get("role") != nil {
			continue
		}
		delta.drop("role")
		delta = append(object{{[]byte("role"), json.RawMessage(`"assistant"`)}}, delta...)
		c.set("delta", delta.bytes())
		all[i] = c.bytes()
		changed = true
	}
	if changed {
		o.set("choices", arrayOf(all))
	}
}

// end appends the usage, where it was asked for, and the end.
func (e *events) end(b []byte, bill Bill) []byte {
	if e.ask.usage {
		if e.usage == nil { // the engine counted in chunks with text alone
			e.usage, _ = parseObject(marshal(e.chunk([]any{})))
		}
		e.usage.set("usage", priced(e.usage.get("usage"), bill))
		b = event(b, e.usage.bytes())
	}
	return event(b, []byte("[DONE]"))
}

// cut appends the error that ended the answer, with what it costs all the same.
func (e *events) cut(b []byte, err error, bill Bill) []byte {
	f := faultOf(err)
	if !bill.Cost.IsZero() {
		f.Usage = priced(nil, bill)
	}
	return event(b, errorBody(f))
}

// sign is a sign of life: a comment, or a chunk that adds nothing.
func (e *events) sign(chunk bool) []byte {
	if !chunk {
		return []byte(": keep-alive\n\n")
	}
	if e.ask.endpoint == openai.Completions {
		return event(nil, marshal(e.chunk([]any{emptyText{}})))
	}
	d := emptyDelta{}
	if !e.role[0] {
		e.role[0] = true
		d.Delta = map[string]string{"role": "assistant", "content": ""}
	} else {
		d.Delta = map[string]string{}
	}
	return event(nil, marshal(e.chunk([]any{d})))
}

// chunk is one of our own.
func (e *events) chunk(choices []any) emptyChunk {
	object := "chat.completion.chunk"
	if e.ask.endpoint == openai.Completions {
		object = "text_completion"
	}
	return emptyChunk{e.id, object, e.at, e.ask.model, choices}
}

type emptyChunk struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
	Choices []any  `json:"choices"`
}

type emptyDelta struct {
	Index  int               `json:"index"`
	Delta  map[string]string `json:"delta"`
	Reason *string           `json:"finish_reason"`
}

type emptyText struct {
	Index  int     `json:"index"`
	Text   string  `json:"text"`
	Reason *string `json:"finish_reason"`
}
