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

// chunkReader reads the chunks of one answer. They mostly begin alike: what was scanned once is
// not scanned again.
type chunkReader struct {
	head []byte // fields that one began with, up to the first that matters here; nil before there was one
	last int    // where the last of them ends
}

// read is what an engine said. Whoever sent it is trusted with no more.
func (s *chunkReader) read(item []byte) (c chunk, err error) {
	if bytes.IndexByte(item, '\n') >= 0 || bytes.IndexByte(item, '\r') >= 0 { // between tokens of JSON: in strings there are none
		var line bytes.Buffer
		if json.Compact(&line, item) != nil {
			return c, badAnswer("what is no JSON object")
		}
		item = line.Bytes()
	}
	if c.data = item; len(item) == 0 || item[0] != '{' {
		return c, badAnswer("what is no JSON object")
	}
	is, failed := s.scan(&c)
	if !is {
		return c, badAnswer("what is no JSON object")
	}
	if !failed {
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

// scan finds the usage of c, and reports whether its data is an object, and whether
// that names an error.
func (s *chunkReader) scan(c *chunk) (is, failed bool) {
	from, before := len(s.head), s.last
	if !bytes.HasPrefix(c.data, s.head) {
		from, before = 0, 0
	}
	usages, choices, leads, bare := 0, 0, false, false
	is = jsonscan.SpansFrom(c.data, from, func(f jsonscan.Field) {
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
		case "error":
			failed = true
		}
		if from == 0 && before > 0 && usages+choices > 0 && !failed {
			from, s.head, s.last = f.From, c.data[:f.From], before
		}
		before = f.To
	})
	c.plain = usages == 0 || usages == 1 && choices < 2 && !bare
	return is, failed
}
