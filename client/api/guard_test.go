package api_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/openai"
)

func TestGuard_LetsNobodyInWithoutAKey(t *testing.T) {
	t.Parallel()
	w := newTown(t, onEngine(), nil)
	_, other := newTown(t, onEngine(), nil).newKey("a key of another daemon", api.Limits{})
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer sk-cocoon-x", "Basic " + w.secret, w.secret, "Bearer " + w.secret + "x", "Bearer " + w.key.Hash, "Bearer " + other} {
		for _, path := range []string{openai.Chat, "/v1/models", "/nowhere"} {
			a, err := do(w.ask(http.MethodPost, path, chat, func(r *http.Request) { r.Header.Set("Authorization", header) }))
			require.NoError(t, err)
			a.requireError(t, http.StatusUnauthorized, api.CodeInvalidKey)
			require.Equal(t, "Bearer", a.header.Get("Www-Authenticate"))
		}
	}
	require.Zero(t, w.backend.started.Load())
}

// A web page cannot spend: neither one that the user visits, which sends its
// Origin, nor one whose name was made to resolve to this machine.
func TestGuard_RefusesWebPages(t *testing.T) {
	t.Parallel()
	w := newTown(t, onEngine(), func(c *api.Config, _ *api.Limits) { c.Hosts = []string{"AI.lan"} })
	for name, c := range map[string]struct {
		edit   func(*http.Request)
		status int
	}{
		"no browser":            {func(*http.Request) {}, 200},
		"localhost":             {func(r *http.Request) { r.Host = "localhost:1" }, 200},
		"localhost with a dot":  {func(r *http.Request) { r.Host = "LOCALHOST." }, 200},
		"IPv6":                  {func(r *http.Request) { r.Host = "[::1]:80" }, 200},
		"configured":            {func(r *http.Request) { r.Host = "ai.lan:80" }, 200},
		"same origin":           {func(r *http.Request) { r.Header.Set("Origin", "http://"+r.URL.Host) }, 200},
		"rebound name":          {func(r *http.Request) { r.Host = "evil.example" }, 403},
		"rebound to localhost":  {func(r *http.Request) { r.Host = "localhost.evil.example" }, 403},
		"another address":       {func(r *http.Request) { r.Host = "192.0.2.1" }, 403},
		"cross origin":          {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		"another port":          {func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") }, 403},
		"null origin":           {func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		"fetch metadata":        {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"cross origin, no key":  {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example"); r.Header.Del("Authorization") }, 403},
		"text, as forms can":    {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
		"text, without the key": {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain"); r.Header.Del("Authorization") }, 401},
	} {
		before := w.backend.started.Load()
		a, err := do(w.ask(http.MethodPost, openai.Chat, chat, c.edit))
		require.NoError(t, err)
		require.Equal(t, c.status, a.status, "%s: %s", name, a.body)
		for h := range a.header {
			require.NotContains(t, h, "Access-Control", name)
		}
		require.Equal(t, c.status == 200, w.backend.started.Load() > before, name)
	}
	a, err := do(w.ask(http.MethodOptions, openai.Chat, "", func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Del("Authorization")
	}))
	require.NoError(t, err)
	a.requireError(t, http.StatusUnauthorized, api.CodeInvalidKey)
	require.Empty(t, a.header.Values("Access-Control-Allow-Origin"))
}

func TestRequests_ThatCannotBeServedSayWhy(t *testing.T) {
	t.Parallel()
	w := newTown(t, onEngine(), func(c *api.Config, _ *api.Limits) { c.MaxBody, c.ReadTimeout = 1000, 50*time.Millisecond })
	for _, c := range []struct {
		method, path, body string
		status             int
		code               api.Code
		param              string
	}{
		{"GET", openai.Chat, "", 405, api.CodeMethod, ""},
		{"POST", "/v1/models", "{}", 405, api.CodeMethod, ""},
		{"GET", "/v1/files", "", 404, api.CodeNoPath, ""},
		{"POST", "/v1/chat/completions/", "{}", 404, api.CodeNoPath, ""},
		{"POST", openai.Chat, strings.Repeat(" ", 1001), 413, api.CodeTooLarge, ""},
		{"POST", openai.Chat, "", 415, api.CodeMediaType, ""},
		{"POST", openai.Chat, "nonsense", 400, api.CodeInvalid, ""},
		{"POST", openai.Chat, "[]", 400, api.CodeInvalid, ""},
		{"POST", openai.Chat, chat + "x", 400, api.CodeInvalid, ""},
		{"POST", openai.Chat, `{"model":"m","model":"m"}`, 400, api.CodeInvalid, ""},
		{"POST", openai.Chat, "{\"model\":\"\xff\"}", 400, api.CodeInvalid, ""},
		{"POST", openai.Chat, `{"messages":[1]}`, 400, api.CodeInvalid, "model"},
		{"POST", openai.Chat, `{"model":7,"messages":[1]}`, 400, api.CodeInvalid, "model"},
		{"POST", openai.Chat, `{"model":"none","messages":[{"role":"user","content":"x"}]}`, 404, api.CodeNoModel, ""},
		{"POST", openai.Chat, `{"model":"m"}`, 400, api.CodeInvalid, "messages"},
		{"POST", openai.Chat, `{"model":"m","messages":[]}`, 400, api.CodeInvalid, "messages"},
		{"POST", openai.Chat, `{"model":"m","messages":[1],"n":0}`, 400, api.CodeInvalid, "n"},
		{"POST", openai.Chat, `{"model":"m","messages":[1],"n":129}`, 400, api.CodeInvalid, "n"},
		{"POST", openai.Chat, `{"model":"m","messages":[1],"max_tokens":-1}`, 400, api.CodeInvalid, "max_tokens"},
		{"POST", openai.Chat, `{"model":"m","messages":[1],"max_completion_tokens":1.5}`, 400, api.CodeInvalid, "max_completion_tokens"},
		{"POST", openai.Chat, `{"model":"m","messages":[1],"stream":"yes"}`, 400, api.CodeInvalid, "stream"},
		{"POST", openai.Chat, `{"model":"m","messages":[1],"stream_options":7}`, 400, api.CodeInvalid, "stream_options"},
		{"POST", openai.Chat, `{"model":"m","messages":[1],"stream_options":{"include_usage":7}}`, 400, api.CodeInvalid, "stream_options.include_usage"},
		{"POST", openai.Chat, `{"model":"m","messages":[{"content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]}`, 400, api.CodeInvalid, "messages"},
		{"POST", openai.Completions, `{"model":"m"}`, 400, api.CodeInvalid, "prompt"},
		{"POST", openai.Completions, `{"model":"m","prompt":[]}`, 400, api.CodeInvalid, "prompt"},
		{"POST", openai.Completions, `{"model":"m","prompt":"x","best_of":0}`, 400, api.CodeInvalid, "best_of"},
		{"POST", openai.Embeddings, `{"model":"m"}`, 400, api.CodeInvalid, "input"},
		{"POST", openai.Embeddings, `{"model":"m","input":"x","encoding_format":"int8"}`, 400, api.CodeInvalid, "encoding_format"},
	} {
		a, err := do(w.ask(c.method, c.path, c.body, nil))
		require.NoError(t, err)
		e := a.requireError(t, c.status, c.code)
		if c.param != "" {
			require.NotNil(t, e.Error.Param, c.body)
			require.Equal(t, c.param, *e.Error.Param)
		}
		if c.code == api.CodeMethod {
			require.NotEmpty(t, a.header.Get("Allow"))
		}
	}
	a, err := do(w.ask(http.MethodPost, openai.Chat, chat, func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }))
	require.NoError(t, err)
	a.requireError(t, 415, api.CodeMediaType)
	inline := `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","text":"","image_url":{"url":"data:image/png;base64,AA"}}]}]}`
	require.Equal(t, 200, w.post(openai.Chat, inline).status)

	// a body that never comes
	slow, hold := io.Pipe()
	defer func() { _ = hold.Close() }()
	a, err = do(w.ask(http.MethodPost, openai.Chat, "{}", func(r *http.Request) { r.Body, r.ContentLength = slow, 100 }))
	require.NoError(t, err)
	a.requireError(t, http.StatusRequestTimeout, api.CodeTimeout)
}

func TestConfig_ListensOnLoopbackUnlessAskedTo(t *testing.T) {
	t.Parallel()
	cfg := api.DefaultConfig()
	cfg.Keys, cfg.Ledger = t.TempDir(), t.TempDir()
	for addr, ok := range map[string]bool{"127.0.0.1:0": true, "localhost:0": true, "[::1]:0": true, ":0": false, "0.0.0.0:0": false, "[::]:0": false, "192.0.2.1:80": false} {
		cfg.Listen, cfg.AllowRemote = addr, false
		err := cfg.Validate()
		require.Equal(t, ok, err == nil, addr)
		if !ok {
			require.Equal(t, cocoon.Forbidden, cocoon.KindOf(err))
			require.NotEmpty(t, cocoon.HintOf(err))
		}
		cfg.AllowRemote = true
		require.NoError(t, cfg.Validate())
	}
	for _, edit := range []func(*api.Config){
		func(c *api.Config) { c.Keys = "" }, func(c *api.Config) { c.MaxBody = 0 }, func(c *api.Config) { c.KeepAlive = 0 }, func(c *api.Config) { c.Listen = "nowhere" },
	} {
		bad := cfg
		edit(&bad)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(bad.Validate()))
	}
}

// A daemon that stops lets answers end, tells the others that it stops, and
// leaves a ledger that is complete.
func TestRun_DrainsAndTellsTheRest(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	w := newTown(t, scripted(func(api.Request) *script {
		s := said()
		s.gate = gate
		return s
	}), func(c *api.Config, _ *api.Limits) { c.Listen = "127.0.0.1:0" })
	w.close()
	w.open()
	require.NoError(t, w.api.Listen())
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.api.Run(ctx) }()
	r := w.ask(http.MethodPost, openai.Chat, strings.Replace(chat, `{`, `{"stream":true,`, 1), nil)
	var err error
	r.URL, err = r.URL.Parse(w.api.URL() + "/chat/completions")
	require.NoError(t, err)
	r.Host = ""
	resp, err := w.first(r, gate)
	require.NoError(t, err)
	defer resp.Body.Close()
	stop()
	require.Eventually(t, func() bool { // it listens no more, and waits
		c, err := net.Dial("tcp", r.URL.Host)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 10*time.Second, time.Millisecond)
	w.wake(w.cfg.Drain)
	rest, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(rest), `"code":"stopping"`)
	require.NotContains(t, string(rest), "[DONE]")
	require.NoError(t, <-done)
	require.Equal(t, "stopping", w.usage()[0].Outcome)
}

// first sends r and lets one chunk of its answer come.
func (w *town) first(r *http.Request, gate chan struct{}) (*http.Response, error) {
	type result struct {
		resp *http.Response
		err  error
	}
	got := make(chan result, 1)
	go func() {
		resp, err := http.DefaultClient.Do(r) //nolint:bodyclose // the caller does
		got <- result{resp, err}
	}()
	select {
	case gate <- struct{}{}:
	case res := <-got:
		return res.resp, res.err
	}
	res := <-got
	return res.resp, res.err
}

// No line of the log carries what was asked or answered, nor a key.
func TestLog_KeepsContentAndKeysToItself(t *testing.T) {
	t.Parallel()
	const secret = "QUITE-PRIVATE"
	backends := []*backend{
		onEngine(),
		refusing(&api.Refusal{Status: 400, Body: []byte(`{"error":{"message":"` + secret + `"}}`)}),
		scripted(func(api.Request) *script {
			return &script{chunks: []string{`{"error":{"message":"` + secret + `"}}`}}
		}),
		scripted(func(api.Request) *script { return &script{chunks: []string{secret}} }),
		refusing(cocoon.Internal.Errorf("broken")),
	}
	for _, b := range backends {
		w := newTown(t, b, nil)
		for _, body := range []string{
			`{"model":"m","messages":[{"role":"user","content":"` + secret + `"}],"user":"` + secret + `"}`,
			`{"model":"` + secret + `","messages":[{"role":"user","content":"x"}]}`,
			`{"model":"m","messages":"` + secret + `"}`, `{"model":"m","` + secret + `":1,"` + secret + `":1}`, secret,
		} {
			for _, path := range openai.Endpoints {
				w.post(path, body)
				_, err := do(w.ask(http.MethodPost, path, body, func(r *http.Request) {
					r.Header.Set("Idempotency-Key", secret)
					r.Header.Set("Authorization", "Bearer "+secret)
				}))
				require.NoError(t, err)
			}
		}
		w.close()
		w.open() // the ledger is read again
		require.NotEmpty(t, w.log.String())
		require.NotContains(t, w.log.String(), secret)
		require.NotContains(t, w.log.String(), w.secret)
		for _, e := range w.usage() {
			require.NotContains(t, e.Model+e.Outcome+e.Worker+e.Request, secret)
		}
	}
}

func TestGuard_TakesTheAddressItIsReachedBy(t *testing.T) {
	t.Parallel()
	w := newTown(t, onEngine(), nil)
	lan := &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 80}
	for host, status := range map[string]int{"192.0.2.7": 200, "192.0.2.8": 403} {
		r := httptest.NewRequest(http.MethodPost, openai.Chat, bytes.NewReader([]byte(chat)))
		r.Host = host
		r.Header = w.ask(http.MethodPost, openai.Chat, chat, nil).Header
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(lan))))
		require.Equal(t, status, rec.Code, rec.Body.String())
	}
}
