package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
)

// sdk is OpenAI's own client for Go, with nothing changed but base URL and key.
func (w *town) sdk(opts ...option.RequestOption) *openai.Client {
	c := openai.NewClient(append([]option.RequestOption{option.WithBaseURL(w.http.URL + "/v1"), option.WithAPIKey(w.secret)}, opts...)...)
	return &c
}

func params(text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: "m", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)}}
}

func TestSDK_ChatWholeAndStreamed(t *testing.T) {
	t.Parallel()
	w := newTown(t, onEngine(), nil)
	c, p := w.sdk(), params("What's 2+2?")
	p.N, p.MaxCompletionTokens = param.NewOpt(int64(2)), param.NewOpt(int64(20))
	whole, err := c.Chat.Completions.New(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, whole.Choices, 2)
	require.Equal(t, "length", whole.Choices[1].FinishReason)
	require.Contains(t, whole.Choices[0].Message.Content, "test engine")
	require.Contains(t, whole.Usage.RawJSON(), `"cost_nano":`)

	p.StreamOptions.IncludeUsage = param.NewOpt(true)
	stream := c.Chat.Completions.NewStreaming(t.Context(), p)
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		require.True(t, acc.AddChunk(stream.Current()))
	}
	require.NoError(t, stream.Err())
	require.Len(t, acc.Choices, 2)
	for i := range whole.Choices {
		require.Equal(t, whole.Choices[i].Message.Content, acc.Choices[i].Message.Content)
		require.Equal(t, whole.Choices[i].FinishReason, acc.Choices[i].FinishReason)
		require.Equal(t, "assistant", string(acc.Choices[i].Message.Role))
	}
	require.Equal(t, whole.Usage.TotalTokens, acc.Usage.TotalTokens)
	require.Equal(t, whole.ID, acc.ID)
	require.Equal(t, w.usage()[0].Cost, w.usage()[1].Cost)
}

func TestSDK_Tools(t *testing.T) {
	t.Parallel()
	chunks := []string{
		`{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"weather","arguments":""}}]},"finish_reason":null}]}`,
		`{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]},"finish_reason":null}]}`,
		`{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Zürich\"}"}},{"index":1,"id":"call_b","type":"function","function":{"name":"time","arguments":"{}"}}]},"finish_reason":null}]}`,
		`{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`,
		`{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`,
	}
	w := newTown(t, scripted(func(api.Request) *script { return &script{chunks: chunks, bill: billOf(chunks[4])} }), nil)
	c, p := w.sdk(), params("What's the weather?")
	p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
		Name: "weather", Parameters: openai.FunctionParameters{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}},
	})}
	p.ToolChoice.OfAuto = param.NewOpt("auto")
	p.ParallelToolCalls, p.Seed, p.Logprobs = param.NewOpt(true), param.NewOpt(int64(9007199254740993)), param.NewOpt(true)
	whole, err := c.Chat.Completions.New(t.Context(), p)
	require.NoError(t, err)
	stream := c.Chat.Completions.NewStreaming(t.Context(), p)
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		require.True(t, acc.AddChunk(stream.Current()))
	}
	require.NoError(t, stream.Err())
	for _, calls := range [][]openai.ChatCompletionMessageToolCallUnion{whole.Choices[0].Message.ToolCalls, acc.Choices[0].Message.ToolCalls} {
		require.Len(t, calls, 2)
		require.Equal(t, []string{"call_a", "weather", `{"city":"Zürich"}`}, []string{calls[0].ID, calls[0].Function.Name, calls[0].Function.Arguments})
		require.Equal(t, []string{"call_b", "time", `{}`}, []string{calls[1].ID, calls[1].Function.Name, calls[1].Function.Arguments})
	}
	require.Equal(t, "tool_calls", whole.Choices[0].FinishReason)
	var sent map[string]json.RawMessage
	require.NoError(t, json.Unmarshal((<-w.backend.seen).Body, &sent))
	require.Equal(t, "9007199254740993", string(sent["seed"]))
	require.Equal(t, `"auto"`, string(sent["tool_choice"]))
	require.Contains(t, string(sent["tools"]), "weather")
}

func TestSDK_CompletionsEmbeddingsAndModels(t *testing.T) {
	t.Parallel()
	w := newTown(t, onEngine(), nil)
	c := w.sdk()
	text, err := c.Completions.New(t.Context(), openai.CompletionNewParams{Model: "m", Prompt: openai.CompletionNewParamsPromptUnion{OfString: param.NewOpt("one")}})
	require.NoError(t, err)
	require.Contains(t, text.Choices[0].Text, "test engine")
	input := openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"a", "b"}}
	e, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{Model: "m", Input: input})
	require.NoError(t, err)
	require.Len(t, e.Data, 2)
	require.Len(t, e.Data[1].Embedding, 8)
	text64, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{Model: "m", Input: input, EncodingFormat: "base64"})
	require.NoError(t, err)
	require.Contains(t, text64.Data[1].RawJSON(), `"embedding":"`)
	page, err := c.Models.List(t.Context())
	require.NoError(t, err)
	require.Len(t, page.Data, 2)
	one, err := c.Models.Get(t.Context(), "lab/other")
	require.NoError(t, err)
	require.Equal(t, "0:02", one.OwnedBy)
}

func TestSDK_ErrorsAreTypedAndNotRepeatedOnceBilled(t *testing.T) {
	t.Parallel()
	lost := &api.Error{Code: api.CodeWorkerLost, Err: cocoon.Unreachable.Errorf("the worker is gone")}
	cut := scripted(func(api.Request) *script {
		s := said()
		s.chunks, s.end = s.chunks[:1], lost
		return s
	})
	free := scripted(func(api.Request) *script { return &script{end: lost} })
	for _, c := range []struct {
		name          string
		backend       *backend
		status, tries int
		code          string
	}{
		{"no voucher", refusing(&api.Error{Code: api.CodeVoucher, Err: cocoon.NoMoney.Errorf("x")}), 402, 1, "voucher_required"},
		{"no model", refusing(cocoon.NotFound.Errorf("x")), 404, 1, "model_not_found"},
		{"busy", refusing(&api.Error{Code: api.CodeNoCapacity, RetryAfter: time.Millisecond, Err: cocoon.Unreachable.Errorf("x")}), 503, 3, "no_capacity"},
		{"channel in use", refusing(&api.Error{Code: api.CodeConflict, Err: cocoon.Conflict.Errorf("x")}), 409, 1, "conflict"},
		{"lost before anything was billed", free, 502, 3, "worker_lost"},
		{"lost, and billed", cut, 502, 1, "worker_lost"},
	} {
		w := newTown(t, c.backend, nil)
		_, err := w.sdk(option.WithMaxRetryDelay(time.Millisecond)).Chat.Completions.New(t.Context(), params("x"))
		var e *openai.Error
		require.ErrorAs(t, err, &e, c.name)
		require.Equal(t, c.status, e.StatusCode, c.name)
		require.Equal(t, c.code, e.Code, c.name)
		require.NotEmpty(t, e.Type)
		require.Equal(t, int64(c.tries), c.backend.started.Load(), c.name)
	}
	w := newTown(t, cut, nil)
	stream := w.sdk().Chat.Completions.NewStreaming(t.Context(), params("x"))
	require.True(t, stream.Next())
	require.False(t, stream.Next())
	var e *ssestream.StreamError
	require.ErrorAs(t, stream.Err(), &e)
	require.Contains(t, e.Message, "worker_lost")

	_, err := w.sdk(option.WithAPIKey("wrong")).Chat.Completions.New(t.Context(), params("x"))
	var refused *openai.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "invalid_api_key", refused.Code)
}

func TestSDK_RetriesHideABusyNetworkAndPayOnce(t *testing.T) {
	t.Parallel()
	b := numbered()
	plain := b.start
	b.start = func(ctx context.Context, r api.Request) (api.Answer, error) {
		if b.started.Load() < 3 {
			return nil, &api.Error{Code: api.CodeNoCapacity, RetryAfter: time.Millisecond, Err: cocoon.Unreachable.Errorf("busy")}
		}
		return plain(ctx, r)
	}
	w := newTown(t, b, nil)
	answer, err := w.sdk().Chat.Completions.New(t.Context(), params("x"))
	require.NoError(t, err)
	require.Contains(t, answer.Choices[0].Message.Content, "answer 3.")
	var paid cocoon.Nano
	for _, e := range w.usage() {
		paid, err = paid.Add(e.Cost)
		require.NoError(t, err)
	}
	require.Equal(t, cocoon.NanoOf(27), paid)
}

func TestSDK_ReadsPastSignsOfLife(t *testing.T) {
	t.Parallel()
	for _, chunk := range []bool{false, true} {
		gate := make(chan struct{})
		w := newTown(t, scripted(func(api.Request) *script {
			s := said()
			s.gate = gate
			return s
		}), func(c *api.Config, _ *api.Limits) { c.KeepAliveChunk = chunk })
		type result struct {
			text string
			err  error
		}
		got := make(chan result, 1)
		go func() {
			stream := w.sdk().Chat.Completions.NewStreaming(t.Context(), params("x"))
			var acc openai.ChatCompletionAccumulator
			for stream.Next() {
				if !acc.AddChunk(stream.Current()) {
					got <- result{err: io.ErrNoProgress}
					return
				}
			}
			if stream.Err() != nil {
				got <- result{err: stream.Err()}
				return
			}
			got <- result{text: acc.Choices[0].Message.Content}
		}()
		for range 3 {
			w.wake(w.cfg.KeepAlive)
		}
		close(gate)
		require.Equal(t, result{text: "Hello"}, <-got)
	}
}

func TestSDK_LeavingAStreamStopsTheEngine(t *testing.T) {
	t.Parallel()
	gate, closed := make(chan struct{}), make(chan struct{})
	w := newTown(t, scripted(func(api.Request) *script {
		s := said()
		s.gate, s.closed = gate, closed
		return s
	}), nil)
	go func() { gate <- struct{}{} }()
	stream := w.sdk().Chat.Completions.NewStreaming(t.Context(), params("x"))
	require.True(t, stream.Next())
	require.NoError(t, stream.Close())
	<-closed

	closed = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-w.backend.seen
		<-w.backend.seen
		cancel()
	}()
	_, err := w.sdk().Chat.Completions.New(ctx, params("x"))
	require.ErrorIs(t, err, context.Canceled)
	<-closed
}

// The npm client asks for base64 by default, and decodes it.
func TestEmbeddings_Base64AsTheNpmClientAsks(t *testing.T) {
	t.Parallel()
	w := newTown(t, onEngine(), nil)
	a, err := do(w.ask(http.MethodPost, "/v1/embeddings", `{"model":"m","input":"a","encoding_format":"base64"}`, nil))
	require.NoError(t, err)
	require.Equal(t, 200, a.status)
	require.True(t, strings.Contains(a.body, `"embedding":"`), a.body)
}
