package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/openai"
)

// What is read from an application is refused as invalid, or becomes JSON for an
// engine in which nothing changed but what the daemon decides.
func FuzzRequest(f *testing.F) {
	f.Add(`{"model":"m","messages":[{"role":"user","content":"hi"}],"n":2,"stream":true,"stream_options":{"x":1}}`)
	f.Add(`{"model":"m","prompt":["a",[1]],"best_of":3,"x":12345678901234567890.10}`)
	f.Add(`{"model":"a","input":"x","encoding_format":"base64","\u0061":null,"a":1}`)
	f.Add(`{"model":"m","messages":[{"content":[{"image_url":{"url":"http:"},"x_url":7}]}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, endpoint := range openai.Endpoints {
			a, err := parseAsk(endpoint, []byte(body), map[string]string{"a": "m"})
			if err != nil {
				require.Equal(t, CodeInvalid, codeOf(err))
				require.Equal(t, cocoon.Invalid, cocoon.KindOf(errors.Unwrap(err)))
				continue
			}
			before, err := parseObject([]byte(body))
			require.NoError(t, err)
			after, err := parseObject(a.body)
			require.NoError(t, err)
			require.NotEqual(t, "a", a.model)
			require.Equal(t, string(marshal(a.model)), string(marshal(text(t, after.get("model")))))
			require.Equal(t, endpoint != openai.Embeddings, string(after.get("stream")) == "true")
			for _, field := range before {
				switch string(field.name) {
				case "model", "stream", "stream_options":
					continue
				}
				kept := false
				for _, other := range after {
					kept = kept || bytes.Equal(other.name, field.name) && bytes.Equal(other.value, field.value)
				}
				require.True(t, kept, "%s", field.name)
			}
			again, err := parseAsk(endpoint, a.body, nil)
			require.NoError(t, err)
			require.Equal(t, string(a.body), string(again.body))
			require.Equal(t, []int{a.maxOut, a.choices}, []int{again.maxOut, again.choices})
		}
	})
}

func text(t *testing.T, raw json.RawMessage) (s string) {
	require.NoError(t, json.Unmarshal(raw, &s))
	return s
}

// Usage so far is cut out of a chunk wherever it stands; all else stays as it was.
func TestEvents_UsageIsCutOutOfAChunk(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"usage":{"a":[1,2]},"choices":[{}],"x":1}`:                  `{"choices":[{}],"x":1}`,
		`{ "usage" : null , "choices":[{}] }`:                         `{ "choices":[{}] }`,
		`{"x":"\"usage\"","usage":{"a":{"usage":1}},"y":{"usage":2}}`: `{"x":"\"usage\"","y":{"usage":2}}`,
		`{"choices":[{}], "usage":{"a":1} }`:                          `{"choices":[{}] }`,
		`{"choices":[], "usage":null}`:                                `{"choices":[]}`,
		`{"usage":1}`:                                                 `{}`,
		`{"x":"usage","usages":1}`:                                    `{"x":"usage","usages":1}`,
		`{"x":1,"x":2,"usage":3}`:                                     `{"x":1,"x":2}`,
		`{"choices":[{}],"choices":[],"usage":1}`:                     `{"choices":[{}],"choices":[],"usage":1}`,
		`{"usage":1,"x":0,"usage":2}`:                                 `{"usage":1,"x":0,"usage":2}`, // what it means is the application's to judge
	} {
		e := newEvents(ask{endpoint: openai.Completions}, time.Unix(0, 0))
		e.id = "known"
		c, err := new(chunkReader).read([]byte(raw))
		require.NoError(t, err)
		require.Equal(t, "data: "+want+"\n\n", string(e.add(nil, []chunk{c})), raw)
		require.Empty(t, e.usage)
	}
}

// Whatever a worker sends as chunks, the application is given JSON, or an error;
// its stream is lines of data alone, with one end.
func FuzzAnswer(f *testing.F) {
	f.Add(`{"id":"a","choices":[{"index":0,"delta":{"content":"x"}}]}`, `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{"}}]}}],"usage":{"prompt_tokens":1}}`)
	f.Add(`{"choices":[{"index":0,"text":"x","logprobs":{"tokens":["x"]}}]}`, `{"choices":[],"usage":null,"x":{"y":1e999}}`)
	f.Add(`{"data":[{"embedding":[1,2]}],"usage":{}}`, `{"choices":[{"index":1e3,"delta":7}]}`)
	f.Add(`{"id":"a","choices":[{"text":"x"}]}`, `{"usage":{"prompt_tokens":1},"choices":[{"text":"x"}],"x":"\"usage\""}`)
	f.Add(`{"id":"a","x":1, "choices":[{}],"usage":{}}`, `{"id":"a","x":1, "y":[],"usage":{},"choices":[{}]}`)
	f.Add(`{"id":"a", "usage":{},"choices":[{}]}`, `{"id":"a", }`)
	f.Add(`{"id":"a","error":null,"choices":[{}]}`, `{"id":"a","error":null,"choices":[{}],"id":"b"}`)
	f.Add(`{"data":[{"embedding":"AACAPw=="}]}`, "{\"error\":\r\nnull}\n")
	f.Fuzz(func(t *testing.T, one, two string) {
		var chunks []chunk
		var reader chunkReader
		for _, item := range []string{one, two} {
			c, err := reader.read([]byte(item))
			alone, aerr := new(chunkReader).read([]byte(item))
			require.Equal(t, aerr, err, "whatever came before it")
			if err == nil {
				require.Equal(t, alone, c)
				require.NotContains(t, string(c.data), "\n")
				chunks = append(chunks, c)
			}
		}
		for _, a := range []ask{
			{endpoint: openai.Chat, choices: 2}, {endpoint: openai.Completions, choices: 2, usage: true},
			{endpoint: openai.Embeddings}, {endpoint: openai.Embeddings, base64: true},
		} {
			body, err := assemble(a, clone(chunks), Bill{})
			if err != nil {
				require.Equal(t, CodeBadAnswer, codeOf(err))
			} else {
				require.True(t, json.Valid(body))
			}
			e := newEvents(a, time.Unix(0, 0))
			out := string(e.end(e.add(nil, clone(chunks)), Bill{}))
			all := strings.Split(strings.TrimSuffix(out, "\n\n"), "\n\n")
			for i, line := range all {
				data, ok := strings.CutPrefix(line, "data: ")
				require.True(t, ok)
				require.NotContains(t, data, "\n")
				require.Equal(t, i < len(all)-1, json.Valid([]byte(data)))
			}
			require.Equal(t, "data: [DONE]", all[len(all)-1])
		}
	})
}

func clone(chunks []chunk) (out []chunk) {
	for _, c := range chunks {
		c.data = bytes.Clone(c.data)
		out = append(out, c)
	}
	return out
}

// A key's file that was not written by us is refused, or makes a key of 32 bytes of hash.
func FuzzKey(f *testing.F) {
	f.Add([]byte(`{"id":"k","sha256":"` + strings.Repeat("ab", 32) + `","budget_day_nano":"5","open_requests":1}`))
	f.Add([]byte(`{"id":"k","sha256":"","requests_per_minute":-1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		k, err := parseKey(body, "k")
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		require.Len(t, k.Hash, 64)
		raw, err := json.Marshal(k)
		require.NoError(t, err)
		again, err := parseKey(raw, "k")
		require.NoError(t, err)
		require.True(t, k.Created.Equal(again.Created))
		k.Created, again.Created = time.Time{}, time.Time{}
		require.Equal(t, k, again)
	})
}

// A ledger's line that was damaged is told, and changes no sum twice.
func FuzzLedgerLine(f *testing.F) {
	f.Add(`{"event":"close","id":"a","key":"k","cost_nano":"7"}`)
	f.Add(`{"event":"carry","key":"k","cost_nano":"7"}`)
	f.Fuzz(func(t *testing.T, line string) {
		var e Entry
		if json.Unmarshal([]byte(line), &e) != nil || e.Event == eventCarry {
			return
		}
		l := &ledger{open: map[string]Entry{}, spent: map[string]cocoon.Nano{}, today: map[string]cocoon.Nano{}}
		require.NoError(t, l.count(Entry{Event: eventOpen, ID: e.ID, Key: e.Key}))
		require.NoError(t, l.count(e))
		once := l.spent[e.Key]
		if e.Event == eventClose {
			require.NoError(t, l.count(e))
		}
		require.Equal(t, once, l.spent[e.Key])
	})
}

// What is written by hand is what encoding/json writes.
func TestAppendText_IsAsMarshalHasIt(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "model", "a/b-c.d_e <&>", "\"", "\\", "\n\t\x00\x1f\x7f", "é", "\u2028", "\xff", "😀"} {
		require.Equal(t, "x"+string(marshal(s)), string(appendText([]byte("x"), s)), "%q", s)
		require.Equal(t, "x"+string(marshal(s)), string(appendText([]byte("x"), []byte(s))), "%q", s)
	}
}
