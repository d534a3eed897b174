package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/cocoon-network/cocoon"
)

// object is a JSON object whose names are taken as written and occur once:
// two parties that read the same bytes must see the same request. err is the
// first mistake found while reading fields.
type object struct {
	fields map[string]json.RawMessage
	err    error
}

func parseObject(raw []byte) (*object, error) {
	o := &object{fields: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, cocoon.Invalid.Errorf("is not a JSON object")
	}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		var value json.RawMessage
		if err != nil || !ok || dec.Decode(&value) != nil {
			return nil, cocoon.Invalid.Errorf("is not valid JSON near byte %d", dec.InputOffset())
		}
		if _, twice := o.fields[name]; twice {
			return nil, cocoon.Invalid.Errorf("names a field twice near byte %d", dec.InputOffset())
		}
		o.fields[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, cocoon.Invalid.Errorf("is not valid JSON near byte %d", dec.InputOffset())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, cocoon.Invalid.Errorf("goes on after its JSON object")
	}
	return o, nil
}

func (o *object) fail(format string, args ...any) {
	if o.err == nil {
		o.err = cocoon.Invalid.Errorf(format, args...)
	}
}

// text is the string called name, which must be there with 1 to limit bytes.
func (o *object) text(name string, limit int) string {
	var s string
	if raw := o.fields[name]; raw == nil || json.Unmarshal(raw, &s) != nil || s == "" || len(s) > limit {
		o.fail("%s is not a string of 1 to %d bytes", name, limit)
	}
	return s
}

// count is the whole number called name, fallback where it is missing or null.
func (o *object) count(name string, fallback uint64) uint64 {
	raw := o.fields[name]
	if raw == nil || string(raw) == "null" {
		return fallback
	}
	var n uint32
	if json.Unmarshal(raw, &n) != nil || n > maxCount {
		o.fail("%s is not a whole number of 0 to %d", name, maxCount)
	}
	return uint64(n)
}

const maxCount = 1 << 20
