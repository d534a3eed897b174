package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// gates hold requests back at engines until a test lets them on.
type gates struct {
	asked   chan string              // whose engine has a request
	release map[string]chan struct{} // by owner; a message lets one request on
}

func newGates(owners ...string) *gates {
	g := &gates{asked: make(chan string, 16), release: map[string]chan struct{}{}}
	for _, o := range owners {
		g.release[o] = make(chan struct{})
	}
	return g
}

// next waits until an engine has a request, and says whose it is.
func (g *gates) next(t *testing.T) (owner string) {
	t.Helper()
	select {
	case owner = <-g.asked:
	case <-time.After(wait):
		require.FailNow(t, "no engine was asked")
	}
	return owner
}

// let lets the request on that owner's engine has.
func (g *gates) let(t *testing.T, owner string) {
	t.Helper()
	select {
	case g.release[owner] <- struct{}{}:
	case <-time.After(wait):
		require.FailNow(t, "the engine has no request any more")
	}
}

// door is an engine behind a gate.
func (g *gates) door(name string, e http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body) // from then on the server notices that the client went away
			if err != nil {
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			g.asked <- name
			select {
			case <-g.release[name]:
			case <-r.Context().Done():
				return
			}
		}
		e.ServeHTTP(w, r)
	})
}
