package api_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/openai"
)

// reading is a stream that is read line by line.
type reading struct {
	resp *http.Response
	r    *bufio.Reader
}

// open200 starts a stream whose head comes with the first sign of life, after silence.
func (w *town) open200(body string, silence time.Duration) *reading {
	w.t.Helper()
	type result struct {
		resp *http.Response
		err  error
	}
	got := make(chan result, 1)
	r := w.ask(http.MethodPost, openai.Chat, body, nil)
	go func() {
		resp, err := http.DefaultClient.Do(r) //nolint:bodyclose // the end of the test does
		got <- result{resp, err}
	}()
	w.wake(silence)
	res := <-got
	require.NoError(w.t, res.err)
	require.Equal(w.t, http.StatusOK, res.resp.StatusCode)
	w.t.Cleanup(func() { _ = res.resp.Body.Close() })
	return &reading{res.resp, bufio.NewReader(res.resp.Body)}
}

// wake moves the clock by d once somebody waits for it.
func (w *town) wake(d time.Duration) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		w.clock.mu.Lock()
		defer w.clock.mu.Unlock()
		return len(w.clock.wakes) > 0
	}, 10*time.Second, time.Millisecond)
	w.clock.advance(d)
}

func (r *reading) next() (string, error) {
	for {
		line, err := r.r.ReadString('\n')
		if err != nil || line != "\n" {
			return strings.TrimSuffix(line, "\n"), err
		}
	}
}

func (r *reading) line(t *testing.T) string {
	t.Helper()
	line, err := r.next()
	require.NoError(t, err)
	return line
}
