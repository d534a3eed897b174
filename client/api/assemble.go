package api

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/cocoon-network/cocoon/protocol/openai"
)

// assemble makes the one object an application that does not stream is given.
func assemble(a ask, chunks []chunk, bill Bill) ([]byte, error) {
	if a.endpoint == openai.Embeddings {
		return embeddings(a, chunks, bill)
	}
	w := whole{top: map[string]any{}, most: a.choices, choices: map[int]*choice{}}
	for _, c := range chunks {
		if err := w.add(c.data); err != nil {
			return nil, err
		}
	}
	return marshal(w.object(a.endpoint, bill)), nil
}

// whole is an answer put together from chunks. Fields that it does not know are
// kept: the last of a value, all of a list, objects field by field.
type whole struct {
	top     map[string]any
	usage   json.RawMessage
	most    int // choices that were asked for
	choices map[int]*choice
}

// choice is one of an answer's, with its tool calls by index.
type choice struct {
	fields  map[string]any
	message map[string]any
	tools   map[int]map[string]any
}

// add merges a chunk.
func (w *whole) add(chunk []byte) error {
	var v map[string]any
	dec := json.NewDecoder(bytes.NewReader(chunk))
	dec.UseNumber() // digits stay as the engine wrote them
	if err := dec.Decode(&v); err != nil {
		return badAnswer("what is no JSON object")
	}
	list, _ := v["choices"].([]any)
	if v["usage"] != nil {
		w.usage = marshal(v["usage"])
	}
	delete(v, "choices")
	delete(v, "usage")
	for name, value := range v {
		if _, there := w.top[name]; value != nil || !there {
			w.top[name] = value
		}
	}
	for _, item := range list {
		c, ok := item.(map[string]any)
		index, valid := indexOf(c)
		if !ok || !valid || index >= w.most {
			return badAnswer("a choice that nobody asked for")
		}
		if w.choices[index] == nil {
			w.choices[index] = &choice{fields: map[string]any{}, message: map[string]any{"role": "assistant"}, tools: map[int]map[string]any{}}
		}
		if err := w.choices[index].add(c); err != nil {
			return err
		}
	}
	return nil
}

func indexOf(o map[string]any) (int, bool) {
	n, ok := o["index"].(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return int(i), err == nil && i >= 0 && i < 1<<31
}

func (c *choice) add(v map[string]any) error {
	delta, _ := v["delta"].(map[string]any)
	calls, _ := delta["tool_calls"].([]any)
	if calls != nil {
		delete(delta, "tool_calls")
	}
	delete(v, "delta")
	merge(c.fields, v, false)
	merge(c.message, delta, true)
	for _, item := range calls {
		call, ok := item.(map[string]any)
		if !ok {
			return badAnswer("a tool call that is no object")
		}
		index, valid := indexOf(call)
		if !valid {
			index = len(c.tools) // an engine that sends it whole
		}
		delete(call, "index")
		if c.tools[index] == nil {
			c.tools[index] = map[string]any{}
		}
		merge(c.tools[index], call, true)
	}
	return nil
}

// names are texts that engines repeat; others in a delta come piece by piece.
var names = map[string]bool{"role": true, "id": true, "type": true, "name": true, "format": true, "signature": true}

// merge adds what from says to into. In a delta texts are pieces; elsewhere only
// "text" is one.
func merge(into, from map[string]any, delta bool) {
	for name, v := range from {
		was, there := into[name]
		switch v := v.(type) {
		case nil:
			if !there {
				into[name] = nil
			}
		case string:
			if s, ok := was.(string); ok && (delta && !names[name] || name == "text") {
				v = s + v
			}
			into[name] = v
		case []any:
			if list, ok := was.([]any); ok {
				v = append(list, v...)
			}
			into[name] = v
		case map[string]any:
			inner, ok := was.(map[string]any)
			if !ok {
				inner = map[string]any{}
			}
			merge(inner, v, delta)
			into[name] = inner
		default:
			into[name] = v
		}
	}
}

// object is the whole answer.
func (w *whole) object(endpoint string, bill Bill) map[string]any {
	chat := endpoint == openai.Chat
	list := []any{}
	for _, index := range slices.Sorted(maps.Keys(w.choices)) {
		c := w.choices[index]
		if chat {
			c.fields["message"] = c.complete()
		}
		list = append(list, c.fields)
	}
	w.top["choices"] = list
	w.top["usage"] = priced(w.usage, bill)
	if chat {
		w.top["object"] = "chat.completion"
	}
	return w.top
}

// complete is the message with what OpenAI always names. Without any content it
// is an empty text, unless something else was said in its place.
func (c *choice) complete() map[string]any {
	m := c.message
	if m["content"] == nil {
		m["content"] = nil
		if len(c.tools) == 0 && m["function_call"] == nil && m["refusal"] == nil && m["audio"] == nil {
			m["content"] = ""
		}
	}
	if m["refusal"] == nil {
		m["refusal"] = nil
	}
	if len(c.tools) > 0 {
		var calls []any
		for _, index := range slices.Sorted(maps.Keys(c.tools)) {
			calls = append(calls, c.tools[index])
		}
		c.message["tool_calls"] = calls
	}
	return c.message
}
