package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/openai"
)

// numbered answers each request with the number of the request.
func numbered() *backend {
	b := scripted(nil)
	b.start = func(context.Context, api.Request) (api.Answer, error) {
		s := said()
		s.chunks[1] = strings.Replace(s.chunks[1], "lo", fmt.Sprintf(" answer %d.", b.started.Load()), 1)
		return s, nil
	}
	return b
}

func retry(count string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("X-Stainless-Retry-Count", count) }
}

func named(key string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Idempotency-Key", key) }
}

func TestRetries_EightEqualRequestsGetEightAnswers(t *testing.T) {
	t.Parallel()
	w := newTown(t, numbered(), nil)
	answers := make(chan string, 16)
	var group errgroup.Group
	for i := range 16 {
		r := w.ask(http.MethodPost, openai.Chat, chat, retry(fmt.Sprint(i/8))) // half of them say that they are retries
		group.Go(func() error {
			a, err := do(r)
			answers <- a.body
			return err
		})
	}
	require.NoError(t, group.Wait())
	seen := map[string]bool{}
	for range 16 {
		seen[<-answers] = true
	}
	require.Equal(t, int64(16), w.backend.started.Load())
	require.Len(t, w.usage(), 16)
	require.GreaterOrEqual(t, len(seen), 8)
}

// undelivered makes a whole answer that its application did not get: it went
// away while the last chunk was on its way.
func (w *town) undelivered(finish chan struct{}, body string, edit func(*http.Request)) {
	w.t.Helper()
	ctx, leave := context.WithCancel(w.t.Context())
	r := w.ask(http.MethodPost, openai.Chat, body, edit).WithContext(ctx)
	done := make(chan error, 1)
	go func() {
		_, err := do(r)
		done <- err
	}()
	<-w.backend.seen
	leave()
	require.Error(w.t, <-done)
	finish <- struct{}{}
	require.Eventually(w.t, func() bool { return strings.Count(w.log.String(), "outcome=ok") > 0 }, 10*time.Second, time.Millisecond)
}

// stubborn finishes when told, whether it was cancelled or not: the end of the
// answer and the cancel met on their way.
func stubborn(finish chan struct{}) *backend {
	b := numbered()
	b.gone = make(chan struct{})
	plain := b.start
	b.start = func(ctx context.Context, r api.Request) (api.Answer, error) {
		first := b.started.Load() == 1
		a, err := plain(ctx, r)
		if first {
			<-ctx.Done()
			close(b.gone)
			<-finish
		}
		return a, err
	}
	return b
}

func TestRetries_TakeAWholeAnswerThatNobodyGot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		edit     func(*http.Request)
		body     string
		wait     time.Duration
		attached bool
	}{
		{"a retry", retry("1"), chat, 0, true},
		{"its last moment", retry("2"), chat, 59 * time.Second, true},
		{"too late", retry("1"), chat, 60 * time.Second, false},
		{"no retry", retry("0"), chat, 0, false},
		{"silent about it", nil, chat, 0, false},
		{"another body", retry("1"), strings.Replace(chat, "something", "else", 1), 0, false},
	} {
		finish := make(chan struct{})
		w := newTown(t, stubborn(finish), nil)
		w.undelivered(finish, chat, nil)
		w.clock.advance(c.wait)
		a, err := do(w.ask(http.MethodPost, openai.Chat, c.body, c.edit))
		require.NoError(t, err)
		require.Equal(t, 200, a.status, c.name)
		require.Equal(t, c.attached, strings.Contains(a.body, "answer 1."), c.name)
		// one to one: the next retry is a new request
		a, err = do(w.ask(http.MethodPost, openai.Chat, chat, retry("1")))
		require.NoError(t, err)
		want := int64(2)
		if !c.attached {
			want = 3
			if c.wait == 0 { // it was still there
				want = 2
			}
		}
		require.Equal(t, want, w.backend.started.Load(), c.name)
		require.Equal(t, want, int64(len(w.usage())), "%s: a finished answer is billed once", c.name)
		require.Equal(t, 200, a.status)
	}
}

func TestRetries_OfAnotherKeyGetNothing(t *testing.T) {
	t.Parallel()
	finish := make(chan struct{})
	w := newTown(t, stubborn(finish), nil)
	_, other := w.newKey("another", api.Limits{})
	w.undelivered(finish, chat, nil)
	a, err := do(w.ask(http.MethodPost, openai.Chat, chat, func(r *http.Request) {
		retry("1")(r)
		r.Header.Set("Authorization", "Bearer "+other)
	}))
	require.NoError(t, err)
	require.NotContains(t, a.body, "answer 1.")
}

func TestRetries_KeptAnswersAreBounded(t *testing.T) {
	t.Parallel()
	finish := make(chan struct{})
	w := newTown(t, stubborn(finish), func(c *api.Config, _ *api.Limits) { c.KeepBytes = 100 })
	w.undelivered(finish, chat, nil)
	a, err := do(w.ask(http.MethodPost, openai.Chat, chat, retry("1")))
	require.NoError(t, err)
	require.NotContains(t, a.body, "answer 1.")
}

func TestIdempotency_JoinsWhatRunsAndWhatIsWhole(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	b := numbered()
	plain := b.start
	b.start = func(ctx context.Context, r api.Request) (api.Answer, error) {
		a, err := plain(ctx, r)
		a.(*script).gate = gate
		return a, err
	}
	w := newTown(t, b, nil)
	answers := make(chan answer, 8)
	var group errgroup.Group
	for range 8 {
		r := w.ask(http.MethodPost, openai.Chat, chat, named("order 66"))
		group.Go(func() error {
			a, err := do(r)
			answers <- a
			return err
		})
	}
	<-b.seen
	conflict, err := do(w.ask(http.MethodPost, openai.Chat, strings.Replace(chat, "something", "else", 1), named("order 66")))
	require.NoError(t, err)
	conflict.requireError(t, http.StatusConflict, api.CodeIdempotency)
	require.Equal(t, "false", conflict.header.Get("X-Should-Retry"))
	close(gate)
	require.NoError(t, group.Wait())
	first := <-answers
	for range 7 {
		a := <-answers
		require.Equal(t, first.body, a.body)
		require.Equal(t, first.header.Get("X-Request-Id"), a.header.Get("X-Request-Id"))
	}
	again, err := do(w.ask(http.MethodPost, openai.Chat, chat, named("order 66")))
	require.NoError(t, err)
	require.Equal(t, first.body, again.body, "delivered already, and not billed again")
	require.Len(t, w.usage(), 1)
	w.clock.advance(w.cfg.Keep)
	again, err = do(w.ask(http.MethodPost, openai.Chat, chat, named("order 66")))
	require.NoError(t, err)
	require.NotEqual(t, first.body, again.body)
}

func TestIdempotency_WhatWasLeftIsAskedAnew(t *testing.T) {
	t.Parallel()
	finish := make(chan struct{})
	b := stubborn(finish)
	late := b.start
	b.start = func(ctx context.Context, r api.Request) (api.Answer, error) {
		a, err := late(ctx, r)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return a, err
	}
	w := newTown(t, b, nil)
	ctx, leave := context.WithCancel(t.Context())
	r := w.ask(http.MethodPost, openai.Chat, chat, named("a")).WithContext(ctx)
	done := make(chan error, 1)
	go func() {
		_, err := do(r)
		done <- err
	}()
	<-w.backend.seen
	leave()
	require.ErrorIs(t, <-done, context.Canceled)
	<-w.backend.gone
	second, err := do(w.ask(http.MethodPost, openai.Chat, chat, named("a")))
	require.NoError(t, err)
	require.Contains(t, second.body, "answer 2.")
	finish <- struct{}{}
	require.Eventually(t, func() bool { return len(w.usage()) == 2 }, 10*time.Second, time.Millisecond)
	again, err := do(w.ask(http.MethodPost, openai.Chat, chat, named("a")))
	require.NoError(t, err)
	require.Equal(t, second.body, again.body, "the first one's end is not the second one's")
}

func TestIdempotency_WhatFailedIsAskedAnew(t *testing.T) {
	t.Parallel()
	b := numbered()
	plain := b.start
	b.start = func(ctx context.Context, r api.Request) (api.Answer, error) {
		if b.started.Load() == 1 {
			return nil, &api.Error{Code: api.CodeNoCapacity, Err: cocoon.Unreachable.Errorf("busy")}
		}
		return plain(ctx, r)
	}
	w := newTown(t, b, nil)
	a, err := do(w.ask(http.MethodPost, openai.Chat, chat, named("a")))
	require.NoError(t, err)
	a.requireError(t, 503, api.CodeNoCapacity)
	a, err = do(w.ask(http.MethodPost, openai.Chat, chat, named("a")))
	require.NoError(t, err)
	require.Equal(t, 200, a.status)
}

// The engine stops when the application goes away, before the first token and
// after it.
func TestCancel_ReachesTheBackend(t *testing.T) {
	t.Parallel()
	for _, body := range []string{chat, strings.Replace(chat, `{`, `{"stream":true,`, 1)} {
		for _, tokens := range []int{0, 1} {
			gate, closed := make(chan struct{}), make(chan struct{})
			w := newTown(t, scripted(func(api.Request) *script {
				s := said()
				s.gate, s.closed = gate, closed
				return s
			}), nil)
			ctx, leave := context.WithCancel(t.Context())
			r := w.ask(http.MethodPost, openai.Chat, body, nil).WithContext(ctx)
			done := make(chan error, 1)
			go func() {
				_, err := do(r)
				done <- err
			}()
			<-w.backend.seen
			for range tokens {
				gate <- struct{}{}
			}
			leave()
			require.ErrorIs(t, <-done, context.Canceled)
			<-closed
			require.Eventually(t, func() bool { return len(w.usage()) == 1 }, 10*time.Second, time.Millisecond)
			require.Equal(t, "cancelled", w.usage()[0].Outcome)
			require.Equal(t, said().bill.Cost, w.usage()[0].Cost, "what was billed all the same")
		}
	}
}

// An application that does not read is cut off, and its engine stopped.
func TestCancel_OfWhoDoesNotRead(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{})
	piece := `{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"` + strings.Repeat("x", 1<<16) + `"}}]}`
	w := newTown(t, scripted(func(api.Request) *script {
		s := &script{closed: closed, gate: make(chan struct{})}
		for range 400 { // 26 MB, more than sockets hold
			s.chunks = append(s.chunks, piece)
		}
		go func() {
			for range s.chunks { // the answer goes on, but not by itself
				select {
				case s.gate <- struct{}{}:
				case <-closed:
					return
				}
			}
		}()
		return s
	}), func(c *api.Config, _ *api.Limits) { c.WriteTimeout = 50 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.http.URL, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	r := w.ask(http.MethodPost, openai.Chat, strings.Replace(chat, `{`, `{"stream":true,`, 1), nil)
	require.NoError(t, r.Write(conn))
	head, err := bufio.NewReaderSize(conn, 16).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, head, "200")
	<-closed
	require.Eventually(t, func() bool { return len(w.usage()) == 1 }, 10*time.Second, time.Millisecond)
	require.Equal(t, "cancelled", w.usage()[0].Outcome)
}

// The time that a request may take to arrive does not end its answer.
func TestAnswer_MayTakeLongerThanItsRequest(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	w := newTown(t, scripted(func(api.Request) *script {
		s := said()
		s.gate = gate
		return s
	}), func(c *api.Config, _ *api.Limits) { c.ReadTimeout = 30 * time.Millisecond })
	go func() {
		<-w.backend.seen
		time.Sleep(3 * w.cfg.ReadTimeout)
		close(gate)
	}()
	require.Equal(t, 200, w.post(openai.Chat, chat).status)
}
