package api_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/worker/engine"

	"net/http/httptest"
)

func TestModels_AreListedWithPriceAndAliases(t *testing.T) {
	t.Parallel()
	w := newTown(t, onEngine(), func(c *api.Config, _ *api.Limits) { c.Aliases = map[string]string{"gpt-4o": "lab/other", "gone": "x"} })
	a, err := do(w.ask(http.MethodGet, "/v1/models", "", nil))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, a.status)
	require.JSONEq(t, `{"object":"list","data":[
		{"id":"m","object":"model","created":1700000000,"owned_by":"0:01","root":"m","context_length":4096,"price":{"prompt_nano":"1000000","cached_nano":"0","completion_nano":"10000000","reasoning_nano":"10000000"}},
		{"id":"lab/other","object":"model","created":1700000001,"owned_by":"0:02","root":"lab/other","price":{"prompt_nano":"1000000","cached_nano":"0","completion_nano":"10000000","reasoning_nano":"10000000"}},
		{"id":"gpt-4o","object":"model","created":1700000001,"owned_by":"0:02","root":"lab/other","price":{"prompt_nano":"1000000","cached_nano":"0","completion_nano":"10000000","reasoning_nano":"10000000"}}]}`, a.body)
	for _, path := range []string{"/v1/models/lab/other", "/v1/models/lab%2Fother"} {
		a, err = do(w.ask(http.MethodGet, path, "", nil))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, a.status, path)
		require.Contains(t, a.body, `"id":"lab/other"`)
	}
	a, err = do(w.ask(http.MethodGet, "/v1/models/none", "", nil))
	require.NoError(t, err)
	require.Equal(t, "model", *a.requireError(t, http.StatusNotFound, api.CodeNoModel).Error.Param)
}

func TestModels_ThoseWithAWorkerComeFirstAndTheirOrderStays(t *testing.T) {
	t.Parallel()
	w := newTown(t, onEngine(), func(c *api.Config, _ *api.Limits) { c.Aliases = map[string]string{"big": "lab/other", "small": "m"} })
	for _, c := range []struct {
		workers map[string]uint32
		want    string // name and workers
	}{
		{nil, "m - lab/other - big - small -"},
		{map[string]uint32{"m": 0, "lab/other": 0}, "m 0 lab/other 0 big 0 small 0"},
		{map[string]uint32{"m": 0, "lab/other": 2}, "lab/other 2 big 2 m 0 small 0"},
		{map[string]uint32{"lab/other": 1}, "lab/other 1 big 1 m - small -"},
		{map[string]uint32{"m": 1, "lab/other": 2}, "m 1 lab/other 2 big 2 small 1"},
	} {
		w.backend.workers = c.workers
		a, err := do(w.ask(http.MethodGet, "/v1/models", "", nil))
		require.NoError(t, err)
		var list struct {
			Data []struct {
				ID      string  `json:"id"`
				Workers *uint32 `json:"workers"`
			} `json:"data"`
		}
		require.NoError(t, json.Unmarshal([]byte(a.body), &list))
		var got []string
		for _, m := range list.Data {
			workers := "-"
			if m.Workers != nil {
				workers = strconv.Itoa(int(*m.Workers))
			}
			got = append(got, m.ID, workers)
		}
		require.Equal(t, c.want, strings.Join(got, " "))
	}
	a, err := do(w.ask(http.MethodGet, "/v1/models/small", "", nil))
	require.NoError(t, err)
	require.Contains(t, a.body, `"root":"m"`)
	require.Contains(t, a.body, `"workers":1`)
}

func TestBody_PassesThroughButForWhatTheDaemonDecides(t *testing.T) {
	t.Parallel()
	w := newTown(t, scripted(func(api.Request) *script { return said() }), func(c *api.Config, _ *api.Limits) {
		c.Aliases = map[string]string{"gpt-4o": "m"}
	})
	require.Equal(t, 200, w.post(openai.Chat, `{"x":12345678901234567890.10, "seed":9007199254740993,"model":"gpt-4o","stream_options":{"other":1},
		"messages":[{"role":"user","content":"hi","z":1.0}],"n":2,"max_completion_tokens":9,"max_tokens":5,"tools":[{"type":"function"}]}`).status)
	r := <-w.backend.seen
	require.Equal(t, `{"x":12345678901234567890.10,"seed":9007199254740993,"model":"m","stream_options":{"other":1,"include_usage":true},`+
		`"messages":[{"role":"user","content":"hi","z":1.0}],"n":2,"max_completion_tokens":9,"max_tokens":5,"tools":[{"type":"function"}],"stream":true}`, string(r.Body))
	require.Equal(t, []int{9, 2}, []int{r.MaxOut, r.Choices})
	require.Equal(t, w.key.ID, r.Key)
	require.Equal(t, w.clock.now().Add(w.cfg.Deadline), r.Deadline)

	require.Equal(t, 200, w.post(openai.Completions, `{"model":"m","prompt":["a","b","c"],"n":2,"best_of":4,"stream":false}`).status)
	r = <-w.backend.seen
	require.Equal(t, []int{0, 12}, []int{r.MaxOut, r.Choices}, "all that is generated is counted")
	require.Equal(t, 200, w.post(openai.Completions, `{"model":"m","prompt":[1,2,3]}`).status)
	require.Equal(t, 1, (<-w.backend.seen).Choices)
}

func TestChat_IsPutTogetherFromChunks(t *testing.T) {
	t.Parallel()
	chunks := []string{
		`{"id":"c","object":"chat.completion.chunk","created":5,"model":"m","x_top":1,"choices":[{"index":1,"delta":{"role":"assistant","content":null,"reasoning_content":"th"},"finish_reason":null}]}`,
		`{"id":"c","object":"chat.completion.chunk","created":5,"model":"m","system_fingerprint":"fp","choices":[{"index":1,"delta":{"reasoning_content":"ink","tool_calls":[{"index":1,"id":"t1","type":"function","function":{"name":"g","arguments":""}}]}},{"index":0,"delta":{"role":"assistant","content":"a<"},"logprobs":{"content":[{"token":"a","logprob":-0.10}],"refusal":null}}]}`,
		`{"id":"c","choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"id":"t0","type":"function","function":{"name":"f","arguments":"{\"a\":"}},{"index":1,"function":{"arguments":"{}"}}]}}]}`,
		`{"id":"c","choices":[{"index":1,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"t0","function":{"name":"f","arguments":"1}"}}]},"finish_reason":"tool_calls"},{"index":0,"delta":{"content":"é","refusal":"no","x_list":[1]},"logprobs":{"content":[{"token":"é","logprob":-2e-7}]}}]}`,
		`{"id":"c","choices":[{"index":0,"delta":{"refusal":"pe","x_list":[2]},"finish_reason":"stop","stop_reason":7}]}`,
		`{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"x":1}}`,
	}
	w := newTown(t, scripted(func(api.Request) *script { return &script{chunks: chunks, bill: billOf(chunks[5])} }), nil)
	a := w.post(openai.Chat, strings.Replace(chat, `"model"`, `"n":2,"model"`, 1))
	require.Equal(t, 200, a.status, a.body)
	require.JSONEq(t, `{"id":"c","object":"chat.completion","created":5,"model":"m","x_top":1,"system_fingerprint":"fp","choices":[
		{"index":0,"message":{"role":"assistant","content":"a<é","refusal":"nope","x_list":[1,2]},"logprobs":{"content":[{"token":"a","logprob":-0.10},{"token":"é","logprob":-2e-7}],"refusal":null},"finish_reason":"stop","stop_reason":7},
		{"index":1,"message":{"role":"assistant","content":null,"refusal":null,"reasoning_content":"think","tool_calls":[
			{"id":"t0","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"t1","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
		"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"x":1,"cost_nano":"43"}}`, a.body)
	require.Contains(t, a.body, "-0.10", "digits stay as they were")
	require.Equal(t, "43", a.header.Get("X-Cocoon-Cost-Nano"))
	require.Equal(t, []string{"net-1", "w1", "1"}, []string{a.header.Get("X-Cocoon-Request"), a.header.Get("X-Cocoon-Worker"), a.header.Get("X-Cocoon-Attempts")})
	require.True(t, strings.HasPrefix(a.header.Get("X-Request-Id"), "req_"))
}

// What the engine says without streaming is what the daemon makes of its stream.
func TestAssembly_EqualsTheEnginesOwnAnswer(t *testing.T) {
	t.Parallel()
	e, err := engine.Open(engine.Config{Models: []string{"m", "lab/other"}, Reasoning: 0.3})
	require.NoError(t, err)
	w := newTown(t, backedBy(e), nil)
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringN(1, 40, 200)
		req := map[string]any{
			"model": rapid.SampledFrom([]string{"m", "lab/other"}).Draw(rt, "model"), "n": rapid.IntRange(1, 4).Draw(rt, "n"),
			"max_tokens": rapid.IntRange(1, 60).Draw(rt, "max_tokens"), "user": text.Draw(rt, "unknown"),
		}
		path := rapid.SampledFrom(openai.Endpoints).Draw(rt, "path")
		switch path {
		case openai.Chat:
			req["messages"] = []any{map[string]any{"role": "user", "content": text.Draw(rt, "content")}}
			schema := map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"}}
			switch rapid.SampledFrom([]string{"text", "tools", "schema"}).Draw(rt, "form") {
			case "tools":
				req["tools"] = []any{map[string]any{"type": "function", "function": map[string]any{"name": "f", "parameters": schema}}}
				req["tool_choice"] = "required"
			case "schema":
				req["response_format"] = map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": "s", "schema": schema}}
			}
			req["logprobs"] = rapid.Bool().Draw(rt, "logprobs")
		case openai.Completions:
			req["prompt"] = rapid.SliceOfN(text, 1, 3).Draw(rt, "prompt")
			if rapid.Bool().Draw(rt, "logprobs") {
				req["logprobs"] = 2
			}
		default:
			req["input"] = rapid.SliceOfN(text, 1, 3).Draw(rt, "input")
			req["encoding_format"] = rapid.SampledFrom([]string{"float", "base64"}).Draw(rt, "format")
		}
		body, err := json.Marshal(req)
		require.NoError(rt, err)
		own := httptest.NewRecorder()
		e.ServeHTTP(own, httptest.NewRequest(http.MethodPost, path, strings.NewReader(string(body))))
		a, err := do(w.ask(http.MethodPost, path, string(body), nil))
		require.NoError(rt, err)
		require.Equal(rt, own.Code, a.status, a.body)
		require.Equal(rt, withoutCost(rt, own.Body.String()), withoutCost(rt, a.body))
	})
}

// withoutCost is an answer without what may differ.
func withoutCost(t require.TestingT, raw string) map[string]any {
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(raw), &v))
	delete(v["usage"].(map[string]any), "cost_nano")
	delete(v, "created") // one was asked before the other
	choices, _ := v["choices"].([]any)
	for _, c := range choices {
		c := c.(map[string]any)
		if l, ok := c["logprobs"].(map[string]any); ok && len(l) == 2 && len(l["content"].([]any)) == 0 {
			delete(c, "logprobs") // of text that is not there a stream says nothing
		}
	}
	return v
}

func TestEmbeddings_ComeInTheFormThatWasAskedFor(t *testing.T) {
	t.Parallel()
	// the engine knows one form only
	for _, c := range []struct{ engine, body, want string }{
		{`[1,-0.5]`, `"encoding_format":"base64"`, `"AACAPwAAAL8="`},
		{`[1,-0.5]`, `"encoding_format":"float"`, `[1,-0.5]`},
		{`"AACAPwAAAL8="`, `"user":"u"`, `[1,-0.5]`},
		{`"AACAPwAAAL8="`, `"encoding_format":"base64"`, `"AACAPwAAAL8="`},
	} {
		w := newTown(t, scripted(func(api.Request) *script {
			raw := `{"object":"list","data":[{"object":"embedding","index":0,"embedding":` + c.engine + `}],"model":"m","usage":{"prompt_tokens":2,"total_tokens":2}}`
			return &script{chunks: []string{raw}, bill: billOf(raw)}
		}), nil)
		a := w.post(openai.Embeddings, `{"model":"m","input":"hi",`+c.body+`}`)
		require.Equal(t, 200, a.status, a.body)
		require.JSONEq(t, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":`+c.want+`}],"model":"m","usage":{"prompt_tokens":2,"total_tokens":2,"cost_nano":"2"}}`, a.body)
		require.Equal(t, 0, (<-w.backend.seen).Choices)
	}
}

func TestUsage_IsWhatIsPaidWhereTheEngineSaysOtherwise(t *testing.T) {
	t.Parallel()
	w := newTown(t, scripted(func(api.Request) *script {
		s := said()
		s.bill.Usage = cocoon.Usage{Prompt: 5, Cached: 1, Completion: 1, Reasoning: 1}
		return s
	}), nil)
	require.Contains(t, w.post(openai.Chat, chat).body, `"usage":{"prompt_tokens":6,"completion_tokens":2,"total_tokens":8,`+
		`"prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":1},"cost_nano":"27"}`)
}

func TestStream_WhatCameWithTheEndIsWrittenWithIt(t *testing.T) {
	t.Parallel()
	apart := newTown(t, scripted(func(api.Request) *script { return said() }), nil)
	together := newTown(t, scripted(func(api.Request) *script {
		s := said()
		s.together = true
		return s
	}), nil)
	body := strings.Replace(chat, `{`, `{"stream":true,"stream_options":{"include_usage":true},`, 1)
	require.Equal(t, apart.post(openai.Chat, body).body, together.post(openai.Chat, body).body)
	require.Equal(t, apart.post(openai.Chat, chat).body, together.post(openai.Chat, chat).body)
	to := together.serve(body)
	require.Equal(t, []int{1, 1}, []int{to.writes, to.flushes})
}

// What net/http holds back of a long write it sends with the response's end, in any case.
func TestStream_AfterALongEndNothingIsFlushed(t *testing.T) {
	t.Parallel()
	f := newFast()
	f.batches = [][][]byte{slices.Concat(f.batches...)}
	w := newTown(t, f.backend(), nil)
	to := w.serve(strings.Replace(chat, `{`, `{"stream":true,`, 1))
	require.Equal(t, []int{1, 0}, []int{to.writes, to.flushes})
	got := events(t, w.post(openai.Chat, strings.Replace(chat, `{`, `{"stream":true,`, 1)).body)
	require.Len(t, got, benchTokens+3)
}

func TestStream_HasUsageOnlyWhereItWasAskedFor(t *testing.T) {
	t.Parallel()
	w := newTown(t, scripted(func(api.Request) *script { return said() }), nil)
	a := w.post(openai.Chat, strings.Replace(chat, `{`, `{"stream":true,`, 1))
	require.Equal(t, 200, a.status)
	require.Equal(t, "text/event-stream", a.header.Get("Content-Type"))
	require.Equal(t, "net-1", a.header.Get("X-Cocoon-Request"))
	all := events(t, a.body)
	require.Len(t, all, 3)
	require.NotContains(t, a.body, "usage")
	require.Equal(t, "[DONE]", all[2])
	require.Contains(t, all[0], `"delta":{"role":"assistant","content":"Hel"}`, "the first delta has a role though the engine left it out")
	require.NotContains(t, all[1], "role")

	a = w.post(openai.Chat, strings.Replace(chat, `{`, `{"stream":true,"stream_options":{"include_usage":true},`, 1))
	all = events(t, a.body)
	require.Len(t, all, 4)
	require.Contains(t, all[2], `"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9,"cost_nano":"27"}`)
}

func TestStream_StripsUsageFromChunksWithText(t *testing.T) {
	t.Parallel()
	chunks := []string{
		`{"id":"c","object":"text_completion","choices":[{"index":0,"text":"a \"usage\" b"}],"usage":null}`,
		`{"id":"c","object":"text_completion","choices":[{"index":0,"text":"c"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`,
	}
	w := newTown(t, scripted(func(api.Request) *script { return &script{chunks: chunks, bill: billOf(chunks[1])} }), nil)
	all := events(t, w.post(openai.Completions, `{"model":"m","prompt":"x","stream":true}`).body)
	require.Equal(t, []string{`{"id":"c","object":"text_completion","choices":[{"index":0,"text":"a \"usage\" b"}]}`,
		`{"id":"c","object":"text_completion","choices":[{"index":0,"text":"c"}]}`, "[DONE]"}, all)
	all = events(t, w.post(openai.Completions, `{"model":"m","prompt":"x","stream":true,"stream_options":{"include_usage":true}}`).body)
	require.Len(t, all, 4)
	require.JSONEq(t, `{"id":"c","object":"text_completion","choices":[{"index":0,"text":"c"}]}`, all[1], "SDKs add up the usage of all chunks")
	require.Contains(t, all[2], `"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3`)
	require.Contains(t, all[2], `"cost_nano":"`)
}

// Engines may write JSON on several lines, within an event as well as in a body.
func TestAnswer_OfSeveralLinesIsOfOne(t *testing.T) {
	t.Parallel()
	w := newTown(t, scripted(func(api.Request) *script {
		s := said()
		s.chunks[0] = strings.Replace(s.chunks[0], ",", "\n,\r\n", 1) + "\n"
		return s
	}), nil)
	all := events(t, w.post(openai.Chat, strings.Replace(chat, `{`, `{"stream":true,`, 1)).body)
	require.Len(t, all, 3)
	require.Contains(t, all[0], `"content":"Hel"`)
	require.Equal(t, 200, w.post(openai.Chat, chat).status)
	body := "{\n  \"data\": [{\"embedding\": [1]}]\n}\n"
	w = newTown(t, scripted(func(api.Request) *script { return &script{chunks: []string{body}} }), nil)
	require.Equal(t, 200, w.post(openai.Embeddings, `{"model":"m","input":"x"}`).status)
}

// A cut answer ends with an error that says so, never with a bare end of the
// connection and never with [DONE]; what was billed is told.
func TestStream_ACutIsTold(t *testing.T) {
	t.Parallel()
	lost := &api.Error{Code: api.CodeWorkerLost, Err: cocoon.Unreachable.Errorf("the worker is gone")}
	w := newTown(t, scripted(func(api.Request) *script {
		s := said()
		s.chunks, s.end = s.chunks[:1], lost
		return s
	}), nil)
	a := w.post(openai.Chat, strings.Replace(chat, `{`, `{"stream":true,`, 1))
	require.Equal(t, 200, a.status)
	all := events(t, a.body)
	require.Len(t, all, 2)
	var e errorObject
	require.NoError(t, json.Unmarshal([]byte(all[1]), &e))
	require.Equal(t, "worker_lost", e.Error.Code)
	require.Equal(t, "27", e.Error.Usage["cost_nano"])

	a = w.post(openai.Chat, chat)
	f := a.requireError(t, http.StatusBadGateway, api.CodeWorkerLost)
	require.Equal(t, "27", f.Error.Usage["cost_nano"])
	require.Equal(t, "false", a.header.Get("X-Should-Retry"), "another try would be billed again")
	require.Equal(t, []string{"worker_lost", "worker_lost"}, []string{w.usage()[0].Outcome, w.usage()[1].Outcome})
}

func TestStream_WhatIsNoAnswerGoesNoFurther(t *testing.T) {
	t.Parallel()
	for chunk, want := range map[string]api.Code{
		"{}\n\ndata: [DONE]\n\n": api.CodeBadAnswer,
		"{\"id\":\n\n\"c}":       api.CodeBadAnswer,
		`[]`:                     api.CodeBadAnswer,
		`{"error":{"message":"my secret prompt is too long"}}`: api.CodeEngine,
	} {
		for _, chunks := range [][]string{{chunk}, {said().chunks[0], chunk}} {
			w := newTown(t, scripted(func(api.Request) *script { return &script{chunks: chunks} }), nil)
			a := w.post(openai.Chat, strings.Replace(chat, `{`, `{"stream":true,`, 1))
			require.Contains(t, a.body, `"code":"`+string(want)+`"`)
			require.NotContains(t, a.body, "[DONE]")
			require.NotContains(t, w.log.String(), "secret")
			w.post(openai.Chat, chat).requireError(t, http.StatusBadGateway, want)
		}
	}
	w := newTown(t, scripted(func(api.Request) *script { return &script{} }), nil)
	w.post(openai.Chat, chat).requireError(t, http.StatusBadGateway, api.CodeBadAnswer)
	w.post(openai.Embeddings, `{"model":"m","input":"x"}`).requireError(t, http.StatusBadGateway, api.CodeBadAnswer)
	w = newTown(t, scripted(func(api.Request) *script { return said() }), func(c *api.Config, _ *api.Limits) { c.MaxAnswer = 200 })
	w.post(openai.Chat, chat).requireError(t, http.StatusBadGateway, api.CodeBadAnswer)
}

// During a long silence, before the first token and after it, the application
// hears that the daemon is alive.
func TestStream_StaysAliveInSilence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		chunk        bool
		first, later string
	}{
		{false, ": keep-alive", ": keep-alive"},
		{true, `data: {"id":"","object":"chat.completion.chunk","created":1793880000,"model":"m","choices":[{"index":0,"delta":{"content":"","role":"assistant"},"finish_reason":null}]}`,
			`data: {"id":"c1","object":"chat.completion.chunk","created":1793880000,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":null}]}`},
	} {
		gate := make(chan struct{})
		w := newTown(t, scripted(func(api.Request) *script {
			s := said()
			s.gate = gate
			return s
		}), func(cfg *api.Config, _ *api.Limits) { cfg.KeepAliveChunk = c.chunk })
		resp := w.open200(strings.Replace(chat, `{`, `{"stream":true,`, 1), w.cfg.KeepAlive)
		require.Equal(t, c.first, resp.line(t))
		gate <- struct{}{}
		require.Contains(t, resp.line(t), "Hel")
		w.wake(w.cfg.KeepAlive)
		require.Equal(t, c.later, resp.line(t))
		close(gate)
		require.Contains(t, resp.line(t), "lo")
		require.Equal(t, "data: [DONE]", resp.line(t))
		_, err := resp.next()
		require.ErrorIs(t, err, io.EOF)
	}
}

func TestAnswer_EndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	w := newTown(t, scripted(func(api.Request) *script { return &script{gate: make(chan struct{})} }), func(c *api.Config, _ *api.Limits) { c.Deadline = 20 * time.Millisecond })
	w.post(openai.Chat, chat).requireError(t, http.StatusRequestTimeout, api.CodeTimeout)
	w.post(openai.Chat, strings.Replace(chat, `{`, `{"stream":true,`, 1)).requireError(t, http.StatusRequestTimeout, api.CodeTimeout)
	require.Equal(t, "timeout", w.usage()[0].Outcome)
}

func TestErrors_HaveOpenAIsShapeAndStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err        error
		status     int
		code       api.Code
		retryAfter string
		should     string
	}{
		{cocoon.NoMoney.Errorf("x"), 402, api.CodeFunds, "", ""},
		{&api.Error{Code: api.CodeVoucher, Err: cocoon.NoMoney.Errorf("x")}, 402, api.CodeVoucher, "", ""},
		{cocoon.Forbidden.Errorf("x"), 403, api.CodeForbidden, "", ""},
		{cocoon.NotFound.Errorf("x"), 404, api.CodeNoModel, "", ""},
		{cocoon.Conflict.Errorf("x"), 409, api.CodeConflict, "", "false"},
		{cocoon.Unreachable.Errorf("x"), 503, api.CodeUnavailable, "1000", ""},
		{&api.Error{Code: api.CodeNoCapacity, RetryAfter: 1500 * time.Millisecond, Err: cocoon.Unreachable.Errorf("x")}, 503, api.CodeNoCapacity, "1500", ""},
		{errors.New("a file of ours"), 500, api.CodeInternal, "", ""},
		{&api.Refusal{Status: 429, Body: []byte(`{"error":{"message":"m"}}`)}, 502, api.CodeEngine, "", ""},
		{&api.Refusal{Status: 401, Body: []byte(`{"error":{"message":"m"}}`)}, 502, api.CodeEngine, "", ""},
		{&api.Refusal{Status: 400, Body: []byte(`oops`)}, 502, api.CodeEngine, "", ""},
		{&api.Refusal{Status: 400, Body: []byte(`{"error":{"message":"m","type":"t","code":"too_hot"}}`)}, 400, "too_hot", "", ""},
	} {
		w := newTown(t, refusing(c.err), nil)
		for _, body := range []string{chat, strings.Replace(chat, `{`, `{"stream":true,`, 1)} {
			a := w.post(openai.Chat, body)
			e := a.requireError(t, c.status, c.code)
			require.NotContains(t, e.Error.Message, "file of ours")
			require.Equal(t, c.retryAfter, a.header.Get("Retry-After-Ms"))
			require.Equal(t, c.should, a.header.Get("X-Should-Retry"))
			require.Len(t, a.header.Get("X-Request-Id"), 36)
		}
	}
}

func TestStream_WhatCameTogetherWithABadChunkIsPassedOnUpToIt(t *testing.T) {
	t.Parallel()
	one := `{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"one"}}]}`
	w := newTown(t, scripted(func(api.Request) *script { return &script{chunks: []string{one, one, `[]`, one}, together: true} }), nil)
	a := w.post(openai.Chat, strings.Replace(chat, `{`, `{"stream":true,`, 1))
	require.Equal(t, 2, strings.Count(a.body, `"one"`), a.body)
	require.Contains(t, a.body, string(api.CodeBadAnswer))
	require.NotContains(t, a.body, "[DONE]")
}
