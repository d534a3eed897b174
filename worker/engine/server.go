package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Server serves an engine over TCP.
type Server struct {
	listener net.Listener
	http     *http.Server
	drain    time.Duration
}

// Listen opens addr for e, as in "127.0.0.1:0": a free port on loopback. Nothing
// is answered before Run.
func Listen(addr string, e *Engine) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, cocoon.Unreachable.Errorf("listen for the built-in engine: %w", err)
	}
	return &Server{l, &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}, 5 * time.Second}, nil
}

// URL is where the engine answers, as an engine's URL is given to a worker.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Run serves until ctx ends, lets requests in progress finish for five seconds,
// cuts those that do not, and returns nil.
func (s *Server) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("built-in engine: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.drain)
	defer cancel()
	err := s.http.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if err != nil {
		return fmt.Errorf("stop the built-in engine: %w", err)
	}
	return nil
}
