package api_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/worker/engine"
)

// price is what every backend here asks: a token out costs ten in.
var price = cocoon.Price{Prompt: cocoon.NanoOf(1_000_000), Completion: cocoon.NanoOf(10_000_000), Reasoning: cocoon.NanoOf(10_000_000)}

// backend is a market of one worker whose answers start makes.
type backend struct {
	start   func(ctx context.Context, r api.Request) (api.Answer, error)
	reserve cocoon.Nano
	workers map[string]uint32 // by model, where that is known
	started atomic.Int64
	seen    chan api.Request // room for what a test asks
	gone    chan struct{}    // closed when the first application was seen to leave, where it matters
}

func (b *backend) Models(context.Context) ([]api.Model, error) {
	models := []api.Model{
		{Name: "m", Created: time.Unix(1700000000, 0), Owner: "0:01", Context: 4096, Price: price},
		{Name: "lab/other", Created: time.Unix(1700000001, 0), Owner: "0:02", Price: price},
	}
	for i := range models {
		if n, known := b.workers[models[i].Name]; known {
			models[i].Workers = &n
		}
	}
	return models, nil
}

func (b *backend) Reserve(_ context.Context, r api.Request) (cocoon.Nano, error) {
	if r.Model != "m" && r.Model != "lab/other" {
		return cocoon.Nano{}, cocoon.NotFound.Errorf("no worker serves this model")
	}
	return b.reserve, nil
}

func (b *backend) Start(ctx context.Context, r api.Request) (api.Answer, error) {
	b.started.Add(1)
	select {
	case b.seen <- r:
	default:
	}
	return b.start(ctx, r)
}

// script is an answer: its chunks, each when gate lets it where there is one,
// then end, io.EOF by default.
type script struct {
	chunks   []string
	together bool // all chunks come at once, and the end with them
	gate     chan struct{}
	end      error
	bill     api.Bill
	raise    cocoon.Nano // added to what is reserved with every chunk
	reserve  cocoon.Nano
	closed   chan struct{}
	once     sync.Once
}

func (s *script) Next(ctx context.Context) ([][]byte, error) {
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if len(s.chunks) == 0 {
		if s.end != nil {
			return nil, s.end
		}
		return nil, io.EOF
	}
	n := 1
	if s.together {
		n = len(s.chunks)
	}
	var some [][]byte
	for _, c := range s.chunks[:n] {
		some = append(some, []byte(c))
	}
	s.chunks = s.chunks[n:]
	s.reserve, _ = s.reserve.Add(s.raise)
	if s.together {
		return some, cmp.Or(s.end, io.EOF)
	}
	return some, nil
}

func (s *script) Reserved() cocoon.Nano { return s.reserve }
func (s *script) Bill() api.Bill        { return s.bill }

func (s *script) Close() error {
	s.once.Do(func() {
		if s.closed != nil {
			close(s.closed)
		}
	})
	return nil
}

// scripted answers every request with what next makes.
func scripted(next func(r api.Request) *script) *backend {
	return &backend{seen: make(chan api.Request, 64), start: func(_ context.Context, r api.Request) (api.Answer, error) { return next(r), nil }}
}

// refusing answers none.
func refusing(err error) *backend {
	return &backend{seen: make(chan api.Request, 64), start: func(context.Context, api.Request) (api.Answer, error) { return nil, err }}
}

// onEngine answers as the house's engine does.
func onEngine() *backend { return backedBy(engine.New("m", "lab/other")) }

func backedBy(e *engine.Engine) *backend {
	return &backend{seen: make(chan api.Request, 64), start: func(_ context.Context, r api.Request) (api.Answer, error) {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(http.MethodPost, r.Endpoint, bytes.NewReader(r.Body)))
		if w.Code != http.StatusOK {
			return nil, &api.Refusal{Status: w.Code, Body: w.Body.Bytes()}
		}
		return parseStream(w.Body.String()), nil
	}}
}

func parseStream(raw string) *script {
	s := &script{}
	if !strings.HasPrefix(raw, "data: ") {
		s.chunks = []string{strings.TrimSpace(raw)}
	}
	for _, event := range strings.Split(strings.TrimSuffix(raw, "\n\n"), "\n\n") {
		if data, ok := strings.CutPrefix(event, "data: "); ok && data != "[DONE]" {
			s.chunks = append(s.chunks, data)
		}
	}
	s.bill = billOf(s.chunks[len(s.chunks)-1])
	return s
}

func billOf(chunk string) api.Bill {
	u, err := openai.ParseUsage([]byte(chunk))
	if err != nil {
		panic(err)
	}
	cost, err := price.Cost(u)
	if err != nil {
		panic(err)
	}
	return api.Bill{Usage: u, Cost: cost, Request: "net-1", Worker: "w1", Attempts: 1}
}

// clock is moved by hand.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	wakes []wake
}

type wake struct {
	at time.Time
	ch chan time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) after(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := wake{c.at.Add(d), make(chan time.Time, 1)}
	c.wakes = append(c.wakes, w)
	return w.ch
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	kept := c.wakes[:0]
	for _, w := range c.wakes {
		if w.at.After(c.at) {
			kept = append(kept, w)
		} else {
			w.ch <- c.at
		}
	}
	c.wakes = kept
}

// town is a daemon with one key.
type town struct {
	t       testing.TB
	cfg     api.Config
	backend *backend
	clock   *clock
	log     *safeBuffer
	api     *api.Server
	http    *httptest.Server
	secret  string
	key     api.Key
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newTown(t testing.TB, b *backend, edit func(*api.Config, *api.Limits)) *town {
	t.Helper()
	dir := t.TempDir()
	cfg := api.DefaultConfig()
	cfg.Keys, cfg.Ledger = filepath.Join(dir, "keys"), filepath.Join(dir, "usage")
	var limits api.Limits
	if edit != nil {
		edit(&cfg, &limits)
	}
	w := &town{t: t, cfg: cfg, backend: b, log: &safeBuffer{}, clock: &clock{at: time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)}}
	w.key, w.secret = w.newKey("test", limits)
	w.open()
	t.Cleanup(w.close)
	return w
}

func (w *town) newKey(name string, limits api.Limits) (api.Key, string) {
	w.t.Helper()
	key, secret, err := api.NewKey(w.cfg.Keys, name, limits, rand.NewChaCha8([32]byte{1, byte(len(name))}), w.clock.now())
	require.NoError(w.t, err)
	return key, secret
}

func (w *town) open() {
	w.t.Helper()
	var err error
	w.api, err = api.New(w.cfg, api.Deps{
		Backend: w.backend, Now: w.clock.now, After: w.clock.after,
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(w.t, err)
	w.http = httptest.NewServer(w.api)
}

func (w *town) close() {
	w.http.Close()
	require.NoError(w.t, w.api.Close())
}

// ask makes a request with the town's key; edit changes it.
func (w *town) ask(method, path, body string, edit func(*http.Request)) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.http.URL+path, strings.NewReader(body))
	require.NoError(w.t, err)
	r.Header.Set("Authorization", "Bearer "+w.secret)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if edit != nil {
		edit(r)
	}
	return r
}

// answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends r. It is called from goroutines too, so it returns what went wrong.
func do(r *http.Request) (answer, error) {
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

func (w *town) post(path, body string) answer {
	w.t.Helper()
	a, err := do(w.ask(http.MethodPost, path, body, nil))
	require.NoError(w.t, err)
	return a
}

// silent is an application's connection that keeps nothing.
type silent struct {
	http.ResponseWriter
	header  http.Header
	writes  int
	flushes int
	bytes   int
}

func (s *silent) Header() http.Header { return s.header }
func (s *silent) WriteHeader(int)     {}
func (s *silent) Flush()              { s.flushes++ }

func (s *silent) Write(b []byte) (int, error) {
	s.writes, s.bytes = s.writes+1, s.bytes+len(b)
	return len(b), nil
}

// serve answers a request without a network between.
func (w *town) serve(body string) *silent {
	r := httptest.NewRequest(http.MethodPost, "http://localhost"+openai.Chat, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+w.secret)
	r.Header.Set("Content-Type", "application/json")
	to := &silent{header: http.Header{}}
	w.api.ServeHTTP(to, r)
	return to
}

type errorObject struct {
	Error struct {
		Message string
		Type    string
		Param   *string
		Code    string
		Usage   map[string]any
	}
}

// requireError checks OpenAI's shape, and returns it.
func (a answer) requireError(t *testing.T, status int, code api.Code) errorObject {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	require.Equal(t, "application/json", a.header.Get("Content-Type"))
	var e errorObject
	require.NoError(t, json.Unmarshal([]byte(a.body), &e), a.body)
	require.Equal(t, string(code), e.Error.Code, a.body)
	require.NotEmpty(t, e.Error.Message)
	require.NotEmpty(t, e.Error.Type)
	return e
}

// events are the data of a stream, the end included.
func events(t *testing.T, body string) []string {
	t.Helper()
	var out []string
	require.True(t, strings.HasSuffix(body, "\n\n"), body)
	for _, e := range strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		if strings.HasPrefix(e, ":") {
			continue
		}
		data, ok := strings.CutPrefix(e, "data: ")
		require.True(t, ok, e)
		out = append(out, data)
	}
	return out
}

// usage are the closed requests of the ledger.
func (w *town) usage() []api.Entry {
	w.t.Helper()
	var all []api.Entry
	for e, err := range api.Usage(w.cfg.Ledger) {
		require.NoError(w.t, err)
		all = append(all, e)
	}
	return all
}

const chat = `{"model":"m","messages":[{"role":"user","content":"say something"}]}`

// said is a chat answer of two pieces, with its usage.
func said() *script {
	s := &script{chunks: []string{
		`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}`,
		`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}`,
		`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}`,
	}}
	s.bill = billOf(s.chunks[2])
	return s
}
