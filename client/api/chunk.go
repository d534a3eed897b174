package api

import (
	"bytes"
	"encoding/json"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/jsonscan"
)

// chunk is one of an engine's, as a stream may carry it: a JSON object of one line,
// and no error. Most pass as they are, but for the usage so far.
type chunk struct {
	data     []byte
	from, to int  // its usage, with a comma; nothing where it has none
	plain    bool // it names usage and choices once at most, and does not end the answer
}

// chunkOf reads what an engine said. Whoever sent it is trusted with no more.
func chunkOf(item []byte) (c chunk, err error) {
	if bytes.IndexByte(item, '\n') >= 0 || bytes.IndexByte(item, '\r') >= 0 { // between tokens of JSON: in strings there are none
		var line bytes.Buffer
		if json.Compact(&line, item) != nil {
			return c, badAnswer("what is no JSON object")
		}
		item = line.Bytes()
	}
	if c.data = item; len(item) == 0 || item[0] != '{' || !c.scan() {
		return c, badAnswer("what is no JSON object")
	}
	if !bytes.Contains(item, []byte(`"error"`)) {
		return c, nil
	}
	o, err := parseObject(item)
	if err != nil {
		return c, badAnswer("an object that names a field twice")
	}
	if o.get("error") != nil {
		return c, &Error{Code: CodeEngine, Err: cocoon.Unreachable.Errorf("the engine failed while it answered")}
	}
	return c, nil
}

// scan finds the usage, and reports whether data is an object.
func (c *chunk) scan() bool {
	usages, choices, before, leads, bare := 0, 0, 0, false, false
	is := jsonscan.Spans(c.data, func(f jsonscan.Field) {
		if leads {
			c.to, leads = f.From, false // with the comma after it
		}
		switch string(f.Name) {
		case "usage":
			c.from, c.to, usages, leads = f.From, f.To, usages+1, before == 0
			if !leads {
				c.from = before // with the comma before it
			}
		case "choices":
			choices, bare = choices+1, isEmpty(f.Value)
		}
		before = f.To
	})
	c.plain = usages == 0 || usages == 1 && choices < 2 && !bare
	return is
}
