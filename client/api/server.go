package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/openai"
)

// Server is the API. It is an http.Handler; Listen and Run serve it.
type Server struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	keys    *keyring
	books   *books
	runs    *runs
	origins *http.CrossOriginProtection
	mux     *http.ServeMux
	ln      net.Listener
}

// New opens keys and ledger. Close gives the ledger back.
func New(cfg Config, deps Deps) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.After == nil {
		deps.After = time.After
	}
	if deps.Random == nil {
		deps.Random = rand.Reader
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, deps: deps, log: deps.Logger, keys: &keyring{dir: cfg.Keys}, origins: http.NewCrossOriginProtection()}
	if _, err := s.keys.all(); err != nil {
		return nil, cocoon.WithHint(err, "make one with cocoon client init")
	}
	l, err := openLedger(cfg.Ledger, deps.Now())
	if err != nil {
		return nil, err
	}
	s.books = &books{now: deps.Now, ledger: l, accounts: map[string]*account{}}
	s.runs = newRuns(cfg, deps.Now)
	s.route()
	return s, nil
}

// handler answers a request that bears key.
type handler func(w http.ResponseWriter, r *http.Request, key Key)

func (s *Server) route() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		s.refuse(w, &Error{Code: CodeNoPath, Err: cocoon.NotFound.Errorf("the API has no such path")})
	})
	for path, h := range map[string]handler{"/v1/models": s.serveModels, "/v1/models/{id...}": s.serveModel} {
		s.handle(http.MethodGet, path, h)
	}
	for _, path := range openai.Endpoints {
		s.handle(http.MethodPost, path, func(w http.ResponseWriter, r *http.Request, key Key) { s.serveAsk(w, r, key, path) })
	}
}

// handle serves path by one method and says of others which it would be.
func (s *Server) handle(method, path string, h handler) {
	s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			s.refuse(w, &Error{Code: CodeMethod, Err: cocoon.Invalid.Errorf("this path is asked by %s", method)})
			return
		}
		h(w, r, r.Context().Value(keyOf{}).(Key))
	})
}

type keyOf struct{}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, err := s.guard(r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	s.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), keyOf{}, key)))
}

// refuse answers what never became a run.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	if codeOf(err) == CodeInternal {
		s.log.Error("request failed", "error", err)
	}
	fail(w, err, Bill{})
}

// serveAsk answers chat, completions and embeddings.
func (s *Server) serveAsk(w http.ResponseWriter, r *http.Request, key Key, endpoint string) {
	raw, err := s.readBody(w, r)
	var a ask
	if err == nil {
		a, err = parseAsk(endpoint, raw, s.cfg.Aliases)
	}
	id := make([]byte, 16)
	if err == nil {
		_, err = io.ReadFull(s.deps.Random, id)
	}
	if err != nil {
		s.refuse(w, err)
		return
	}
	req := s.request(a, key, "req_"+hex.EncodeToString(id))
	label := r.Header.Get("Idempotency-Key")
	if label != "" {
		label = key.ID + "\x00" + label
	}
	again := strings.TrimLeft(r.Header.Get("X-Stainless-Retry-Count"), "0") != ""
	run, fresh, err := s.runs.enter(req.ID, markOf(key.ID, endpoint, raw), label, again)
	if err != nil {
		s.refuse(w, err)
		return
	}
	w.Header().Set("X-Request-Id", run.id)
	if fresh {
		go s.carry(run, req, key)
	}
	write := s.object
	if a.stream {
		write = s.stream
	}
	delivered := false
	defer func() {
		run.leave(delivered)
		s.runs.settle(run)
	}()
	delivered = write(r.Context(), w, run, a)
}

func (s *Server) request(a ask, key Key, id string) Request {
	now := s.deps.Now()
	return Request{
		ID: id, Endpoint: a.endpoint, Model: a.model, Body: a.body, MaxOut: a.maxOut, Choices: a.choices, Key: key.ID,
		Affinity: affinity(s.cfg.AffinitySecret, a.conversation, key.ID, a.model, now), Deadline: now.Add(s.cfg.Deadline),
	}
}

// readBody reads JSON as it is, neither compressed nor of another type.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" || r.Header.Get("Content-Encoding") != "" {
		return nil, &Error{Code: CodeMediaType, Err: cocoon.WithHint(cocoon.Invalid.Errorf("the body must be JSON"), "send Content-Type: application/json, and do not compress")}
	}
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(s.cfg.ReadTimeout)) // lifted where the body ends; not every writer has a connection
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), believed)) + bytes.MinRead)
	_, err = body.ReadFrom(http.MaxBytesReader(w, r.Body, s.cfg.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &Error{Code: CodeTooLarge, Err: cocoon.Invalid.Errorf("the request has more than %d bytes", s.cfg.MaxBody)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &Error{Code: CodeTimeout, Err: cocoon.Unreachable.Errorf("the request did not arrive in %s", s.cfg.ReadTimeout)}
	case err != nil:
		return nil, invalid("", "the request was cut: %w", err)
	}
	return body.Bytes(), nil
}

// believed is for how many bytes of a body room is made before they come.
const believed = 64 << 10

// Listen binds the address; connections wait for Run.
func (s *Server) Listen() error {
	a, err := s.cfg.address()
	if err != nil {
		return err
	}
	if s.ln, err = net.ListenTCP("tcp", a); err != nil {
		return cocoon.WithHint(cocoon.Conflict.Errorf("listen on %s: %w", s.cfg.Listen, err), "does another daemon run here?")
	}
	return nil
}

// URL is the base URL that applications use. Listen must have succeeded.
func (s *Server) URL() string { return "http://" + s.ln.Addr().String() + "/v1" }

// Run serves until ctx ends; then open answers have Config.Drain to end, and are
// told that the daemon stops after it. It closes the ledger.
func (s *Server) Run(ctx context.Context) error {
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(s.ln) }()
	var err error
	select {
	case err = <-failed:
		err = fmt.Errorf("serve %s: %w", s.cfg.Listen, err)
	case <-ctx.Done():
		err = s.drain(srv)
	}
	return errors.Join(err, s.Close())
}

func (s *Server) drain(srv *http.Server) error {
	done := make(chan error, 1)
	go func() { done <- srv.Shutdown(context.Background()) }()
	select {
	case err := <-done:
		return err
	case <-s.deps.After(s.cfg.Drain):
	}
	s.runs.stop(errStopping)
	select {
	case err := <-done:
		return err
	case <-s.deps.After(s.cfg.WriteTimeout): // who does not read what it is told
		return srv.Close()
	}
}

// Close stops what runs, waits until it is billed and closes the ledger.
func (s *Server) Close() error {
	s.runs.close()
	s.books.mu.Lock()
	defer s.books.mu.Unlock()
	return s.books.ledger.close()
}
