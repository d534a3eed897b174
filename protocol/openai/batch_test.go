package openai_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/openai"
)

const good = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":20,"x_unknown":{"deep":[1]}},"extra":1}
{"custom_id":"b","method":"POST","url":"/v1/completions","body":{"model":"m","prompt":"hi","n":2}}

{"custom_id":"c","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":"hi"}}
`

func line(id, body string) string {
	return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":"/v1/completions","body":%s}`, id, body)
}

func TestBatch_KeepsWhatTheClientWrote(t *testing.T) {
	t.Parallel()
	b, err := openai.ParseBatch([]byte(strings.ReplaceAll(good, "\n", "\r\n")))
	require.NoError(t, err)
	require.Equal(t, "m", b.Model)
	require.Len(t, b.Lines, 3)
	require.Equal(t, "a", b.Lines[0].CustomID)
	require.Equal(t, openai.Embeddings, b.Lines[2].URL)
	require.JSONEq(t, `{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":20,"x_unknown":{"deep":[1]}}`, string(b.Lines[0].Body))
}

func TestBatch_EstimateFollowsSizesAndLimits(t *testing.T) {
	t.Parallel()
	b, err := openai.ParseBatch([]byte(good))
	require.NoError(t, err)
	u := b.Estimate()
	require.Equal(t, uint64(20+2*512), u.Completion) // chat 20, completions twice the default, embeddings none
	var bytes int
	for _, l := range b.Lines {
		bytes += len(l.Body)
	}
	require.InDelta(t, bytes/4, u.Prompt, 3)

	long, err := openai.ParseBatch([]byte(line("a", `{"model":"m","max_tokens":9,"max_completion_tokens":4000,"n":null}`)))
	require.NoError(t, err)
	require.Equal(t, uint64(512), long.Estimate().Completion)
}

func TestBatch_RefusesWhatTheMarketCannotRelyOn(t *testing.T) {
	t.Parallel()
	ok := line("a", `{"model":"m"}`)
	for want, file := range map[string]string{
		"no request":                       "\n\n",
		"line 1: is not a JSON object":     "hello",
		"not a JSON object":                "[1]",
		"not valid JSON":                   `{"custom_id":"a",`,
		"after its JSON object":            ok + ok,
		"names a field twice":              `{"custom_id":"a","custom_id":"b"}`,
		"not UTF-8":                        "{\"custom_id\":\"\xff\"}",
		"custom_id is not a string":        line("", `{"model":"m"}`),
		"of 1 to 256 bytes":                line(strings.Repeat("a", 257), `{"model":"m"}`),
		`line 3: custom_id "a" was used`:   ok + "\n\n" + ok,
		`asks model "n", the lines before`: ok + "\n" + line("b", `{"model":"n"}`),
		"model is not a string":            line("a", `{"model":7}`),
		"body: is not a JSON object":       `{"custom_id":"a","method":"POST","url":"/v1/completions"}`,
		"body: names a field twice":        line("a", `{"model":"m","model":"m2"}`),
		"method is":                        `{"custom_id":"a","method":"GET","url":"/v1/completions","body":{"model":"m"}}`,
		"is none of":                       `{"custom_id":"a","method":"POST","url":"/v1/files","body":{"model":"m"}}`,
		"stream is not for batches":        line("a", `{"model":"m","stream":true}`),
		"n is not a whole number":          line("a", `{"model":"m","n":-1}`),
		"max_tokens is not a whole":        line("a", `{"model":"m","max_tokens":1e3}`),
		"max_completion_tokens is not":     line("a", `{"model":"m","max_completion_tokens":4294967295}`),
	} {
		_, err := openai.ParseBatch([]byte(file))
		require.ErrorContains(t, err, want)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), want)
	}
}

func TestBatch_LimitsAreExact(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	for i := range openai.MaxLines {
		file.WriteString(line(fmt.Sprint(i), `{"model":"m"}`) + "\n")
	}
	_, err := openai.ParseBatch([]byte(file.String()))
	require.NoError(t, err)
	_, err = openai.ParseBatch([]byte(file.String() + line("more", `{"model":"m"}`)))
	require.ErrorContains(t, err, "beyond the 1000 requests")

	text := line("a", `{"model":"m"}`)
	_, err = openai.ParseBatch([]byte(text + strings.Repeat(" ", openai.MaxFile-len(text))))
	require.NoError(t, err)
	_, err = openai.ParseBatch([]byte(text + strings.Repeat(" ", openai.MaxFile-len(text)+1)))
	require.Equal(t, "cut it into several jobs", cocoon.HintOf(err))
}

func TestBatch_ErrorsKeepPromptsToThemselves(t *testing.T) {
	t.Parallel()
	_, err := openai.ParseBatch([]byte(line("a", `{"model":"m","prompt":"my secret", oops}`)))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}

func FuzzParseBatch(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(line("a", `{"model":"m","n":3,"max_tokens":null}`)))
	f.Add([]byte(`{"custom_id":"a","custom_id":"b"}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		b, err := openai.ParseBatch(file)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		require.NotEmpty(t, b.Model)
		require.Positive(t, b.Estimate().Prompt)
	})
}
