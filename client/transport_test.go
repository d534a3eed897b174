package client_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client"
	"github.com/cocoon-network/cocoon/client/api"
)

// echo answers each request with the words it was made with, one when it is asked
// for the next.
type echo struct {
	words chan string
	ended chan struct{}
}

func (e *echo) Models(context.Context) ([]api.Model, error) {
	return []api.Model{{Name: model}}, nil
}

func (e *echo) Reserve(context.Context, api.Request) (cocoon.Nano, error) {
	return cocoon.NanoOf(1), nil
}

func (e *echo) Start(context.Context, api.Request) (api.Answer, error) { return e, nil }

func (e *echo) Next(ctx context.Context) ([][]byte, error) {
	select {
	case word, ok := <-e.words:
		if !ok {
			return nil, io.EOF
		}
		return [][]byte{[]byte(`{"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"` + word + `"}}]}`)}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (e *echo) Reserved() cocoon.Nano { return cocoon.NanoOf(1) }
func (e *echo) Bill() api.Bill        { return api.Bill{} }
func (e *echo) Close() error          { close(e.ended); return nil }

func inProcess(t *testing.T) (*echo, http.Client, string) {
	t.Helper()
	cfg := api.DefaultConfig()
	cfg.Keys, cfg.Ledger = t.TempDir(), t.TempDir()
	_, key, err := api.NewKey(cfg.Keys, "test", api.Limits{}, rand.Reader, time.Now())
	require.NoError(t, err)
	e := &echo{words: make(chan string, 1), ended: make(chan struct{})}
	s, err := api.New(cfg, api.Deps{Backend: e})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return e, http.Client{Transport: client.Transport{Handler: s}}, key
}

var hello = openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hello")}}

func TestTransport_StreamsWithoutADaemon(t *testing.T) {
	t.Parallel()
	e, http, key := inProcess(t)
	sdk := openai.NewClient(option.WithHTTPClient(&http), option.WithAPIKey(key))
	e.words <- "one" // no header is written before
	stream := sdk.Chat.Completions.NewStreaming(t.Context(), hello)
	for i, word := range []string{"one", "two", "three"} {
		if i > 0 {
			e.words <- word // it is not made before the last was read
		}
		require.True(t, stream.Next(), "%v", stream.Err())
		require.Equal(t, word, stream.Current().Choices[0].Delta.Content)
	}
	close(e.words)
	require.False(t, stream.Next())
	require.NoError(t, stream.Err())
}

func TestTransport_ClosingTheBodyCancels(t *testing.T) {
	t.Parallel()
	e, http, key := inProcess(t)
	sdk := openai.NewClient(option.WithHTTPClient(&http), option.WithAPIKey(key))
	e.words <- "one"
	stream := sdk.Chat.Completions.NewStreaming(t.Context(), hello)
	require.True(t, stream.Next())
	require.NoError(t, stream.Close())
	select {
	case <-e.ended:
	case <-time.After(wait):
		require.Fail(t, "the answer was not cancelled")
	}
}

func TestTransport_RefusesAsTheDaemonDoes(t *testing.T) {
	t.Parallel()
	_, http, _ := inProcess(t)
	sdk := openai.NewClient(option.WithHTTPClient(&http), option.WithAPIKey("wrong"), option.WithMaxRetries(0))
	_, err := sdk.Chat.Completions.New(t.Context(), hello)
	var e *openai.Error
	require.True(t, errors.As(err, &e))
	require.Equal(t, 401, e.StatusCode)
}
