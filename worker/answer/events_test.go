package answer

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// readAll are all events of a text and how it ended.
func readAll(r io.Reader) (all []string, err error) {
	for e := newEvents(r); ; {
		data, err := e.next()
		if err != nil {
			return all, err
		}
		all = append(all, string(data))
	}
}

func TestEvents_AreReadAsTheStandardSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
		err  error
	}{
		"LF":                    {"data: a\n\ndata: b\n\n", []string{"a", "b"}, io.EOF},
		"CRLF":                  {"data: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}, io.EOF},
		"CR":                    {"data: a\r\rdata: b\r\r", []string{"a", "b"}, io.EOF},
		"mixed":                 {"data: a\r\n\ndata: b\n\r\n", []string{"a", "b"}, io.EOF},
		"comments":              {": hi\n:\n\ndata: a\n: between\n\n", []string{"a"}, io.EOF},
		"several lines":         {"data: a\ndata:b\ndata\n\n", []string{"a\nb\n"}, io.EOF},
		"one space only":        {"data:  a \n\n", []string{" a "}, io.EOF},
		"other fields":          {"event: x\nid: 1\nretry: 5\ndatas: no\ndata: a\n\n", []string{"a"}, io.EOF},
		"no data":               {"event: x\n\ndata: a\n\n", []string{"a"}, io.EOF},
		"empty data":            {"data:\n\n", []string{""}, io.EOF},
		"byte order mark":       {"\xef\xbb\xbfdata: a\n\n", []string{"a"}, io.EOF},
		"second mark":           {"data: a\n\n\xef\xbb\xbfdata: b\n\n", []string{"a"}, io.EOF},
		"cut in an event":       {"data: a\n\ndata: b\n", []string{"a"}, io.ErrUnexpectedEOF},
		"cut in a line":         {"data: a\n\nda", []string{"a"}, io.ErrUnexpectedEOF},
		"cut before its end":    {"data: a\n", nil, io.ErrUnexpectedEOF},
		"nothing":               {"", nil, io.EOF},
		"a line beyond measure": {"data: " + strings.Repeat("x", maxEvent+1<<17) + "\n\n", nil, errEvent},
		"lines beyond measure":  {strings.Repeat("data: "+strings.Repeat("x", 1<<16)+"\n", 17) + "\n", nil, errEvent},
		"as much as may be":     {"data: " + strings.Repeat("x", maxEvent-6) + "\n\n", []string{strings.Repeat("x", maxEvent-6)}, io.EOF},
	} {
		for way, r := range map[string]io.Reader{"whole": strings.NewReader(c.text), "byte by byte": iotest.OneByteReader(strings.NewReader(c.text))} {
			got, err := readAll(r)
			require.Equal(t, c.want, got, "%s, %s", name, way)
			require.ErrorIs(t, err, c.err, "%s, %s", name, way)
		}
	}
}

// An event is there with its empty line: nothing waits for what follows it.
func TestEvents_DoNotWaitForTheNext(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n\n", "\r\n\r\n", "\r\r"} {
		r, w := io.Pipe()
		go func() { _, _ = io.WriteString(w, "data: a"+end) }()
		e := newEvents(r)
		data, err := e.next()
		require.NoError(t, err)
		require.Equal(t, "a", string(data))
		require.NoError(t, w.Close())
		_, err = e.next()
		require.ErrorIs(t, err, io.EOF)
	}
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte("data: a\r\n\r\n: c\ndata\n\n"))
	f.Add([]byte("\xef\xbb\xbfdata: a\rdata:b\r\r"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		whole, err := readAll(bytes.NewReader(raw))
		again, errAgain := readAll(iotest.OneByteReader(bytes.NewReader(raw)))
		require.Equal(t, whole, again, "how bytes arrive changes nothing")
		require.Equal(t, err, errAgain)
		var text strings.Builder
		for _, data := range whole {
			for line := range strings.SplitSeq(data, "\n") {
				text.WriteString("data: " + line + "\n")
			}
			text.WriteString("\n")
		}
		got, err := readAll(strings.NewReader(text.String()))
		require.Equal(t, whole, got)
		require.ErrorIs(t, err, io.EOF)
	})
}
