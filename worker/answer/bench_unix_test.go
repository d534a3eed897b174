//go:build unix

package answer_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/worker/answer"
)

const (
	benchStreams = 64
	benchTokens  = 100
	benchPace    = 10 * time.Millisecond
)

// paced is an engine that answers a token every benchPace.
func paced() http.HandlerFunc {
	return tokens(benchTokens, true, func(int, *http.Request) { time.Sleep(benchPace) })
}

// cpu is what this process used so far.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAnswer is the CPU of 100 tokens, 64 streams together: of the engine and
// a plain reader alone, and with a worker between, that seals frames with a window and without.
func BenchmarkAnswer(b *testing.B) {
	b.Run("plain", func(b *testing.B) {
		e := httptest.NewServer(paced())
		defer e.Close()
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchStreams}}
		measure(b, func() error {
			resp, err := client.Post(e.URL, "application/json", bytes.NewReader([]byte(chat(""))))
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		})
	})
	for _, window := range []time.Duration{50 * time.Millisecond, 0} {
		b.Run(fmt.Sprintf("window=%s", window), func(b *testing.B) {
			w := newWorld(b)
			w.cfg.Window, w.cfg.Linger, w.slots = window, time.Millisecond, make(chan struct{}, benchStreams)
			w.light = true
			w.engineIs(paced())
			w.start()
			measure(b, func() error {
				r := w.newRequest(stream.Chat, chat(""))
				done := w.billed(r)
				if _, f := w.order(r); f != nil {
					return f
				}
				select {
				case <-done:
					return nil
				case <-time.After(wait):
					return cocoon.Internal.Errorf("no receipt")
				}
			})
		})
	}
}

// BenchmarkAnswer1 is one answer at a time: 100 tokens as fast as they can be, to a
// prompt of 4 KiB. The engine allocates nothing, and its prompt is sealed before.
func BenchmarkAnswer1(b *testing.B) {
	const ahead = 50
	w := newWorld(b)
	w.cfg.Window, w.cfg.Linger, w.cfg.Repeat = answer.DefaultConfig().Window, answer.DefaultConfig().Linger, answer.DefaultConfig().Repeat
	w.light, w.engineURL = true, bursting(b)
	w.start()
	prompt := chat(fmt.Sprintf(`,"vendor":%q`, strings.Repeat("four", 1<<10)))
	var requests []*request
	var sealing time.Duration
	start := cpu(b)
	b.ReportAllocs()
	for b.Loop() {
		if len(requests) == 0 {
			b.StopTimer()
			before := cpu(b)
			for range ahead {
				requests = append(requests, w.newRequest(stream.Chat, prompt))
			}
			sealing += cpu(b) - before
			b.StartTimer()
		}
		r := requests[0]
		requests = requests[1:]
		done := w.billed(r)
		w.taken(r)
		<-done
	}
	b.ReportMetric(float64((cpu(b)-start-sealing)/time.Microsecond)/float64(b.N), "cpu-us/op")
}

// bursting is the URL of an engine that answers everything with the same tokens, a write for each.
func bursting(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { _ = l.Close() })
	chunks := [][]byte{[]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")}
	for i := range benchTokens {
		event := fmt.Sprintf(`data: {"id":"chatcmpl-7f3a9c1e5b2d4f60","object":"chat.completion.chunk","created":1700000000,"model":%q,"system_fingerprint":"fp_bench",`+
			`"choices":[{"index":0,"delta":{"content":" t%d"},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":1024,"completion_tokens":%d,"total_tokens":%d}}`+"\n\n", model, i, i+1, i+1025)
		chunks = append(chunks, fmt.Appendf(nil, "%x\r\n%s\r\n", len(event), event))
	}
	chunks = append(chunks, []byte("e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"))
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for from := bufio.NewReader(c); ; {
					r, err := http.ReadRequest(from)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					for _, chunk := range chunks {
						_, _ = c.Write(chunk)
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// measure runs benchStreams of ask at a time and reports their CPU.
func measure(b *testing.B, ask func() error) {
	start := cpu(b)
	for b.Loop() {
		var group errgroup.Group
		for range benchStreams {
			group.Go(ask)
		}
		require.NoError(b, group.Wait())
	}
	perStream := float64(cpu(b)-start) / float64(b.N*benchStreams)
	b.ReportMetric(perStream/float64(time.Millisecond)*100/benchTokens, "cpu-ms/100tokens")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkCancel is how long after a client's cancel the engine's request ends.
func BenchmarkCancel(b *testing.B) {
	w := newWorld(b)
	w.light = true
	asked, ended := make(chan struct{}), make(chan time.Time)
	w.engineIs(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		rw.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(rw).Flush()
		asked <- struct{}{}
		<-r.Context().Done()
		ended <- time.Now()
	})
	w.start()
	var took []time.Duration
	for b.Loop() {
		r := w.newRequest(stream.Chat, chat(""))
		billed := w.billed(r)
		w.taken(r)
		<-asked
		start := time.Now()
		w.s.Handle(stream.CancelVerb, stream.Cancel{Request: r.Route.Request}.Bytes(), nil)
		took = append(took, (<-ended).Sub(start))
		<-billed
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1e3, "median-ms")
	b.ReportMetric(took[len(took)-1].Seconds()*1e3, "worst-ms")
	b.ReportMetric(0, "ns/op")
}
