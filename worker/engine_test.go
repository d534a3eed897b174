package worker_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

// scripted answers line i of a batch by its number, else as the built-in engine.
func scripted(script map[string]http.HandlerFunc) http.Handler {
	real := engine.New(model)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		for line, answer := range script {
			if strings.Contains(string(body), secret+" "+line+`"`) {
				answer(w, r)
				return
			}
		}
		real.ServeHTTP(w, r)
	})
}

func say(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "engine-says")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// does leads a job to its delivery.
func (m *market) does(file string, edit func(*wrappers.JobOffer)) (wrappers.Delivery, []openai.Result) {
	m.t.Helper()
	o := m.open(file, edit)
	m.accepted(o)
	m.chain.bind(o.account, m.provider, workerID)
	d, blob := m.delivered(o.account)
	m.chain.deliver(m.t, d)
	return readDelivery(m.t, o, file, d, blob)
}

func TestEngine_FailedLinesAreToldAndUnpaid(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	var flaky, broken atomic.Int32
	m.engineIs(scripted(map[string]http.HandlerFunc{
		"0": say(400, `{"error":{"message":"no","type":"invalid_request_error"}}`),
		"1": say(404, "plain text\x00\xff"),
		"2": say(200, `{"choices":[]}`), // an answer that does not count its tokens
		"3": func(w http.ResponseWriter, r *http.Request) {
			if flaky.Add(1) < 3 {
				say(503, "busy")(w, r)
				return
			}
			say(200, `{"usage":{"prompt_tokens":10,"completion_tokens":5}}`)(w, r)
		},
		"4": func(w http.ResponseWriter, r *http.Request) { broken.Add(1); say(500, "{}")(w, r) },
	}))
	m.run()
	delivery, results := m.does(batch(5, model, ""), nil)
	require.Equal(t, cocoon.Usage{Prompt: 10, Completion: 5}, delivery.Usage())
	require.Equal(t, cocoon.NanoOf(10_000+10_000), delivery.Amount.Nano) // 10 and 5 tokens at 1 and 2 TON a million
	for i, status := range []int{400, 404, 200, 200, 500} {
		require.Equal(t, fmt.Sprintf("line-%d", i), results[i].CustomID, "in the file's order")
		require.Equal(t, status, results[i].Response.StatusCode)
		require.Equal(t, "engine-says", results[i].Response.RequestID)
	}
	require.JSONEq(t, `"plain text\u0000\ufffd"`, string(results[1].Response.Body))
	require.EqualValues(t, 4, broken.Load(), "a line that breaks the engine is given up")
	h := m.heartbeat(func(h bus.Heartbeat) bool { return h.Requests == 5 })
	require.EqualValues(t, 3, h.Failures)
}

func TestEngine_AllLinesRefusedStillFreesTheBond(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.engineIs(scripted(map[string]http.HandlerFunc{"0": say(400, "{}")}))
	m.run()
	delivery, _ := m.does(batch(1, model, ""), nil)
	require.Equal(t, cocoon.NanoOf(1), delivery.Amount.Nano, "the least that the contract takes")
}

func TestEngine_DownAndUpAgainIsWaitedFor(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	var asked atomic.Int32
	real := engine.New(model)
	m.engineIs(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || asked.Add(1) < 9 {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		real.ServeHTTP(w, r)
	}))
	m.run()
	require.False(t, m.heartbeat(func(bus.Heartbeat) bool { return true }).Ready)
	_, results := m.does(batch(2, model, ""), nil)
	require.True(t, results[0].OK() && results[1].OK())
}

func TestEngine_WhatIsNotDoneInTimeFailsAndTheRestIsDelivered(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.cfg.MinWork = 0
	m.engineIs(scripted(map[string]http.HandlerFunc{"1": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}))
	m.run()
	_, results := m.does(batch(3, model, ""), func(o *wrappers.JobOffer) { o.Money.Work = 1 })
	require.True(t, results[0].OK())
	require.True(t, results[2].OK())
	require.Equal(t, "deadline", results[1].Error.Code)
}

func TestEngine_ThatNeverAnswersDeliversNothing(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.cfg.MinWork = 0
	m.engineIs(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	m.run()
	o := m.open(batch(3, model, ""), func(o *wrappers.JobOffer) { o.Money.Work = 1 })
	m.accepted(o)
	m.chain.bind(o.account, m.provider, workerID)
	require.Eventually(t, func() bool { return strings.Contains(m.log.String(), "job is lost") }, wait, tick)
	m.chain.close(o.account)
	require.Eventually(t, func() bool { return len(m.folder()) == 0 }, wait, tick)
	require.Empty(t, m.chain.outside)
}

func TestBudget_BoundsTheWorkAndTheAmount(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.chain.standing.Record.Concurrency = 1
	greedy := say(200, `{"usage":{"prompt_tokens":1,"completion_tokens":400000}}`) // 0.8 TON each
	m.engineIs(scripted(map[string]http.HandlerFunc{"0": greedy, "1": greedy, "2": greedy}))
	m.run()
	delivery, results := m.does(batch(3, model, ""), nil)
	require.Equal(t, cocoon.TON(1), delivery.Amount.Nano)
	require.EqualValues(t, 800_000, delivery.Completion)
	require.Equal(t, "budget_exhausted", results[2].Error.Code)
}

func TestResult_ThatWouldNotFitLosesLinesNotItself(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.chain.standing.Record.Concurrency = 1
	m.cfg.Request = wait
	large := say(200, `{"usage":{"prompt_tokens":7},"text":"`+strings.Repeat("x", 3<<20)+`"}`)
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < 9<<20; i += 1 << 10 {
			if _, err := w.Write(make([]byte, 1<<10)); err != nil {
				return
			}
		}
	}
	m.engineIs(scripted(map[string]http.HandlerFunc{"0": large, "1": large, "2": large, "3": endless}))
	m.run()
	delivery, results := m.does(batch(5, model, ""), nil)
	require.True(t, results[0].OK() && results[1].OK() && results[4].OK())
	require.Equal(t, "result_too_large", results[2].Error.Code)
	require.Equal(t, "result_too_large", results[3].Error.Code)
	require.Equal(t, openai.TotalUsage(results), delivery.Usage())
}
