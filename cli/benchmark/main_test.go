package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if role := roleOf(os.Args); role != "" {
		os.Exit(play(role, os.Args[2:]))
	}
	os.Exit(m.Run())
}

// Every side carries whole answers, or run fails; what the figures are, a busy
// machine decides.
func TestRun_EverySideCarriesWholeAnswers(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the time of processes is read from /proc")
	}
	o := defaults()
	o.rounds, o.burst, o.paced, o.streams, o.tokens, o.pace, o.blockTime = 1, 100*time.Millisecond, 100*time.Millisecond, 4, 20, time.Millisecond, 50*time.Millisecond
	f, err := run(context.Background(), o)
	require.NoError(t, err)
	for name, ratio := range map[string]float64{"1 at a time": f.Burst1, "16": f.Burst16, "64": f.Burst64, "1 in process": f.InProcess1, "16 in process": f.InProcess16, "64 in process": f.InProcess64,
		"1 bare": f.Bare1, "16 bare": f.Bare16, "64 bare": f.Bare64} {
		require.Positive(t, ratio, name)
	}
}

// newEngine answers with another number of tokens than it is asked for.
func newEngine(t *testing.T, tokens func(asked int) int) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := asked{}
		if json.NewDecoder(r.Body).Decode(&a) == nil {
			a.MaxTokens = tokens(a.MaxTokens)
			a.answer(r.Context(), w)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestTurn_AnAnswerThatIsCutFails(t *testing.T) {
	t.Parallel()
	e := newEngine(t, func(n int) int { return n - 1 })
	_, err := turn{URL: e.URL, Streams: 2, For: 20 * time.Millisecond, Tokens: 5}.play(t.Context(), e.Client())
	require.ErrorContains(t, err, "an answer of 4 tokens, not 5")
	e = newEngine(t, func(n int) int { return n })
	o, err := turn{URL: e.URL, Streams: 2, For: 20 * time.Millisecond, Tokens: 5}.play(t.Context(), e.Client())
	require.NoError(t, err)
	require.Equal(t, 0, o.Tokens%5)
	require.Positive(t, o.TTFT)
}
