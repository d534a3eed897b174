package session_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

const benchTokens = 100

// BenchmarkAnswer is one answer at a time as a fast engine's comes, with dispatcher and
// worker, who are in this process too.
func BenchmarkAnswer(b *testing.B) {
	const head = `{"id":"chatcmpl-7f3a9c1e5b2d4f60","object":"chat.completion.chunk","created":1700000000,"model":"Qwen/Qwen3-32B","system_fingerprint":"fp_bench",`
	var tokens []string
	for n := range benchTokens {
		tokens = append(tokens, fmt.Sprintf(`%s"choices":[{"index":0,"delta":{"content":" %d"},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":%d,"completion_tokens":%d}}`, head, n, promptTokens, min(n+1, outTokens)))
	}
	f := newFake(b, 3)
	f.serves(func(_ *fake, _ stream.Start, d *double) {
		d.took()
		d.send(d.frame(1, false, tokens[0]))
		d.send(d.frame(outTokens, true, append(tokens[1:], usageOf(outTokens), "[DONE]")...))
		d.final(nil)
	})
	c := f.client()
	body := []byte(`{"messages":[{"role":"user","content":"` + strings.Repeat(" What becomes of a caterpillar?", 4<<10/31) + `"}]}`)
	b.ReportAllocs()
	for b.Loop() {
		a, err := c.Start(b.Context(), api.Request{Endpoint: "/v1/chat/completions", Model: model, Body: body, Choices: 1, MaxOut: benchTokens, Deadline: time.Now().Add(time.Minute)})
		require.NoError(b, err)
		items, err := read(b.Context(), a)
		require.ErrorIs(b, err, io.EOF)
		require.Len(b, items, benchTokens+1)
		require.NoError(b, a.Close())
	}
}
