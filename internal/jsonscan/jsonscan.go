// Package jsonscan finds the fields of a JSON object without building anything of
// them: several times as fast as encoding/json, for what is looked at token by token.
package jsonscan

import (
	"bytes"
	"encoding/json"
	"slices"
)

// maxDepth is how deep values may be nested, as in encoding/json.
const maxDepth = 10_000

// Valid reports whether b is one JSON value, as encoding/json.Valid does.
func Valid(b []byte) bool {
	s := scanner{b: b}
	s.space()
	s.value(0)
	return s.ended()
}

// Object calls each for the fields of the JSON object that b is, in order, and
// reports whether b is one; fields before what is wrong have been told then. A
// name is as it was written, between its quotes; a value has no spaces around it.
// Both share b's memory.
func Object(b []byte, each func(name, value []byte)) bool {
	return Spans(b, func(f Field) { each(f.Name, f.Value) })
}

// Field is one of an object, and where it is: from the quote before its name to
// the end of its value.
type Field struct {
	Name, Value []byte
	From, To    int
}

// Spans is Object with the places of fields.
func Spans(b []byte, each func(Field)) bool { return SpansFrom(b, 0, each) }

// SpansFrom is Spans for the fields from byte from on, where it is known that those
// before it, up to their last comma, are fields; 0 is from the beginning.
func SpansFrom(b []byte, from int, each func(Field)) bool {
	s := scanner{b: b, i: from}
	s.space()
	if from > 0 {
		s.fields(0, each)
		return s.ended()
	}
	if s.next() != '{' {
		return false
	}
	s.object(0, each)
	return s.ended()
}

// NameOf is what a field of an object is called whose name was written so.
func NameOf(written []byte) []byte {
	if bytes.IndexByte(written, '\\') < 0 {
		return written
	}
	var name string
	_ = json.Unmarshal(slices.Concat([]byte{'"'}, written, []byte{'"'}), &name) // it is valid
	return []byte(name)
}

// Array calls each for the elements of the JSON array that b is, in order, and
// reports whether b is one; elements before what is wrong have been told then. They
// share b's memory, and have no spaces around them.
func Array(b []byte, each func(value []byte)) bool {
	s := scanner{b: b}
	s.space()
	if s.next() != '[' {
		return false
	}
	s.array(0, each)
	return s.ended()
}

// scanner is at byte i of b; after a failure at the end of a b that is bad.
type scanner struct {
	b   []byte
	i   int
	bad bool
}

func (s *scanner) fail() { s.bad, s.i = true, len(s.b) }

// ended is after all of a value: only space may follow.
func (s *scanner) ended() bool {
	s.space()
	return !s.bad && s.i == len(s.b)
}

// next is the byte that the scanner is at; 0, which begins nothing, at the end.
func (s *scanner) next() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) space() {
	for s.i < len(s.b) && s.b[s.i] <= ' ' && (s.b[s.i] == ' ' || s.b[s.i] == '\n' || s.b[s.i] == '\t' || s.b[s.i] == '\r') {
		s.i++
	}
}

// take passes c, which has to be there.
func (s *scanner) take(c byte) {
	if s.next() != c {
		s.fail()
		return
	}
	s.i++
}

func (s *scanner) value(depth int) {
	switch c := s.next(); {
	case c == '"':
		s.text()
	case c == '{':
		s.object(depth, nil)
	case c == '[':
		s.array(depth, nil)
	case c == '-' || c >= '0' && c <= '9':
		s.number()
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	default:
		s.word("null")
	}
}

func (s *scanner) word(w string) {
	if !bytes.HasPrefix(s.b[s.i:], []byte(w)) {
		s.fail()
		return
	}
	s.i += len(w)
}

func (s *scanner) object(depth int, each func(Field)) {
	if depth >= maxDepth {
		s.fail()
		return
	}
	s.take('{')
	s.space()
	if s.next() == '}' {
		s.i++
		return
	}
	s.fields(depth, each)
}

// fields passes one at least, and the end of their object.
func (s *scanner) fields(depth int, each func(Field)) {
	for !s.bad {
		name := s.i + 1
		s.text()
		end := s.i - 1
		s.space()
		s.take(':')
		s.space()
		value := s.i
		s.value(depth + 1)
		if each != nil && !s.bad {
			each(Field{s.b[name:end], s.b[value:s.i], name - 1, s.i})
		}
		if !s.goesOn('}') {
			return
		}
	}
}

func (s *scanner) array(depth int, each func(value []byte)) {
	if depth >= maxDepth {
		s.fail()
		return
	}
	s.take('[')
	s.space()
	if s.next() == ']' {
		s.i++
		return
	}
	for !s.bad {
		from := s.i
		s.value(depth + 1)
		if each != nil && !s.bad {
			each(s.b[from:s.i])
		}
		if !s.goesOn(']') {
			return
		}
	}
}

// goesOn passes the comma before another element, or the end of all.
func (s *scanner) goesOn(end byte) bool {
	s.space()
	if s.next() == end {
		s.i++
		return false
	}
	s.take(',')
	s.space()
	return true
}

func (s *scanner) text() {
	s.take('"')
	for b := s.b; s.i < len(b); {
		i := s.i
		for i < len(b) && ordinary[b[i]] {
			i++
		}
		switch s.i = i; {
		case i == len(b):
		case b[i] == '"':
			s.i++
			return
		case b[i] == '\\':
			s.escape()
		default:
			s.fail()
		}
	}
	s.fail()
}

// ordinary are the bytes that mean nothing in a text.
var ordinary = func() (is [256]bool) {
	for c := range is {
		is[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return is
}()

func (s *scanner) escape() {
	s.i++
	switch s.next() {
	case 'b', 'f', 'n', 'r', 't', '\\', '/', '"':
		s.i++
	case 'u':
		s.i++
		for range 4 {
			if c := s.next(); (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				s.fail()
				return
			}
			s.i++
		}
	default:
		s.fail()
	}
}

func (s *scanner) number() {
	if s.next() == '-' {
		s.i++
	}
	if s.next() == '0' {
		s.i++
	} else {
		s.digits()
	}
	if s.next() == '.' {
		s.i++
		s.digits()
	}
	if s.next()|0x20 == 'e' {
		s.i++
		if c := s.next(); c == '+' || c == '-' {
			s.i++
		}
		s.digits()
	}
}

// digits passes one at least.
func (s *scanner) digits() {
	first := s.i
	for c := s.next(); c >= '0' && c <= '9'; c = s.next() {
		s.i++
	}
	if s.i == first {
		s.fail()
	}
}
