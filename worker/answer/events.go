package answer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/cocoon-network/cocoon"
)

// maxEvent is the most bytes of one event of an engine's stream, and of one line.
const maxEvent = 1 << 20

// events reads server-sent events as the HTML standard has them: lines end with
// CR, LF or both, comments and fields other than data are skipped.
type events struct {
	from  *bufio.Reader
	line  []byte
	data  []byte
	begun bool // a first line was read
	cr    bool // the last line ended with CR: a LF that follows belongs to it
}

// readers are used again: their buffers are most of what an answer takes.
var readers = sync.Pool{New: func() any { return &events{from: bufio.NewReaderSize(nil, 16<<10)} }}

// newEvents has to be freed.
func newEvents(r io.Reader) *events {
	e, _ := readers.Get().(*events)
	*e = events{from: e.from, line: e.line[:0], data: e.data[:0]}
	e.from.Reset(r)
	return e
}

// free ends it; what next returned is not to be used any more.
func (e *events) free() {
	e.from.Reset(nil)
	readers.Put(e)
}

// more tells whether something is there that next need not wait for.
func (e *events) more() bool { return e.from.Buffered() > 0 }

// next is the data of the next event, until the one after it is asked for. The
// error is io.ErrUnexpectedEOF where the stream ends within an event, io.EOF
// where it ends between two.
func (e *events) next() ([]byte, error) {
	e.data = e.data[:0]
	for has := false; ; {
		line, err := e.readLine()
		if errors.Is(err, io.EOF) && has {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			if has {
				return e.data, nil
			}
			continue
		}
		value, is := dataOf(line)
		if !is {
			continue
		}
		if has {
			e.data = append(e.data, '\n')
		}
		e.data, has = append(e.data, value...), true
		if len(e.data) > maxEvent {
			return nil, errEvent
		}
	}
}

var errEvent = cocoon.Unreachable.Errorf("engine sent an event of more than %d bytes", maxEvent)

// dataOf is the value of a data field.
func dataOf(line []byte) ([]byte, bool) {
	rest, is := bytes.CutPrefix(line, []byte("data"))
	if !is || len(rest) == 0 {
		return rest, is // a field without a colon has an empty value
	}
	if rest[0] != ':' {
		return nil, false
	}
	value, _ := bytes.CutPrefix(rest[1:], []byte(" "))
	return value, true
}

// readLine is a line without its end. What the stream ends with is none.
func (e *events) readLine() ([]byte, error) {
	e.line = e.line[:0]
	for {
		if _, err := e.from.Peek(1); err != nil {
			if errors.Is(err, io.EOF) && len(e.line) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		chunk, err := e.from.Peek(e.from.Buffered())
		if err != nil {
			return nil, err
		}
		if e.cr && chunk[0] == '\n' {
			chunk = chunk[1:]
			e.discard(1)
		}
		e.cr = false
		n := lineEnd(chunk)
		if n >= 0 {
			e.line, e.cr = append(e.line, chunk[:n]...), chunk[n] == '\r'
			e.discard(n + 1)
			return e.withoutMark(), nil
		}
		e.line = append(e.line, chunk...)
		e.discard(len(chunk))
		if len(e.line) > maxEvent {
			return nil, errEvent
		}
	}
}

// lineEnd is where the first CR or LF is, below 0 where there is none.
func lineEnd(b []byte) int {
	n := bytes.IndexByte(b, '\n')
	if n >= 0 {
		b = b[:n]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return n
}

func (e *events) discard(n int) { _, _ = e.from.Discard(n) } // they are in the buffer

// withoutMark is the line read, without the byte order mark that a stream may begin with.
func (e *events) withoutMark() []byte {
	line := e.line
	if !e.begun {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	e.begun = true
	return line
}
