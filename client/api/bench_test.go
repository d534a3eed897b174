package api_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
)

const (
	benchTokens = 100
	benchPrompt = 4 << 10 // bytes
)

// fast is an answer as a fast engine's comes: its first token, all the others, its end.
type fast struct {
	batches [][][]byte
	bill    api.Bill
}

func newFast() *fast {
	const head = `{"id":"chatcmpl-7f3a9c1e5b2d4f60","object":"chat.completion.chunk","created":1700000000,"model":"Qwen/Qwen3-32B","system_fingerprint":"fp_bench",`
	chunk := func(choices string, out int) []byte {
		return fmt.Appendf(nil, `%s"choices":[%s],"usage":{"prompt_tokens":1024,"completion_tokens":%d,"total_tokens":%d}}`, head, choices, out, 1024+out)
	}
	token := func(n int) []byte {
		return chunk(fmt.Sprintf(`{"index":0,"delta":{"content":" %d"},"logprobs":null,"finish_reason":null}`, 1700000000000000+n), n)
	}
	f := &fast{batches: [][][]byte{{chunk(`{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}`, 0), token(1)}, {}, {}}}
	for n := 2; n <= benchTokens; n++ {
		f.batches[1] = append(f.batches[1], token(n))
	}
	f.batches[2] = [][]byte{chunk(`{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}`, benchTokens), chunk("", benchTokens)}
	f.bill = billOf(string(f.batches[2][1]))
	return f
}

func (f *fast) Next(context.Context) ([][]byte, error) {
	batch := f.batches[0]
	if f.batches = f.batches[1:]; len(f.batches) == 0 {
		return batch, io.EOF
	}
	return batch, nil
}

func (f *fast) Reserved() cocoon.Nano { return f.bill.Cost }
func (f *fast) Bill() api.Bill        { return f.bill }
func (f *fast) Close() error          { return nil }

// backend answers every request so.
func (f *fast) backend() *backend {
	return &backend{reserve: f.bill.Cost, start: func(context.Context, api.Request) (api.Answer, error) {
		again := *f
		return &again, nil
	}}
}

// BenchmarkServeHTTP is one answer at a time, streamed, all of it but the network.
func BenchmarkServeHTTP(b *testing.B) {
	w := newTown(b, newFast().backend(), nil)
	body := fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":%q}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":%d}`, strings.Repeat(" What becomes of a caterpillar?", benchPrompt/31), benchTokens)
	b.ReportAllocs()
	for b.Loop() {
		require.Greater(b, w.serve(body).bytes, benchTokens*200)
	}
}
