package engine

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/openai"
)

func TestServer_CutsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	e, err := Open(Config{Faults: []Fault{{Kind: "hang"}}})
	require.NoError(t, err)
	s, err := Listen("127.0.0.1:0", e)
	require.NoError(t, err)
	s.drain = time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	done, cut := make(chan error, 1), make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	go func() {
		_, err := http.Post(s.URL()+openai.Completions, "application/json", strings.NewReader(`{"model":"m","prompt":"x"}`)) //nolint:bodyclose // there is none
		cut <- err
	}()
	require.Eventually(t, func() bool { return e.Counters().Running == 1 }, 10*time.Second, time.Millisecond)
	stop()
	require.NoError(t, <-done)
	require.Error(t, <-cut)
	require.Eventually(t, func() bool { return e.Counters().Cancelled == 1 }, 10*time.Second, time.Millisecond)
}
