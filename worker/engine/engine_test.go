package engine_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/worker/engine"
)

// ask posts body to path and returns status and answer.
func ask(path, body string) (int, string) {
	w := post(plain, path, body)
	return w.Code, w.Body.String()
}

// plain is an engine without costs and faults at a standing time.
var plain = open(engine.Config{Models: []string{"m", "other"}})

// open is an engine at a standing time.
func open(cfg engine.Config) *engine.Engine {
	cfg.Clock = standing{}
	e, err := engine.Open(cfg)
	if err != nil {
		panic(err)
	}
	return e
}

func post(e *engine.Engine, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	return w
}

const noon = 1_790_000_000

// standing is a clock at which it is always noon.
type standing struct{}

func (standing) Now() time.Time                       { return time.Unix(noon, 0) }
func (standing) After(time.Duration) <-chan time.Time { return nil }

type reply struct {
	ID      string
	Object  string
	Model   string
	Choices []struct {
		Index   int
		Message struct{ Role, Content string }
		Delta   struct{ Role, Content string }
		Text    string
		Reason  string `json:"finish_reason"`
	}
	Usage map[string]any
	Data  []struct {
		ID        string
		Index     int
		Embedding json.RawMessage
	}
}

func read(t *testing.T, status int, raw string) reply {
	t.Helper()
	require.Equal(t, http.StatusOK, status, raw)
	var r reply
	require.NoError(t, json.Unmarshal([]byte(raw), &r))
	return r
}

func usageOf(t *testing.T, raw string) cocoon.Usage {
	t.Helper()
	u, err := openai.ParseUsage([]byte(raw))
	require.NoError(t, err)
	return u
}

const hello = `{"model":"m","messages":[{"role":"system","content":null},{"role":"user","content":[{"type":"text","text":"What's 2+2,"},{"type":"text","text":"Zoë?"}]}]`

func TestChat_SaysThatItIsNoModelAndCountsByTheRule(t *testing.T) {
	t.Parallel()
	status, raw := ask(openai.Chat, hello+`}`)
	r := read(t, status, raw)
	require.Equal(t, "m", r.Model)
	require.Len(t, r.Choices, 1)
	require.True(t, strings.HasPrefix(r.Choices[0].Message.Content, engine.Notice), raw)
	require.Equal(t, "assistant", r.Choices[0].Message.Role)
	require.Equal(t, "stop", r.Choices[0].Reason)
	require.Contains(t, r.Choices[0].Message.Content, "It read 9 tokens")
	require.Equal(t, uint64(9), usageOf(t, raw).Prompt)

	_, same := ask(openai.Chat, hello+`}`)
	require.Equal(t, raw, same, "the answer depends on the request only")
	_, other := ask(openai.Chat, strings.Replace(hello, "2+2", "2+3", 1)+`}`)
	require.NotEqual(t, raw, other)
}

func TestChat_StopsAtTheLimit(t *testing.T) {
	t.Parallel()
	status, raw := ask(openai.Chat, hello+`,"max_tokens":3,"n":2}`)
	r := read(t, status, raw)
	require.Len(t, r.Choices, 2)
	for i, c := range r.Choices {
		require.Equal(t, i, c.Index)
		require.Equal(t, "This is Cocoon", c.Message.Content)
		require.Equal(t, "length", c.Reason)
	}
	require.Equal(t, cocoon.Usage{Prompt: 9, Completion: 6}, usageOf(t, raw))
	_, raw = ask(openai.Chat, hello+`,"max_tokens":3,"max_completion_tokens":5}`)
	require.Equal(t, uint64(5), usageOf(t, raw).Completion)
}

func TestCompletions_AnswerEachPrompt(t *testing.T) {
	t.Parallel()
	status, raw := ask(openai.Completions, `{"model":"other","prompt":["one two","three"],"n":2}`)
	r := read(t, status, raw)
	require.Len(t, r.Choices, 4)
	require.Equal(t, 3, r.Choices[3].Index)
	require.NotEqual(t, r.Choices[0].Text, r.Choices[1].Text)
	require.NotEqual(t, r.Choices[0].Text, r.Choices[2].Text)
	require.Equal(t, uint64(3), usageOf(t, raw).Prompt)
	status, raw = ask(openai.Completions, `{"model":"m","prompt":"one"}`)
	require.Equal(t, "text_completion", read(t, status, raw).Object)
}

func TestEmbeddings_AreUnitVectorsOfTheirText(t *testing.T) {
	t.Parallel()
	status, raw := ask(openai.Embeddings, `{"model":"m","input":["a","b","a"],"dimensions":4}`)
	r := read(t, status, raw)
	require.Len(t, r.Data, 3)
	require.Equal(t, r.Data[0].Embedding, r.Data[2].Embedding)
	require.NotEqual(t, r.Data[0].Embedding, r.Data[1].Embedding)
	var v []float64
	require.NoError(t, json.Unmarshal(r.Data[0].Embedding, &v))
	require.Len(t, v, 4)
	var length float64
	for _, x := range v {
		length += x * x
	}
	require.InDelta(t, 1, math.Sqrt(length), 1e-6)
	require.Equal(t, cocoon.Usage{Prompt: 3}, usageOf(t, raw))

	status, raw = ask(openai.Embeddings, `{"model":"m","input":"a","encoding_format":"base64"}`)
	var text string
	require.NoError(t, json.Unmarshal(read(t, status, raw).Data[0].Embedding, &text))
	floats, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	require.Len(t, floats, 8*4)
}

// events splits a stream into its events, without the last, [DONE].
func events(t *testing.T, raw string) []reply {
	t.Helper()
	var out []reply
	parts := strings.Split(strings.TrimSuffix(raw, "\n\n"), "\n\n")
	require.Equal(t, "data: [DONE]", parts[len(parts)-1])
	for _, p := range parts[:len(parts)-1] {
		out = append(out, read(t, http.StatusOK, strings.TrimPrefix(p, "data: ")))
	}
	return out
}

func TestStream_AddsUpToTheAnswer(t *testing.T) {
	t.Parallel()
	_, plain := ask(openai.Chat, hello+`}`)
	whole := read(t, http.StatusOK, plain)
	status, raw := ask(openai.Chat, hello+`,"stream":true,"stream_options":{"include_usage":true}}`)
	require.Equal(t, http.StatusOK, status)
	all := events(t, raw)
	require.Equal(t, "assistant", all[0].Choices[0].Delta.Role)
	var text strings.Builder
	for _, e := range all[:len(all)-1] {
		require.Equal(t, "chat.completion.chunk", e.Object)
		require.Nil(t, e.Usage)
		text.WriteString(e.Choices[0].Delta.Content)
	}
	require.Equal(t, whole.Choices[0].Message.Content, text.String())
	require.Equal(t, "stop", all[len(all)-2].Choices[0].Reason)
	require.Empty(t, all[len(all)-1].Choices)
	require.Equal(t, whole.Usage, all[len(all)-1].Usage)

	_, raw = ask(openai.Completions, `{"model":"m","prompt":"x","stream":true,"max_tokens":2}`)
	all = events(t, raw)
	require.Len(t, all, 3)
	require.Equal(t, "This is", all[0].Choices[0].Text+all[1].Choices[0].Text)
	require.Equal(t, "length", all[2].Choices[0].Reason)
}

func TestEngine_RefusesInOpenAIsShape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, body string
		status     int
		message    string
	}{
		{openai.Chat, `nonsense`, 400, "not the JSON"},
		{openai.Chat, `{"model":"m","messages":[{"role":"user","content":7}]}`, 400, "not the JSON"},
		{openai.Chat, `{"model":"unknown","messages":[]}`, 404, "does not serve"},
		{openai.Chat, `{"messages":[]}`, 404, "does not serve"},
		{openai.Chat, `{"model":"m","messages":[]}`, 400, "must not be empty"},
		{openai.Chat, hello + `,"n":0}`, 400, "n must be"},
		{openai.Chat, hello + `,"n":17}`, 400, "n must be"},
		{openai.Chat, hello + `,"max_tokens":0}`, 400, "at least 1"},
		{openai.Chat, hello + `,"max_tokens":2000000}`, 400, "at most"},
		{openai.Chat, hello + `,"max_tokens":3,"min_tokens":4}`, 400, "min_tokens"},
		{openai.Chat, hello + `,"stop":["a","b","c","d","e"]}`, 400, "stop must be"},
		{openai.Chat, hello + `,"stop":[""]}`, 400, "stop must not"},
		{openai.Chat, hello + `,"stream_options":{"include_usage":true}}`, 400, "needs stream"},
		{openai.Chat, hello + `,"top_logprobs":2}`, 400, "top_logprobs"},
		{openai.Chat, hello + `,"logprobs":true,"top_logprobs":21}`, 400, "top_logprobs"},
		{openai.Chat, hello + `,"response_format":{"type":"xml"}}`, 400, "response_format must"},
		{openai.Chat, hello + `,"response_format":{"type":"json_schema"}}`, 400, "cannot follow the schema"},
		{openai.Chat, hello + `,"response_format":{"type":"json_schema","json_schema":{"schema":{"pattern":"a"}}}}`, 400, "pattern is not supported"},
		{openai.Chat, hello + `,"tools":[{"type":"custom"}]}`, 400, "function with a name"},
		{openai.Chat, hello + `,"tool_choice":"required"}`, 400, "needs tools"},
		{openai.Chat, hello + `,"tool_choice":"maybe"}`, 400, "tool_choice must"},
		{openai.Chat, hello + `,"tool_choice":{"function":{"name":"f"}}}`, 400, "not among tools"},
		{openai.Completions, `{"model":"m"}`, 400, "prompt must be"},
		{openai.Completions, `{"model":"m","prompt":null}`, 400, "prompt must be"},
		{openai.Completions, `{"model":"m","prompt":"x","logprobs":6}`, 400, "logprobs must be"},
		{openai.Completions, `{"model":"m","n":16,"prompt":["` + strings.Repeat(`x","`, 64) + `x"]}`, 400, "at most 1024"},
		{openai.Completions, `{"model":"m","prompt":"` + strings.Repeat("x", openai.MaxFile) + `"}`, 400, "not the JSON"},
		{openai.Completions, `{"model":"m","prompt":[1,"a"]}`, 400, "not the JSON"},
		{openai.Embeddings, `{"model":"m","input":"x","encoding_format":"hex"}`, 400, "encoding_format"},
		{openai.Completions, `{"model":"m","prompt":"x","n":-1}`, 400, "n must be"},
		{openai.Embeddings, `{"model":"m","input":[]}`, 400, "input must be"},
		{openai.Embeddings, `{"model":"m","input":"x","dimensions":9}`, 400, "dimensions"},
		{"/v1/files", `{}`, 404, "no such path"},
	} {
		status, raw := ask(c.path, c.body)
		require.Equal(t, c.status, status, c.body[:min(len(c.body), 200)])
		var r struct {
			Error struct{ Message, Type, Code string }
		}
		require.NoError(t, json.Unmarshal([]byte(raw), &r))
		require.Contains(t, r.Error.Message, c.message)
		require.Equal(t, "invalid_request_error", r.Error.Type)
		require.NotEmpty(t, r.Error.Code)
	}
}

func TestEngine_WithoutModelsAnswersForAny(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	engine.New().ServeHTTP(w, httptest.NewRequest(http.MethodPost, openai.Completions, strings.NewReader(`{"model":"any","prompt":"x"}`)))
	require.Equal(t, http.StatusOK, w.Code)
}

func TestServer_AnswersUntilItIsStopped(t *testing.T) {
	t.Parallel()
	s, err := engine.Listen("127.0.0.1:0", plain)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	resp, err := http.Get(s.URL() + "/v1/models")
	require.NoError(t, err)
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	r := read(t, resp.StatusCode, string(raw))
	require.Len(t, r.Data, 2)
	require.Equal(t, "other", r.Data[1].ID)
	stop()
	require.NoError(t, <-done)
	_, err = http.Get(s.URL() + "/v1/models") //nolint:bodyclose // there is none
	require.Error(t, err)
}

func FuzzEngine(f *testing.F) {
	f.Add(hello + `,"stream":true}`)
	f.Add(`{"model":"m","prompt":["x","\ud800"],"n":3}`)
	f.Add(`{"model":"m","input":"x"}`)
	f.Add(hello + weather + `,"tool_choice":"required","stream":true,"n":2}`)
	f.Add(hello + `,"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object"}}}}`)
	f.Add(hello + `,"logprobs":true,"top_logprobs":2,"stop":["a"],"seed":1,"min_tokens":9,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}`)
	f.Add(`{"model":"m","prompt":[[1,2],[3]],"input":[1],"logprobs":1}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range openai.Endpoints {
			status, raw := ask(path, body)
			require.Contains(t, []int{200, 400, 404}, status)
			if status == 200 && !strings.HasPrefix(raw, "data: ") {
				usageOf(t, raw)
			}
		}
	})
}
