package e2e_test

import (
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon/client/api"
)

// A worker that is killed before the first token is replaced and its application
// notices nothing; one that is killed after it ends the stream with an error.
func testKilled(t *testing.T, l *lab, a *app) {
	secret, id := a.key(t, api.Limits{})
	var seen thrice
	c := a.sdk(option.WithAPIKey(secret), seen.option())
	gates, other := l.gates, map[string]string{"alice": "bob", "bob": "alice"}
	var g errgroup.Group
	g.Go(func() error {
		_, err := c.Chat.Completions.New(t.Context(), params(kill, "before"))
		return err
	})
	first := gates.next(t)
	require.NoError(t, l.victims[first].Process.Kill())
	require.Equal(t, other[first], gates.next(t), "the other owner's worker has it now")
	gates.let(t, other[first])
	require.NoError(t, g.Wait())
	require.Len(t, seen.tries, 1, "the SDK had nothing to repeat")
	entries := a.usage(t, id)
	require.Len(t, entries, 1)
	require.Equal(t, 2, entries[0].Attempts)
	fair, err := price.Cost(entries[0].Usage)
	require.NoError(t, err)
	require.Equal(t, fair, entries[0].Cost, "for the one that answered")

	streams := make(chan *ssestream.Stream[openai.ChatCompletionChunk], 1)
	go func() { streams <- c.Chat.Completions.NewStreaming(t.Context(), params(kill, "after")) }()
	gates.let(t, gates.next(t))
	stream := <-streams
	require.True(t, stream.Next())
	require.NoError(t, l.victims[other[first]].Process.Kill())
	for stream.Next() {
	}
	var lost *ssestream.StreamError
	require.ErrorAs(t, stream.Err(), &lost)
	require.Contains(t, lost.Message, "worker_lost")
	require.Len(t, seen.tries, 2)
	require.Len(t, a.usage(t, id), 2)
	require.Equal(t, "worker_lost", a.usage(t, id)[1].Outcome)
}
