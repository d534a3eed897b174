package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/shared"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/daemon"
	"github.com/cocoon-network/cocoon/worker/engine"
)

var whole = flag.Bool("whole", false, "run a whole market of processes: make test-market")

var node = flag.String("node", "", "folder of the tests for Node, with its packages installed, to run as well")

func params(model, text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)}}
}

// TestOpenAI is one market, asked in every way side by side. At its end the chain
// holds what the usage ledger says.
func TestOpenAI(t *testing.T) {
	if !*whole {
		t.Skip("minutes on a busy machine: make test-market")
	}
	t.Parallel()
	w := newLab(t)
	a := w.daemon(t, cocoon.TON(5), func(c *daemon.Config) { c.Session.Patience = wait }) // for bills: its usage ledger is to be exact
	brief := w.daemon(t, cocoon.NanoOf(10_000_000), func(c *daemon.Config) { c.API.KeepAlive = 100 * time.Millisecond })
	t.Run("side by side", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *app){
			"chat": testChat, "tools": testTools, "schema": testSchema, "embeddings": testEmbeddings, "errors": testErrors,
			"full engines": testBusy, "unusual events": testOdd, "a cut answer": testCut,
			"who does not read": testUnread, "eight": testEight, "retries": testRetries, "web pages": testPages,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, a)
			})
		}
		t.Run("models", func(t *testing.T) {
			t.Parallel()
			testModels(t, w.late, a)
		})
		t.Run("leaving", func(t *testing.T) {
			t.Parallel()
			testLeaving(t, w.slow, a)
		})
		t.Run("silence", func(t *testing.T) {
			t.Parallel()
			testSilence(t, brief)
		})
		t.Run("want of money", func(t *testing.T) {
			t.Parallel()
			testShort(t, brief)
		})
		t.Run("OpenAI's client for Node", func(t *testing.T) {
			if *node == "" {
				t.Skip("no npm: OpenAI's client for Node is not tested")
			}
			t.Parallel()
			c := exec.CommandContext(t.Context(), "npm", "test", "--silent", "--prefix", *node)
			c.Env = append(os.Environ(), "OPENAI_BASE_URL="+a.url, "OPENAI_API_KEY="+a.secret, "BRIEF_BASE_URL="+brief.url, "BRIEF_API_KEY="+brief.secret)
			out, err := c.CombinedOutput()
			require.NoError(t, err, string(out))
		})
		t.Run("a tenth of a TON", func(t *testing.T) {
			t.Parallel()
			testSmallChannel(t, w.daemon(t, cocoon.NanoOf(100_000_000)))
		})
		t.Run("a broken wire", func(t *testing.T) {
			t.Parallel()
			testWire(t, w.wire, w.daemon(t, cocoon.TON(1)))
		})
		t.Run("killed workers", func(t *testing.T) {
			t.Parallel()
			testKilled(t, w, w.daemon(t, cocoon.TON(1)))
		})
	})
	last := w.daemon(t, cocoon.NanoOf(10_000_000))
	a.settles(t)
	brief.settles(t)
	testAway(t, w.close, last)
}

func testChat(t *testing.T, a *app) {
	secret, id := a.key(t, api.Limits{})
	c, p := a.sdk(option.WithAPIKey(secret)), params("gpt-4o", "What becomes of a caterpillar?")
	p.N, p.Seed, p.Logprobs, p.TopLogprobs = param.NewOpt(int64(2)), param.NewOpt(int64(7)), param.NewOpt(true), param.NewOpt(int64(2))
	whole, err := c.Chat.Completions.New(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, whole.Choices, 2)
	require.Contains(t, whole.Choices[0].Message.Content, "not a language model")
	require.NotEqual(t, whole.Choices[0].Message.Content, whole.Choices[1].Message.Content, "two answers")
	require.NotEmpty(t, whole.Choices[1].Logprobs.Content)
	require.Len(t, whole.Choices[1].Logprobs.Content[0].TopLogprobs, 2)

	p.StreamOptions.IncludeUsage = param.NewOpt(true)
	stream, acc, chunks := c.Chat.Completions.NewStreaming(t.Context(), p), openai.ChatCompletionAccumulator{}, 0
	for ; stream.Next(); chunks++ {
		if chunks == 0 {
			require.Equal(t, "assistant", stream.Current().Choices[0].Delta.Role)
		}
		require.True(t, acc.AddChunk(stream.Current()))
	}
	require.NoError(t, stream.Err())
	require.Greater(t, chunks, 20, "token by token")
	for i := range whole.Choices {
		require.Equal(t, whole.Choices[i].Message.Content, acc.Choices[i].Message.Content, "the same seed")
	}
	require.Equal(t, whole.Usage.TotalTokens, acc.Usage.TotalTokens)

	p.Seed, p.Stop.OfString, p.ReasoningEffort = param.NewOpt(int64(8)), param.NewOpt("language"), shared.ReasoningEffortLow
	other, err := c.Chat.Completions.New(t.Context(), p)
	require.NoError(t, err)
	require.NotEqual(t, whole.Choices[0].Message.Content, other.Choices[0].Message.Content, "another seed")
	text, err := c.Completions.New(t.Context(), openai.CompletionNewParams{Model: chat, Prompt: openai.CompletionNewParamsPromptUnion{OfString: param.NewOpt("one")}, MaxTokens: param.NewOpt(int64(5))})
	require.NoError(t, err)
	require.Equal(t, "length", string(text.Choices[0].FinishReason))
	require.EqualValues(t, 5, text.Usage.CompletionTokens)

	entries := a.bought(t, id)
	require.Len(t, entries, 4)
	for _, e := range entries {
		fair, err := price.Cost(e.Usage)
		require.NoError(t, err)
		require.Equal(t, fair, e.Cost)
		require.Equal(t, "ok", e.Outcome)
	}
}

func testTools(t *testing.T, a *app) {
	p := params(chat, "What is the weather in Zürich, and what does the clock say?")
	parameters := openai.FunctionParameters{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"}}
	for _, name := range []string{"weather", "clock"} {
		p.Tools = append(p.Tools, openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: name, Parameters: parameters}))
	}
	p.ToolChoice.OfAuto, p.ParallelToolCalls = param.NewOpt("auto"), param.NewOpt(true)
	whole, err := a.sdk().Chat.Completions.New(t.Context(), p)
	require.NoError(t, err)
	stream, acc := a.sdk().Chat.Completions.NewStreaming(t.Context(), p), openai.ChatCompletionAccumulator{}
	for stream.Next() {
		require.True(t, acc.AddChunk(stream.Current()))
	}
	require.NoError(t, stream.Err())
	require.Equal(t, "tool_calls", whole.Choices[0].FinishReason)
	require.Equal(t, "tool_calls", acc.Choices[0].FinishReason)
	for _, calls := range [][]openai.ChatCompletionMessageToolCallUnion{whole.Choices[0].Message.ToolCalls, acc.Choices[0].Message.ToolCalls} {
		require.Len(t, calls, 2)
		for i, name := range []string{"weather", "clock"} {
			require.Equal(t, name, calls[i].Function.Name)
			var args struct{ City *string }
			require.NoError(t, json.Unmarshal([]byte(calls[i].Function.Arguments), &args))
			require.NotNil(t, args.City)
		}
	}
	p.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: param.NewOpt("none")}
	without, err := a.sdk().Chat.Completions.New(t.Context(), p)
	require.NoError(t, err)
	require.Empty(t, without.Choices[0].Message.ToolCalls)
}

func testSchema(t *testing.T, a *app) {
	p := params(chat, "Name a city.")
	schema := map[string]any{"type": "object", "additionalProperties": false, "required": []string{"city", "people"},
		"properties": map[string]any{"city": map[string]any{"type": "string"}, "people": map[string]any{"type": "integer", "minimum": 3}}}
	p.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "city", Schema: schema, Strict: param.NewOpt(true)}}
	answer, err := a.sdk().Chat.Completions.New(t.Context(), p)
	require.NoError(t, err)
	var city struct {
		City   *string
		People int
	}
	require.NoError(t, json.Unmarshal([]byte(answer.Choices[0].Message.Content), &city))
	require.NotNil(t, city.City)
	require.GreaterOrEqual(t, city.People, 3)
	schema["properties"] = map[string]any{"city": map[string]any{"type": "string", "pattern": "^Z"}}
	_, err = a.sdk().Chat.Completions.New(t.Context(), p)
	var e *openai.Error
	require.ErrorAs(t, err, &e, "the engine's own refusal arrives")
	require.Equal(t, http.StatusBadRequest, e.StatusCode)
}

func testEmbeddings(t *testing.T, a *app) {
	p := openai.EmbeddingNewParams{Model: chat, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"caterpillar", "butterfly"}}}
	floats, err := a.sdk().Embeddings.New(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, floats.Data, 2)
	require.Len(t, floats.Data[1].Embedding, 8)
	require.NotEqual(t, floats.Data[0].Embedding, floats.Data[1].Embedding)
	require.NotZero(t, floats.Usage.PromptTokens)
	p.EncodingFormat = "base64"
	text, err := a.sdk().Embeddings.New(t.Context(), p)
	require.NoError(t, err)
	require.Contains(t, text.Data[1].RawJSON(), `"embedding":"`)
}

// models are listed as they come, with their workers, "-" where nobody knows.
func (a *app) models(t *testing.T) (names []string, workers map[string]string) {
	t.Helper()
	page, err := a.sdk().Models.List(t.Context())
	require.NoError(t, err)
	workers = map[string]string{}
	for _, m := range page.Data {
		n := m.JSON.ExtraFields["workers"].Raw()
		if n == "" {
			n = "-"
		}
		names, workers[m.ID] = append(names, m.ID), n
	}
	return names, workers
}

// served lists models until what is said of one's workers is enough.
func (a *app) served(t *testing.T, model string, enough func(workers string) bool) (names []string, workers map[string]string) {
	t.Helper()
	for end := time.Now().Add(wait); ; time.Sleep(tick) {
		if names, workers = a.models(t); enough(workers[model]) {
			return names, workers
		}
		require.True(t, time.Now().Before(end), "%s: %v", model, workers)
	}
}

// A model whose worker is not up comes behind those that are served: who takes the
// first of the list is answered. Once it is up, it is served as well.
func testModels(t *testing.T, start func(), a *app) {
	names, workers := a.served(t, chat, func(n string) bool { return n != "-" && n != "0" })
	require.Equal(t, workers[chat], workers["gpt-4o"])
	require.Equal(t, "0", workers[late])
	require.Contains(t, names, kill, "whatever becomes of its workers")
	require.Less(t, slices.Index(names, chat), slices.Index(names, late))
	require.Less(t, slices.Index(names, "gpt-4o"), slices.Index(names, late), "aliases as well")
	one, err := a.sdk().Models.Get(t.Context(), chat)
	require.NoError(t, err)
	require.Equal(t, chat, one.ID)
	require.Contains(t, one.RawJSON(), `"price"`)
	require.Contains(t, one.RawJSON(), `"workers"`)
	start()
	a.served(t, late, func(n string) bool { return n == "1" })
	answer, err := a.sdk().Chat.Completions.New(t.Context(), params(late, "x"))
	require.NoError(t, err)
	require.NotEmpty(t, answer.Choices[0].Message.Content)
}

// Without a dispatcher the same models are listed, at once, and of workers nothing is said.
func testAway(t *testing.T, end func(), a *app) {
	before, _ := a.served(t, late, func(n string) bool { return n == "1" })
	end()
	names, _ := a.models(t)
	require.ElementsMatch(t, before, names)
	a.served(t, late, func(n string) bool { return n == "-" })
}

// thrice counts what an SDK sends.
type thrice struct {
	mu    sync.Mutex
	tries []string // what it says of them
}

func (c *thrice) option() option.RequestOption {
	return option.WithMiddleware(func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
		c.mu.Lock()
		c.tries = append(c.tries, r.Header.Get("X-Stainless-Retry-Count"))
		c.mu.Unlock()
		return next(r)
	})
}

func testErrors(t *testing.T, a *app) {
	broke, _ := a.key(t, api.Limits{BudgetTotal: cocoon.NanoOf(1)})
	hurried, _ := a.key(t, api.Limits{Requests: 1})
	_, _ = a.sdk(option.WithAPIKey(hurried), option.WithMaxRetries(0)).Chat.Completions.New(t.Context(), params(chat, "x")) // it counts, whatever becomes of it
	for _, c := range []struct {
		name          string
		secret, model string
		n             int64
		status, tries int
		code          string
	}{
		{"no key", "sk-cocoon-unknown", chat, 1, 401, 1, "invalid_api_key"},
		{"no model", a.secret, "lab/unknown", 1, 404, 1, "model_not_found"},
		{"a budget", broke, chat, 1, 402, 1, "budget_exceeded"},
		{"a rate", hurried, chat, 1, 429, 1, "rate_limit_exceeded"},
		{"nonsense", a.secret, chat, -1, 400, 1, "invalid_request"},
		{"engines that are full", a.secret, full, 1, 503, 3, "no_capacity"},
	} {
		var seen thrice
		opts := []option.RequestOption{option.WithAPIKey(c.secret), seen.option()}
		if c.code == "rate_limit_exceeded" { // a minute, which no test waits for
			opts = append(opts, option.WithMaxRetries(0))
		}
		p := params(c.model, "x")
		p.N = param.NewOpt(c.n)
		_, err := a.sdk(opts...).Chat.Completions.New(t.Context(), p)
		var e *openai.Error
		require.ErrorAs(t, err, &e, c.name)
		require.Len(t, seen.tries, c.tries, "%s: %v", c.name, err)
		require.NotEmpty(t, e.Code, c.name)
		require.NotEmpty(t, e.Type, c.name)
		require.Equal(t, c.status, e.StatusCode, c.name)
		require.Equal(t, c.code, e.Code, c.name)
		if c.status == http.StatusServiceUnavailable {
			require.Equal(t, []string{"0", "1", "2"}, seen.tries)
			require.NotEmpty(t, e.Response.Header.Get("Retry-After-Ms"))
		}
	}
}

// An engine that is full costs nothing, so that SDKs try again: two engines are in
// the way of the third try at most.
func testBusy(t *testing.T, a *app) {
	secret, id := a.key(t, api.Limits{})
	var seen thrice
	answer, err := a.sdk(option.WithAPIKey(secret), seen.option()).Chat.Completions.New(t.Context(), params(busy, "x"))
	require.NoError(t, err)
	require.NotEmpty(t, answer.Choices[0].Message.Content)
	require.Greater(t, len(seen.tries), 1)
	entries := a.usage(t, id)
	require.Len(t, entries, len(seen.tries))
	last := entries[len(entries)-1]
	require.Equal(t, "ok", last.Outcome)
	require.Equal(t, last.Cost, cost(t, entries))
}

func testOdd(t *testing.T, a *app) {
	for range 4 {
		stream, text := a.sdk().Chat.Completions.NewStreaming(t.Context(), params(odd, "x")), ""
		for stream.Next() {
			for _, c := range stream.Current().Choices {
				text += c.Delta.Content
			}
		}
		require.NoError(t, stream.Err())
		require.Contains(t, text, "not a language model")
	}
}

// After the first token no other worker goes on: the stream ends with an error
// that says so, and what came is paid.
func testCut(t *testing.T, a *app) {
	secret, id := a.key(t, api.Limits{})
	var seen thrice
	c := a.sdk(option.WithAPIKey(secret), seen.option())
	stream, got := c.Chat.Completions.NewStreaming(t.Context(), params(cut, "x")), 0
	for stream.Next() {
		got++
	}
	require.NotZero(t, got)
	var cutShort *ssestream.StreamError
	require.ErrorAs(t, stream.Err(), &cutShort)
	require.Contains(t, cutShort.Message, "engine_error")
	_, err := c.Chat.Completions.New(t.Context(), params(cut, "x"))
	var e *openai.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, http.StatusBadGateway, e.StatusCode)
	require.Equal(t, "false", e.Response.Header.Get("X-Should-Retry"), "it was billed")
	require.Len(t, seen.tries, 2, "once each")
	raw := a.raw(t, secret, `{"model":"`+cut+`","stream":true,"messages":[{"role":"user","content":"x"}]}`)
	require.Contains(t, raw, `"error":{`)
	require.NotContains(t, raw, "[DONE]")
	for _, e := range a.usage(t, id) {
		require.Equal(t, "engine_error", e.Outcome)
		require.False(t, e.Cost.IsZero())
		require.LessOrEqual(t, e.Usage.Completion, uint64(16), "what came, rounded up")
	}
}

// post asks without an SDK.
func (a *app) post(t *testing.T, secret, body string, edit func(*http.Request)) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/chat/completions", strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	if edit != nil {
		edit(r)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func (a *app) raw(t *testing.T, secret, body string) string {
	t.Helper()
	raw, err := io.ReadAll(a.post(t, secret, body, nil).Body) //nolint:bodyclose // post has it closed
	require.NoError(t, err)
	return string(raw)
}

// Whoever leaves, by a cancel or by not reading on, stops the engine, and pays
// what had come.
func testLeaving(t *testing.T, slowly *engine.Engine, a *app) {
	secret, id := a.key(t, api.Limits{})
	before := slowly.Counters().Cancelled
	c := a.sdk(option.WithAPIKey(secret))
	ctx, cancel := context.WithCancel(t.Context())
	stream := c.Chat.Completions.NewStreaming(ctx, params(slow, "x"))
	require.True(t, stream.Next())
	cancel()
	for stream.Next() {
	}
	require.ErrorIs(t, stream.Err(), context.Canceled)
	stream = c.Chat.Completions.NewStreaming(t.Context(), params(slow, "x"))
	require.True(t, stream.Next())
	require.NoError(t, stream.Close())
	require.Eventually(t, func() bool { return len(a.usage(t, id)) == 2 }, wait, tick)
	require.Eventually(t, func() bool { return slowly.Counters().Cancelled >= before+2 }, wait, tick)
	for _, e := range a.usage(t, id) {
		require.Equal(t, "cancelled", e.Outcome)
		require.Less(t, e.Usage.Completion, uint64(60_000))
	}
}

// An application that reads slowly gets all of it.
func testUnread(t *testing.T, a *app) {
	p := params(chat, "x")
	p.SetExtraFields(map[string]any{"min_tokens": 4000, "ignore_eos": true})
	p.MaxCompletionTokens = param.NewOpt(int64(4000))
	p.StreamOptions.IncludeUsage = param.NewOpt(true)
	raw, err := json.Marshal(p)
	require.NoError(t, err)
	body := a.post(t, a.secret, strings.Replace(string(raw), "{", `{"stream":true,`, 1), nil).Body //nolint:bodyclose // post has it closed
	var got bytes.Buffer
	for err == nil {
		_, err = io.CopyN(&got, body, 1000) // a little at a time, so that what is not read piles up on the way
	}
	require.ErrorIs(t, err, io.EOF)
	require.Contains(t, got.String(), `"completion_tokens":4000`)
	require.True(t, strings.HasSuffix(got.String(), "data: [DONE]\n\n"))
}

// While nothing comes, comments tell that the connection lives; SDKs skip them.
func testSilence(t *testing.T, a *app) {
	raw := a.raw(t, a.secret, `{"model":"`+dull+`","stream":true,"messages":[{"role":"user","content":"x"}]}`)
	require.True(t, strings.HasPrefix(raw, ": keep-alive\n\n"), raw)
	require.True(t, strings.HasSuffix(raw, "data: [DONE]\n\n"), raw)
	stream, said := a.sdk().Chat.Completions.NewStreaming(t.Context(), params(dull, "x")), ""
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			said += c.Delta.Content
		}
	}
	require.NoError(t, stream.Err())
	require.Contains(t, said, "not a language model")
}

// What a channel does not pay for is refused by its code, and asked once: it would be
// refused again.
func testShort(t *testing.T, a *app) {
	var seen thrice
	p := params(chat, "x")
	p.N = param.NewOpt(int64(128))
	_, err := a.sdk(seen.option()).Chat.Completions.New(t.Context(), p)
	var e *openai.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, http.StatusPaymentRequired, e.StatusCode)
	require.Equal(t, "voucher_required", e.Code)
	require.Equal(t, []string{"0"}, seen.tries)
}

// Eight equal requests at once are eight questions, and paid as eight.
func testEight(t *testing.T, a *app) {
	secret, id := a.key(t, api.Limits{})
	var g errgroup.Group
	requests := make([]string, 8)
	for i := range requests {
		g.Go(func() error {
			var answer *http.Response
			_, err := a.sdk(option.WithAPIKey(secret)).Chat.Completions.New(t.Context(), params(chat, "eight"), option.WithResponseInto(&answer))
			if err == nil {
				requests[i] = answer.Header.Get("X-Cocoon-Request")
			}
			return err
		})
	}
	require.NoError(t, g.Wait())
	different := map[string]bool{}
	for _, r := range requests {
		different[r] = true
	}
	require.Len(t, different, 8)
	entries := a.bought(t, id)
	require.Len(t, entries, 8)
	eight, err := entries[0].Cost.Mul(8)
	require.NoError(t, err)
	require.False(t, eight.IsZero())
	require.Equal(t, eight, cost(t, entries))
}

// A finished answer that did not arrive is given to the retry, and billed once.
func testRetries(t *testing.T, a *app) {
	for _, stream := range []bool{false, true} {
		secret, id := a.key(t, api.Limits{})
		lossy := httptest.NewServer(&loses{next: a.daemon.Handler()})
		t.Cleanup(lossy.Close)
		var seen thrice
		c := a.sdk(option.WithAPIKey(secret), option.WithBaseURL(lossy.URL+"/v1"), seen.option())
		if stream {
			s := c.Chat.Completions.NewStreaming(t.Context(), params(chat, "retry"))
			for s.Next() {
			}
			require.NoError(t, s.Err())
		} else {
			_, err := c.Chat.Completions.New(t.Context(), params(chat, "retry"))
			require.NoError(t, err)
		}
		require.Equal(t, []string{"0", "1"}, seen.tries)
		require.Len(t, a.bought(t, id), 1, "stream %v", stream)
	}
	secret, id := a.key(t, api.Limits{})
	c, texts := a.sdk(option.WithAPIKey(secret), option.WithHeader("Idempotency-Key", "one")), map[string]bool{}
	for range 3 {
		answer, err := c.Chat.Completions.New(t.Context(), params(chat, "retry"))
		require.NoError(t, err)
		texts[answer.RawJSON()] = true
	}
	require.Len(t, texts, 1)
	require.Len(t, a.bought(t, id), 1)
}

// loses breaks the first connection when its answer is whole.
type loses struct {
	next http.Handler
	once sync.Once
}

func (l *loses) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first := false
	l.once.Do(func() { first = true })
	if !first {
		l.next.ServeHTTP(w, r)
		return
	}
	l.next.ServeHTTP(&torn{header: http.Header{}}, r)
	panic(http.ErrAbortHandler)
}

// torn is a connection that takes what comes, signs of life too, but for the end of an
// answer.
type torn struct{ header http.Header }

func (c *torn) Header() http.Header { return c.header }
func (c *torn) WriteHeader(int)     {}
func (c *torn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("[DONE]")) || !bytes.HasPrefix(b, []byte("data: ")) && !bytes.HasPrefix(b, []byte(": ")) {
		return 0, errors.New("the connection is torn")
	}
	return len(b), nil
}

func testPages(t *testing.T, a *app) {
	ask := `{"model":"` + chat + `","messages":[{"role":"user","content":"x"}]}`
	for name, c := range map[string]struct {
		secret string
		edit   func(*http.Request)
		status int
	}{
		"without a key": {"", func(r *http.Request) { r.Header.Set("Origin", "https://page.example") }, 403},
		"as text, without a key": {"", func(r *http.Request) {
			r.Header.Set("Origin", "https://page.example")
			r.Header.Set("Content-Type", "text/plain")
		}, 403},
		"with one":             {a.secret, func(r *http.Request) { r.Header.Set("Origin", "https://page.example") }, 403},
		"by its site":          {a.secret, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"by a name it made up": {a.secret, func(r *http.Request) { r.Host = "page.example" }, 403},
		"nobody":               {"", nil, 401},
	} {
		answer := a.post(t, c.secret, ask, c.edit) //nolint:bodyclose // post has it closed
		require.Equal(t, c.status, answer.StatusCode, name)
		require.Empty(t, answer.Header.Get("Access-Control-Allow-Origin"), name)
		var e struct {
			Error struct{ Code string }
		}
		require.NoError(t, json.NewDecoder(answer.Body).Decode(&e), name)
		require.NotEmpty(t, e.Error.Code, name)
	}
}

// A request that sets no limit is let run as far as the channel pays.
func testSmallChannel(t *testing.T, a *app) {
	var answer *http.Response
	said, err := a.sdk().Chat.Completions.New(t.Context(), params(chat, "no limit"), option.WithResponseInto(&answer))
	require.NoError(t, err)
	require.Equal(t, "stop", said.Choices[0].FinishReason)
	told, err := strconv.ParseUint(answer.Header.Get("X-Cocoon-Cost-Nano"), 10, 64)
	require.NoError(t, err)
	require.Equal(t, cocoon.NanoOf(told), cost(t, a.usage(t, "")))
	a.settles(t)
}
