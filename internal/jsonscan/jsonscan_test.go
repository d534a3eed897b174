package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/internal/jsonscan"
)

var seeds = []string{`{}`, ` {"a" : [1, -2.5e+10, "x\u00e9\n\"", {"b":null}], "c":true,"c":false} `, `[]`, `null`, `"\ud800"`, `0`, `-`, `01`, `1.`, `1e`, `.5`, `+1`, `{"a":1,}`, `[1,]`,
	`{"a"}`, `{a:1}`, "\"\t\"", `"\x"`, `"\u12g4"`, `"\u12`, `"\`, `tru`, `nulll`, `{} {}`, `[[[]]]`, `{"a":{"b":{"c":[{}]}}}`, "\ufeff{}", "{\"\xff\":1}", ``, `[1 2]`, `{"a" 1}`, `"\u 123"`, `"\uPQRS"`}

// sameAsStandard holds the package to encoding/json.
func sameAsStandard(t *testing.T, b []byte) {
	t.Helper()
	require.Equal(t, json.Valid(b), jsonscan.Valid(b), "%q", b)
	var names []string
	var values [][]byte
	is := jsonscan.Object(b, func(name, value []byte) { names, values = append(names, string(name)), append(values, value) })
	require.Equal(t, json.Valid(b) && bytes.TrimLeft(b, " \t\r\n")[0] == '{', is, "%q", b)
	sameElements(t, b)
	if !is {
		return
	}
	var fields []jsonscan.Field
	require.True(t, jsonscan.Spans(b, func(f jsonscan.Field) { fields = append(fields, f) }))
	for i, f := range fields {
		rest := fields[i:]
		require.True(t, jsonscan.SpansFrom(b, f.From, func(f jsonscan.Field) {
			require.Equal(t, rest[0], f)
			rest = rest[1:]
		}))
		require.Empty(t, rest)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	_, err := dec.Token()
	require.NoError(t, err)
	for i := range names {
		want, err := dec.Token()
		require.NoError(t, err)
		name := string(jsonscan.NameOf([]byte(names[i])))
		require.Equal(t, want, string([]rune(name)), "%q", name) // a byte that is none of UTF-8 stays as it is
		var value json.RawMessage
		require.NoError(t, dec.Decode(&value))
		require.Equal(t, string(value), string(values[i]))
	}
	require.False(t, dec.More())
}

// sameElements holds Array to encoding/json.
func sameElements(t *testing.T, b []byte) {
	t.Helper()
	var got, want []json.RawMessage
	is := jsonscan.Array(b, func(value []byte) { got = append(got, value) })
	require.Equal(t, json.Valid(b) && bytes.TrimLeft(b, " \t\r\n")[0] == '[', is, "%q", b)
	if is {
		require.NoError(t, json.Unmarshal(b, &want))
		require.Equal(t, len(want), len(got), "%q", b)
		for i := range want {
			require.Equal(t, string(want[i]), string(got[i]), "%q", b)
		}
	}
}

func TestScan_AcceptsAndFindsWhatTheStandardLibraryDoes(t *testing.T) {
	t.Parallel()
	for _, s := range seeds {
		sameAsStandard(t, []byte(s))
		for cut := range len(s) {
			sameAsStandard(t, []byte(s[:cut]))
		}
	}
	for _, depth := range []int{9_999, 10_000, 10_001} {
		sameAsStandard(t, []byte(strings.Repeat("[", depth)+strings.Repeat("]", depth)))
		sameAsStandard(t, []byte(strings.Repeat(`{"a":`, depth)+"1"+strings.Repeat("}", depth)))
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(sameAsStandard)
}

func BenchmarkValid(b *testing.B) {
	chunk := []byte(`{"id":"chatcmpl-7f3a9c1e5b2d4f60","object":"chat.completion.chunk","created":1700000000,"model":"Qwen/Qwen3-32B","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`)
	for name, valid := range map[string]func([]byte) bool{"ours": jsonscan.Valid, "standard": json.Valid} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(chunk)))
			for b.Loop() {
				valid(chunk)
			}
		})
	}
}
