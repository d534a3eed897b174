package e2e_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/client/api"
)

// wire is the way of a worker to its dispatcher, that may break.
type wire struct {
	to     string
	listen net.Listener

	mu    sync.Mutex
	conns []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	v := &wire{to: to, listen: l}
	go v.serve()
	t.Cleanup(func() { _ = l.Close(); v.cut() })
	return v
}

func (v *wire) url() string { return "nats://" + v.listen.Addr().String() }

func (v *wire) serve() {
	for {
		near, err := v.listen.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		far, err := net.Dial("tcp", v.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		v.mu.Lock()
		v.conns = append(v.conns, near, far)
		v.mu.Unlock()
		for from, to := range map[net.Conn]net.Conn{near: far, far: near} {
			go func() {
				_, _ = io.Copy(to, from)
				_, _ = to.Close(), from.Close()
			}()
		}
	}
}

// cut ends all connections; others may follow.
func (v *wire) cut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.conns {
		_ = c.Close()
	}
	v.conns = nil
}

// A worker whose connection breaks amid an answer goes on where it was, and its
// application notices nothing.
func testWire(t *testing.T, broken *wire, a *app) {
	p := params(wired, "x")
	require.Eventually(t, func() bool {
		first := p
		first.MaxTokens = param.NewOpt(int64(1))
		_, err := a.sdk(option.WithMaxRetries(0)).Chat.Completions.New(t.Context(), first)
		return err == nil
	}, wait, tick, "its worker is let in")
	secret, id := a.key(t, api.Limits{})
	p.StreamOptions.IncludeUsage = param.NewOpt(true)
	stream := a.sdk(option.WithAPIKey(secret), option.WithMaxRetries(0)).Chat.Completions.NewStreaming(t.Context(), p)
	chunks, tokens := 0, int64(0)
	for ; stream.Next(); chunks++ {
		if chunks == 20 || chunks == 200 {
			broken.cut()
		}
		tokens = stream.Current().Usage.CompletionTokens
	}
	require.NoError(t, stream.Err())
	require.EqualValues(t, wiredAnswer, tokens)
	require.Greater(t, chunks, 200, "it broke twice")
	entries := a.usage(t, id)
	require.Len(t, entries, 1)
	require.Equal(t, 1, entries[0].Attempts)
	fair, err := price.Cost(entries[0].Usage)
	require.NoError(t, err)
	require.Equal(t, fair, entries[0].Cost, "and is billed as any other")
}
