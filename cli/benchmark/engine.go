package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// What the engine's chunks are made of: about 230 bytes each, as of real engines.
const (
	chunkHead = `data: {"id":"chatcmpl-7f3a9c1e5b2d4f60","object":"chat.completion.chunk","created":1700000000,"model":"cocoon/benchmark","system_fingerprint":"fp_bench",`
	chunkRole = chunkHead + `"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]`
	chunkText = chunkHead + `"choices":[{"index":0,"delta":{"content":" `
	chunkRest = `"},"logprobs":null,"finish_reason":null}]`
	chunkEnd  = chunkHead + `"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]`
	chunkLast = chunkHead + `"choices":[]`
	// stampMark is before the time at which a token was made, unix microseconds.
	stampMark = `"delta":{"content":" `
)

// asked is what the engine reads of a request. The pace is a field that nobody
// on the way knows.
type asked struct {
	MaxTokens int   `json:"max_tokens"`
	Pace      int64 `json:"pace_us"` // microseconds between tokens; 0 is at once
	Options   struct {
		Usage      bool `json:"include_usage"`
		Continuous bool `json:"continuous_usage_stats"`
	} `json:"stream_options"`
	Messages []struct {
		Content string `json:"content"`
	} `json:"messages"`
}

// serveEngine streams answers of prepared chunks: what is measured is the way to
// the application, not the making of tokens. Each token says when it was made.
func serveEngine(ctx context.Context, _ []string) error {
	return serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet { // a worker asks how it is
			fmt.Fprintln(w, `{"object":"list","data":[{"id":"any","object":"model"}]}`)
			return
		}
		var a asked
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil || len(a.Messages) == 0 {
			http.Error(w, `{"error":{"message":"not a chat","type":"invalid_request_error"}}`, http.StatusBadRequest)
			return
		}
		a.answer(r.Context(), w)
	}))
}

func (a *asked) answer(ctx context.Context, w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	rc, start, prompt := http.NewResponseController(w), time.Now(), len(a.Messages[0].Content)/4
	var b bytes.Buffer
	end := func(tokens int, always bool) {
		if a.Options.Continuous || always && a.Options.Usage {
			fmt.Fprintf(&b, `,"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, prompt, tokens, prompt+tokens)
		}
		b.WriteString("}\n\n")
	}
	send := func() bool {
		_, err := w.Write(b.Bytes())
		b.Reset()
		return err == nil && rc.Flush() == nil
	}
	b.WriteString(chunkRole)
	end(0, false)
	for i := 1; i <= a.MaxTokens; i++ {
		time.Sleep(time.Until(start.Add(time.Duration(i-1) * time.Duration(a.Pace) * time.Microsecond)))
		b.WriteString(chunkText)
		b.Write(strconv.AppendInt(nil, time.Now().UnixMicro(), 10))
		b.WriteString(chunkRest)
		if end(i, false); ctx.Err() != nil || !send() {
			return
		}
	}
	b.WriteString(chunkEnd)
	end(a.MaxTokens, false)
	b.WriteString(chunkLast)
	end(a.MaxTokens, true)
	b.WriteString("data: [DONE]\n\n")
	send()
}
