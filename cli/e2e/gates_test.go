package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"os/exec"
)

// gates hold requests back at engines until a test lets them on.
type gates struct {
	asked   map[string]chan string   // by model: whose engine has a request
	release map[string]chan struct{} // by owner; a message lets one request on
	victims map[string]*exec.Cmd     // workers that are killed, by owner
}

func newGates() *gates {
	g := &gates{asked: map[string]chan string{gated: make(chan string, 16), kill: make(chan string, 16)}, release: map[string]chan struct{}{}}
	for _, name := range []string{"alice", "bob", "either"} {
		g.release[name] = make(chan struct{})
	}
	return g
}

// door is an engine behind a gate.
func (g *gates) door(model, name string, e http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body) // from then on the server notices that the client went away
			if err != nil {
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			g.asked[model] <- name
			select {
			case <-g.release[name]:
			case <-r.Context().Done():
				return
			}
		}
		e.ServeHTTP(w, r)
	})
}
