package api

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/jsonscan"
)

// object is a JSON object in the order it was written. Values stay as they
// were, byte by byte: numbers keep their digits. Names occur once, so that all
// who read the same bytes see the same request.
type object []field

type field struct {
	name  []byte // decoded
	value json.RawMessage
}

// parseObject reads raw to its end. Errors hold nothing of it.
func parseObject(raw []byte) (object, error) {
	if !utf8.Valid(raw) {
		return nil, cocoon.Invalid.Errorf("it is not UTF-8")
	}
	o, twice := make(object, 0, usualFields), false
	var seen map[string]bool // where there are more than usual
	is := jsonscan.Object(raw, func(name, value []byte) {
		f := field{jsonscan.NameOf(name), value}
		if len(o) == usualFields {
			seen = make(map[string]bool, 2*usualFields)
			for _, before := range o {
				seen[string(before.name)] = true
			}
		}
		if seen == nil {
			twice = twice || o.has(f.name)
		} else {
			twice = twice || seen[string(f.name)]
			seen[string(f.name)] = true
		}
		o = append(o, f)
	})
	switch {
	case !is:
		return nil, cocoon.Invalid.Errorf("it is not a JSON object")
	case twice:
		return nil, cocoon.Invalid.Errorf("it names a field twice")
	}
	return o, nil
}

// usualFields are as many as objects of OpenAI's interface have.
const usualFields = 16

// get is the value called name; nil where it is missing or null.
func (o object) get(name string) json.RawMessage {
	for _, f := range o {
		if string(f.name) == name && !isNull(f.value) {
			return f.value
		}
	}
	return nil
}

func (o object) has(name []byte) bool {
	for _, f := range o {
		if bytes.Equal(f.name, name) {
			return true
		}
	}
	return false
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// set replaces a value in its place, or adds it at the end.
func (o *object) set(name string, value json.RawMessage) {
	for i, f := range *o {
		if string(f.name) == name {
			(*o)[i].value = value
			return
		}
	}
	*o = append(*o, field{[]byte(name), value})
}

func (o *object) drop(name string) {
	for i, f := range *o {
		if string(f.name) == name {
			*o = append((*o)[:i:i], (*o)[i+1:]...)
			return
		}
	}
}

// bytes is the object as JSON without spaces between its fields.
func (o object) bytes() []byte {
	size := len("{}")
	for _, f := range o {
		size += len(f.name) + len(f.value) + len(`"":,`)
	}
	b := append(make([]byte, 0, size), '{')
	for i, f := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, f.name), ':')
		b = append(b, f.value...)
	}
	return append(b, '}')
}

// elements are those of a JSON array; none of anything else.
func elements(raw []byte) (all []json.RawMessage) {
	jsonscan.Array(raw, func(value []byte) { all = append(all, value) })
	return all
}

// arrayOf is the JSON array of all.
func arrayOf(all []json.RawMessage) []byte {
	b := []byte{'['}
	for i, value := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, value...)
	}
	return append(b, ']')
}

// appendText appends a text as JSON, as marshal does.
func appendText[T string | []byte](b []byte, text T) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return append(b, marshal(string(text))...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// marshal is the JSON of texts, numbers and what is made of them; marks of HTML stay readable.
func marshal(v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // callers give nothing that has no JSON
	}
	return bytes.TrimSuffix(out.Bytes(), []byte{'\n'})
}
