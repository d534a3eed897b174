package engine_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/worker/engine"
)

// object reads JSON that is an object.
func object(t *testing.T, raw string) map[string]any {
	t.Helper()
	var o map[string]any
	require.NoError(t, json.Unmarshal([]byte(raw), &o), raw)
	return o
}

// dig walks down objects by name and lists by number.
func dig(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			require.IsType(t, map[string]any{}, v, "%v", path)
			v = v.(map[string]any)[p]
		case int:
			require.IsType(t, []any{}, v, "%v", path)
			require.Greater(t, len(v.([]any)), p, "%v", path)
			v = v.([]any)[p]
		}
	}
	return v
}

// chat asks e with a user's text and more fields, and returns the answer.
func chat(t *testing.T, e *engine.Engine, text, more string) map[string]any {
	t.Helper()
	w := post(e, openai.Chat, chatBody(text, more))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	return object(t, w.Body.String())
}

func chatBody(text, more string) string {
	raw, _ := json.Marshal(text) // a text is always JSON
	return fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":%s}]%s}`, raw, more)
}

// chunks are the events of a stream that ends with [DONE].
func chunks(t *testing.T, w *httptest.ResponseRecorder) []map[string]any {
	t.Helper()
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.Equal(t, "text/event-stream", w.Header().Get("Content-Type"))
	var out []map[string]any
	lines := bufio.NewScanner(w.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if ok && data != "[DONE]" {
			out = append(out, object(t, data))
		}
		if data == "[DONE]" {
			return out
		}
	}
	require.Fail(t, "the stream does not end with [DONE]")
	return nil
}

// onlyTokens are the chunks that carry one: not the ends of choices, not usage.
func onlyTokens(t *testing.T, all []map[string]any) (out []map[string]any) {
	t.Helper()
	for _, c := range all {
		if len(c["choices"].([]any)) > 0 && dig(t, c, "choices", 0, "finish_reason") == nil {
			out = append(out, c)
		}
	}
	return out
}

func TestModels_AreListedAndFoundByName(t *testing.T) {
	t.Parallel()
	e := open(engine.Config{Models: []string{"Qwen/Qwen3-32B"}})
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	list := object(t, get("/v1/models").Body.String())
	one := object(t, get("/v1/models/Qwen/Qwen3-32B").Body.String())
	require.Equal(t, one, dig(t, list, "data", 0))
	require.Equal(t, one, object(t, get("/v1/models/Qwen%2FQwen3-32B").Body.String()))
	require.Equal(t, "model", one["object"])
	require.EqualValues(t, noon, one["created"])
	w := get("/v1/models/other")
	require.Equal(t, http.StatusNotFound, w.Code)
	require.Equal(t, "model_not_found", dig(t, object(t, w.Body.String()), "error", "code"))
}

func TestChat_IsDatedByTheClock(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, noon, chat(t, plain, "hi", "")["created"])
	for _, c := range chunks(t, post(plain, openai.Chat, chatBody("hi", `,"stream":true`))) {
		require.EqualValues(t, noon, c["created"])
	}
}

func TestChat_UnknownFieldsChangeNothing(t *testing.T) {
	t.Parallel()
	more := `,"temperature":0.3,"x_deep":{"a":[1]},"logit_bias":{"1":2},"user":"u","metadata":{},"reasoning_effort":"low","store":false`
	require.Equal(t, chat(t, plain, "hi", ""), chat(t, plain, "hi", more))
}

func TestChat_StopsBeforeTheStop(t *testing.T) {
	t.Parallel()
	for stop, want := range map[string]string{
		`"engine"`:              "This is Cocoon's built-in test",
		`[",","test"]`:          "This is Cocoon's built-in",
		`["test",","]`:          "This is Cocoon's built-in",
		`["not there","oon's"]`: "This is Coc",
		`"This"`:                "",
		`"never said"`:          dig(t, chat(t, plain, "hi", ""), "choices", 0, "message", "content").(string),
		`null`:                  dig(t, chat(t, plain, "hi", ""), "choices", 0, "message", "content").(string),
	} {
		r := chat(t, plain, "hi", `,"stop":`+stop)
		require.Equal(t, want, dig(t, r, "choices", 0, "message", "content"), stop)
		require.Equal(t, "stop", dig(t, r, "choices", 0, "finish_reason"))
		var text strings.Builder
		all := chunks(t, post(plain, openai.Chat, chatBody("hi", `,"stream":true,"stop":`+stop)))
		for _, c := range all {
			s, _ := dig(t, c, "choices", 0, "delta", "content").(string)
			text.WriteString(s)
		}
		require.Equal(t, want, text.String())
		require.Equal(t, "stop", dig(t, all[len(all)-1], "choices", 0, "finish_reason"))
	}
}

func TestChat_SeedChangesTheAnswerAndRepeatsIt(t *testing.T) {
	t.Parallel()
	one := chat(t, plain, "hi", `,"seed":1`)
	require.Equal(t, one, chat(t, plain, "hi", `,"seed":1`))
	two := chat(t, plain, "hi", `,"seed":2`)
	require.NotEqual(t, one["choices"], two["choices"])
	require.NotEqual(t, one["id"], two["id"])
	long := `,"max_tokens":60,"ignore_eos":true`
	a, b := open(engine.Config{Seed: 1}), open(engine.Config{Seed: 2})
	require.Equal(t, chat(t, a, "hi", long), chat(t, a, "hi", long))
	require.NotEqual(t, chat(t, a, "hi", long), chat(t, b, "hi", long))
}

func TestChat_LengthIsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	completion := func(e *engine.Engine, more string) (float64, any) {
		r := chat(t, e, "hi", more)
		return dig(t, r, "usage", "completion_tokens").(float64), dig(t, r, "choices", 0, "finish_reason")
	}
	n, reason := completion(plain, `,"max_tokens":500,"ignore_eos":true`)
	require.EqualValues(t, 500, n)
	require.Equal(t, "length", reason)
	n, reason = completion(plain, `,"max_tokens":500,"min_tokens":200`)
	require.EqualValues(t, 200, n)
	require.Equal(t, "stop", reason)
	for _, length := range []int{5, 300} {
		n, reason = completion(open(engine.Config{Answer: length}), `,"max_tokens":1000`)
		require.EqualValues(t, length, n)
		require.Equal(t, "stop", reason)
	}
}

func TestChat_ReasonsForAShareOfItsTokens(t *testing.T) {
	t.Parallel()
	e := open(engine.Config{Reasoning: 0.25})
	more := `,"max_tokens":80,"ignore_eos":true`
	r := chat(t, e, "hi", more)
	require.EqualValues(t, 80, dig(t, r, "usage", "completion_tokens"))
	require.EqualValues(t, 20, dig(t, r, "usage", "completion_tokens_details", "reasoning_tokens"))
	require.Equal(t, cocoon.Usage{Prompt: 1, Completion: 60, Reasoning: 20}, usageOf(t, post(e, openai.Chat, chatBody("hi", more)).Body.String()))
	thought := dig(t, r, "choices", 0, "message", "reasoning_content").(string)
	require.Len(t, strings.Fields(thought), 20)

	var thoughts, words strings.Builder
	for _, c := range chunks(t, post(e, openai.Chat, chatBody("hi", more+`,"stream":true`))) {
		s, thinks := dig(t, c, "choices", 0, "delta", "reasoning_content").(string)
		require.False(t, thinks && words.Len() > 0, "it thinks first")
		thoughts.WriteString(s)
		s, _ = dig(t, c, "choices", 0, "delta", "content").(string)
		words.WriteString(s)
	}
	require.Equal(t, thought, thoughts.String())
	require.Equal(t, dig(t, r, "choices", 0, "message", "content"), words.String())
	r = chat(t, e, "hi", `,"max_tokens":3`)
	require.EqualValues(t, 3, dig(t, r, "usage", "completion_tokens_details", "reasoning_tokens"), "the limit counts thoughts")
}

func TestCache_CountsARepeatedPrefixInWholeBlocks(t *testing.T) {
	t.Parallel()
	e := open(engine.Config{Cache: 64})
	cached := func(prompt string) any {
		return dig(t, chat(t, e, prompt, ""), "usage", "prompt_tokens_details", "cached_tokens")
	}
	forty := strings.Repeat("one two three four ", 10)
	require.EqualValues(t, 0, cached(forty+"x"))
	require.EqualValues(t, 32, cached(forty+"y"), "two blocks of 16")
	require.EqualValues(t, 0, cached("other "+forty), "a prefix begins at the beginning")
	require.EqualValues(t, 16, cached(strings.Repeat("one two three four ", 5)))
	require.EqualValues(t, 0, cached(strings.Repeat("one two three four ", 4)), "the last token is always computed")
	for i := range 4 {
		cached(fmt.Sprint(i, forty))
	}
	require.EqualValues(t, 0, cached(forty), "the oldest are forgotten")
	require.EqualValues(t, 0, dig(t, chat(t, plain, forty, ""), "usage", "prompt_tokens_details", "cached_tokens"))
	all := chunks(t, post(e, openai.Chat, chatBody(forty, `,"stream":true,"stream_options":{"include_usage":true}`)))
	require.EqualValues(t, 32, dig(t, all[len(all)-1], "usage", "prompt_tokens_details", "cached_tokens"))
}

func TestCache_IsOfBlocksAfterTheirBlocks(t *testing.T) {
	t.Parallel()
	e := open(engine.Config{Cache: 64})
	block := func(word string) string { return strings.Repeat(word+" ", 16) }
	cached := func(texts ...string) any {
		var messages []map[string]string
		for _, text := range texts {
			messages = append(messages, map[string]string{"role": "user", "content": text})
		}
		raw, err := json.Marshal(map[string]any{"model": "m", "messages": messages})
		require.NoError(t, err)
		return dig(t, object(t, post(e, openai.Chat, string(raw)).Body.String()), "usage", "prompt_tokens_details", "cached_tokens")
	}
	require.EqualValues(t, 0, cached(block("p"), block("q")))
	require.EqualValues(t, 0, cached(block("r")+"s"))
	require.EqualValues(t, 16, cached(block("r"), block("q")), "the same block after another is another")
	require.EqualValues(t, 0, cached(block("t")+"x"), "the fifth block of four")
	require.EqualValues(t, 16, cached(block("p"), block("q")+"x"), "the end goes before the beginning")
	require.EqualValues(t, 0, cached("a", "bc"+strings.Repeat(" d", 15)))
	require.EqualValues(t, 0, cached("ab", "c"+strings.Repeat(" d", 15)), "tokens are told apart")
}

func TestCache_ForgetsWhatWasNotUsed(t *testing.T) {
	t.Parallel()
	e := open(engine.Config{Cache: 48})
	cached := func(word string) any {
		return dig(t, chat(t, e, strings.Repeat(word+" ", 17), ""), "usage", "prompt_tokens_details", "cached_tokens")
	}
	for _, word := range []string{"a", "b", "c"} {
		require.EqualValues(t, 0, cached(word))
	}
	require.EqualValues(t, 16, cached("a"))
	require.EqualValues(t, 0, cached("d"))
	require.EqualValues(t, 16, cached("a"), "used since")
	require.EqualValues(t, 16, cached("c"))
	require.EqualValues(t, 0, cached("b"))
}

const weather = `,"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object",
	"properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1,"maximum":3}},"required":["city","days"]}}},
	{"type":"function","function":{"name":"now"}}]`

func TestTools_AreCalledWhereDemandedOrNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, choice string
		calls        []string
	}{
		{"hi", ``, nil},
		{"hi", `,"tool_choice":"auto"`, nil},
		{"use get_weather", ``, []string{"get_weather"}},
		{"get_weather and now", ``, []string{"get_weather", "now"}},
		{"get_weather and now", `,"parallel_tool_calls":false`, []string{"get_weather"}},
		{"get_weather", `,"tool_choice":"none"`, nil},
		{"hi", `,"tool_choice":"required"`, []string{"get_weather"}},
		{"now", `,"tool_choice":"required"`, []string{"now"}},
		{"hi", `,"tool_choice":{"type":"function","function":{"name":"now"}}`, []string{"now"}},
	} {
		r := chat(t, plain, c.text, weather+c.choice)
		m := dig(t, r, "choices", 0, "message").(map[string]any)
		if c.calls == nil {
			require.Contains(t, m["content"], engine.Notice)
			require.Equal(t, "stop", dig(t, r, "choices", 0, "finish_reason"))
			continue
		}
		require.Nil(t, m["content"])
		require.Equal(t, "tool_calls", dig(t, r, "choices", 0, "finish_reason"))
		require.Len(t, m["tool_calls"], len(c.calls))
		for i, name := range c.calls {
			require.Equal(t, name, dig(t, m, "tool_calls", i, "function", "name"))
			args := object(t, dig(t, m, "tool_calls", i, "function", "arguments").(string))
			if name == "get_weather" {
				require.IsType(t, "", args["city"])
				require.Contains(t, []any{1.0, 2.0, 3.0}, args["days"])
			}
		}
		require.Positive(t, dig(t, r, "usage", "completion_tokens"))
		requireStreamed(t, m, weather+c.choice, c.text)
	}
	answered := `{"model":"m","messages":[{"role":"user","content":"now"},{"role":"tool","tool_call_id":"c","content":"now is noon"}]` + weather + `}`
	require.Contains(t, post(plain, openai.Chat, answered).Body.String(), engine.Notice, "a result is answered in words")
}

// requireStreamed wants the deltas of a stream to add up to a message's calls.
func requireStreamed(t *testing.T, message map[string]any, more, text string) {
	t.Helper()
	names, args, ids := []string{}, []string{}, map[string]bool{}
	all := chunks(t, post(plain, openai.Chat, chatBody(text, more+`,"stream":true`)))
	require.Equal(t, "assistant", dig(t, all[0], "choices", 0, "delta", "role"))
	for _, c := range onlyTokens(t, all) {
		index := int(dig(t, c, "choices", 0, "delta", "tool_calls", 0, "index").(float64))
		call := dig(t, c, "choices", 0, "delta", "tool_calls", 0).(map[string]any)
		if id, begins := call["id"].(string); begins {
			require.Equal(t, dig(t, message, "tool_calls", index, "id"), id)
			require.Equal(t, "function", call["type"])
			ids[id] = true
			names, args = append(names, dig(t, call, "function", "name").(string)), append(args, "")
		}
		args[index] += dig(t, call, "function", "arguments").(string)
	}
	require.Equal(t, "tool_calls", dig(t, all[len(all)-1], "choices", 0, "finish_reason"))
	require.Len(t, ids, len(names))
	for i := range names {
		require.Equal(t, dig(t, message, "tool_calls", i, "function", "name"), names[i])
		require.Equal(t, dig(t, message, "tool_calls", i, "function", "arguments"), args[i])
	}
}

func TestTools_AreCutByTheLimit(t *testing.T) {
	t.Parallel()
	r := chat(t, plain, "get_weather and now", weather+`,"max_tokens":2`)
	require.Len(t, dig(t, r, "choices", 0, "message", "tool_calls"), 1)
	require.Equal(t, `{"`, dig(t, r, "choices", 0, "message", "tool_calls", 0, "function", "arguments"))
	require.Equal(t, "length", dig(t, r, "choices", 0, "finish_reason"))
}

func TestFormat_AnswersWithADocument(t *testing.T) {
	t.Parallel()
	content := func(more string) map[string]any {
		return object(t, dig(t, chat(t, plain, "hi there", more), "choices", 0, "message", "content").(string))
	}
	d := content(`,"response_format":{"type":"json_object"}`)
	require.Equal(t, engine.Notice, d["notice"])
	require.EqualValues(t, 2, d["read"])
	d = content(`,"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object",
		"properties":{"colour":{"enum":["red"]},"list":{"type":"array","items":{"type":"boolean"}}},"required":["colour","list"],"additionalProperties":false}}}`)
	require.Equal(t, "red", d["colour"])
	require.IsType(t, true, dig(t, d, "list", 0))
	require.Len(t, d, 2)
	text := chat(t, plain, "hi there", `,"response_format":{"type":"text"}`)
	require.Contains(t, dig(t, text, "choices", 0, "message", "content"), engine.Notice)
}

func TestLogprobs_AreWellFormed(t *testing.T) {
	t.Parallel()
	r := chat(t, plain, "hi", `,"logprobs":true,"top_logprobs":3,"max_tokens":7`)
	list := dig(t, r, "choices", 0, "logprobs", "content").([]any)
	require.Len(t, list, 7)
	var text strings.Builder
	for _, one := range list {
		token := dig(t, one, "token").(string)
		text.WriteString(token)
		var raw []byte
		for _, b := range dig(t, one, "bytes").([]any) {
			raw = append(raw, byte(b.(float64)))
		}
		require.Equal(t, token, string(raw))
		require.Equal(t, token, dig(t, one, "top_logprobs", 0, "token"))
		sum, last := 0.0, 0.0
		require.Len(t, dig(t, one, "top_logprobs"), 3)
		for i := range 3 {
			p := dig(t, one, "top_logprobs", i, "logprob").(float64)
			require.Less(t, p, last)
			sum, last = sum+math.Exp(p), p
		}
		require.LessOrEqual(t, sum, 1.0)
	}
	require.Equal(t, dig(t, r, "choices", 0, "message", "content"), text.String())
	for _, one := range dig(t, chat(t, plain, "hi", `,"logprobs":true,"top_logprobs":20,"max_tokens":90,"ignore_eos":true`), "choices", 0, "logprobs", "content").([]any) {
		others := map[any]bool{}
		for i := range 20 {
			others[dig(t, one, "top_logprobs", i, "token")] = true
		}
		require.Len(t, others, 20, "each token once")
	}
	streamed := []any{}
	for _, c := range onlyTokens(t, chunks(t, post(plain, openai.Chat, chatBody("hi", `,"logprobs":true,"top_logprobs":3,"max_tokens":7,"stream":true`)))) {
		streamed = append(streamed, dig(t, c, "choices", 0, "logprobs", "content").([]any)...)
	}
	require.Equal(t, list, streamed)
	require.NotContains(t, dig(t, chat(t, plain, "hi", ""), "choices", 0), "logprobs")

	w := post(plain, openai.Completions, `{"model":"m","prompt":"x","max_tokens":4,"logprobs":2}`)
	l := dig(t, object(t, w.Body.String()), "choices", 0, "logprobs")
	require.Equal(t, []any{"This", " is", " Cocoon", "'"}, dig(t, l, "tokens"))
	require.Equal(t, []any{0.0, 4.0, 7.0, 14.0}, dig(t, l, "text_offset"))
	require.Len(t, dig(t, l, "token_logprobs"), 4)
	require.Len(t, dig(t, l, "top_logprobs", 3), 2)
}

func TestStream_UsageIsToldAsItIsAskedFor(t *testing.T) {
	t.Parallel()
	stream := func(opts string) []map[string]any {
		return chunks(t, post(plain, openai.Chat, chatBody("hi there", `,"n":2,"max_tokens":3,"stream":true`+opts)))
	}
	for _, c := range stream("") {
		require.NotContains(t, c, "usage")
		require.Len(t, c["choices"], 1)
	}
	all := stream(`,"stream_options":{"include_usage":true}`)
	require.Len(t, all, 6+2+1)
	for _, c := range all[:8] {
		require.Contains(t, c, "usage")
		require.Nil(t, c["usage"])
	}
	require.Empty(t, all[8]["choices"])
	require.EqualValues(t, 6, dig(t, all[8], "usage", "completion_tokens"))
	all = stream(`,"stream_options":{"include_usage":true,"continuous_usage_stats":true}`)
	for i, c := range onlyTokens(t, all) {
		require.EqualValues(t, i+1, dig(t, c, "usage", "completion_tokens"))
		require.EqualValues(t, 2, dig(t, c, "usage", "prompt_tokens"))
		require.EqualValues(t, i+3, dig(t, c, "usage", "total_tokens"))
	}
	require.Equal(t, all[8]["usage"], all[7]["usage"])
}

func TestStream_EachChoiceEndsWithAnEventOfItsOwn(t *testing.T) {
	t.Parallel()
	for more, tokens := range map[string]int{`,"max_tokens":1`: 1, `,"stop":"This"`: 0, weather + `,"tool_choice":"required","max_tokens":2`: 2} {
		all := chunks(t, post(plain, openai.Chat, chatBody("hi", more+`,"stream":true`)))
		require.Len(t, onlyTokens(t, all), tokens)
		require.Len(t, all, tokens+1)
		require.Equal(t, "assistant", dig(t, all[0], "choices", 0, "delta", "role"), "the first names the role")
		require.NotContains(t, dig(t, all[tokens], "choices", 0, "delta"), "content")
	}
}

func TestStream_ChoicesAdvanceTogether(t *testing.T) {
	t.Parallel()
	all := chunks(t, post(plain, openai.Chat, chatBody("hi", `,"n":3,"stream":true`)))
	for i, c := range all[:9] {
		require.EqualValues(t, i%3, dig(t, c, "choices", 0, "index"))
	}
}

func TestPrompts_MayBeTokenNumbers(t *testing.T) {
	t.Parallel()
	for body, n := range map[string]int{`[1,2,3]`: 3, `[[1,2],[7]]`: 3, `["a b","c"]`: 3, `"a b c"`: 3} {
		for path, field := range map[string]string{openai.Completions: "prompt", openai.Embeddings: "input"} {
			r := object(t, post(plain, path, `{"model":"m","`+field+`":`+body+`}`).Body.String())
			require.EqualValues(t, n, dig(t, r, "usage", "prompt_tokens"), body)
		}
	}
}

func TestConfig_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	for _, cfg := range []engine.Config{{Answer: -1}, {Reasoning: 1}, {Reasoning: math.NaN()}, {Cache: -1}, {Cost: engine.Cost{Prefill: -1}},
		{Cost: engine.Cost{Queue: 1}}, {Faults: []engine.Fault{{Kind: "unknown"}}}} {
		_, err := engine.Open(cfg)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "%+v", cfg)
	}
}
