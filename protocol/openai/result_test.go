package openai_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/openai"
)

func answer(id string, status int, body string) openai.Result {
	return openai.Result{ID: "r-" + id, CustomID: id, Response: &openai.Response{StatusCode: status, RequestID: "q", Body: json.RawMessage(body)}}
}

func threeLines(t *testing.T) openai.Batch {
	t.Helper()
	b, err := openai.ParseBatch([]byte(good))
	require.NoError(t, err)
	return b
}

func TestResults_SurviveTheFileAndPayOnlySuccess(t *testing.T) {
	t.Parallel()
	results := []openai.Result{
		answer("b", 200, `{"usage":{"prompt_tokens":10,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}`),
		answer("a", 400, `{"usage":{"prompt_tokens":1000}}`),
		{ID: "r-c", CustomID: "c", Error: &openai.Error{Code: "deadline", Message: "no time < left"}},
	}
	file, err := openai.EncodeResults(results)
	require.NoError(t, err)
	got, err := threeLines(t).ParseResults(file)
	require.NoError(t, err)
	require.Equal(t, results, got)
	require.Equal(t, cocoon.Usage{Prompt: 6, Cached: 4, Completion: 5, Reasoning: 2}, openai.TotalUsage(got))
}

func TestResults_MustAnswerTheBatchExactly(t *testing.T) {
	t.Parallel()
	a, b, c := answer("a", 200, `{}`), answer("b", 200, `{}`), answer("c", 200, `{}`)
	for want, results := range map[string][]openai.Result{
		"leave 1 of 3":  {a, b},
		"what was not":  {a, b, answer("z", 200, `{}`)},
		"line 3":        {a, b, b},
		"neither":       {a, b, {CustomID: "c"}},
		"line 1 holds":  {{CustomID: "a", Response: a.Response, Error: &openai.Error{}}, b, c},
		"line 4 answer": {a, b, c, c},
	} {
		file, err := openai.EncodeResults(results)
		require.NoError(t, err)
		_, err = threeLines(t).ParseResults(file)
		require.ErrorContains(t, err, want)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
	_, err := threeLines(t).ParseResults([]byte("nonsense"))
	require.ErrorContains(t, err, "line 1 is not valid")
}

func TestUsage_IsSplitIntoDisjointCounts(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]cocoon.Usage{
		`{"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}}`:                                                {Prompt: 5, Completion: 3},
		`{"usage":{"prompt_tokens":5,"total_tokens":5}}`:                                                                      {Prompt: 5},
		`{"usage":{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":5}}}`:                                           {Cached: 5},
		`{"usage":{"prompt_tokens":0,"completion_tokens":9,"completion_tokens_details":{"reasoning_tokens":9,"other":null}}}`: {Reasoning: 9},
		`{"usage":{"prompt_tokens":1,"prompt_tokens_details":null,"completion_tokens_details":null}}`:                         {Prompt: 1},
	} {
		got, err := openai.ParseUsage([]byte(body))
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
	}
	for _, body := range []string{
		``, `[]`, `{}`, `{"usage":null}`, `{"usage":{"completion_tokens":3}}`,
		`{"usage":{"prompt_tokens":-1}}`, `{"usage":{"prompt_tokens":1.5}}`, `{"usage":{"prompt_tokens":1099511627777}}`,
		`{"usage":{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":6}}}`,
		`{"usage":{"prompt_tokens":5,"completion_tokens":1,"completion_tokens_details":{"reasoning_tokens":2}}}`,
	} {
		_, err := openai.ParseUsage([]byte(body))
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), body)
		require.Zero(t, answer("a", 200, body).Usage(), body)
	}
}

func FuzzParseUsage(f *testing.F) {
	f.Add([]byte(`{"usage":{"prompt_tokens":10,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":4}}}`))
	f.Add([]byte(`{"usage":{"prompt_tokens":18446744073709551615}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		u, err := openai.ParseUsage(body)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		require.LessOrEqual(t, u.Total(), uint64(2<<40))
	})
}

// Items that begin alike are read as if there had been none before.
func FuzzUsages(f *testing.F) {
	item := `{"id":"a","choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":10,"completion_tokens":7}}`
	f.Add([]byte(item), 30, []byte(item[30:]))
	f.Add([]byte(`{"usage":{"prompt_tokens":10},"choices":[]}`), 32, []byte(`}`))
	f.Add([]byte(item), 30, []byte(`"usage":{"prompt_tokens":1}} `))
	f.Fuzz(func(t *testing.T, first []byte, same int, rest []byte) {
		var u openai.Usages
		second := slices.Concat(first[:max(0, min(same, len(first)))], rest)
		for _, item := range [][]byte{first, second, first, second} {
			want, wantErr := openai.ParseUsage(item)
			got, err := u.Next(bytes.Clone(item))
			require.Equal(t, want, got)
			require.Equal(t, wantErr, err)
		}
	})
}

func FuzzParseResults(f *testing.F) {
	batch, err := openai.ParseBatch([]byte(line("a", `{"model":"m"}`)))
	require.NoError(f, err)
	f.Add([]byte(`{"id":"r","custom_id":"a","response":{"status_code":200,"request_id":"q","body":{}},"error":null}`))
	f.Add([]byte(`{"id":"r","custom_id":"a","response":null,"error":{"code":"c","message":"m"}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		results, err := batch.ParseResults(file)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		again, err := openai.EncodeResults(results)
		require.NoError(t, err)
		same, err := batch.ParseResults(again)
		require.NoError(t, err)
		require.Equal(t, openai.TotalUsage(results), openai.TotalUsage(same))
	})
}
