package answer_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// gone waits until the engine has no request any more.
func (w *world) gone() {
	w.t.Helper()
	w.until("the engine's request is over", func() bool { return w.asked.Load() == 0 })
}

// forever is an engine that reads its request and answers until it is left.
func forever(before int) http.HandlerFunc {
	return tokens(before, true, func(i int, r *http.Request) {
		if i == before-1 {
			<-r.Context().Done()
		}
	})
}

// silent is an engine that prefills until it is left.
func silent(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestCancel_EndsTheEnginesRequestAndPaysWhatWasDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.engineIs(forever(5))
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	took := w.taken(r)
	w.until("all tokens", func() bool { return len(w.frames[r.Route.Request]) > 0 && strings.Contains(w.frameText(r, took), "t4") })
	w.s.Handle(stream.CancelVerb, stream.Cancel{Request: r.Route.Request}.Bytes(), nil)
	w.gone()
	got := w.read(r, took)
	require.Equal(t, stream.Cancelled, got.reason())
	require.Equal(t, cocoon.Usage{Prompt: 20, Completion: 5}, got.receipt.Content.Usage)
	require.Equal(t, got.usage, got.receipt.Content.Usage)
	require.False(t, got.done(), "an answer that was cut does not look whole")
	w.until("its slot is free", func() bool { return len(w.slots) == 0 })
}

// frameText is all that came of an answer so far. The world is locked.
func (w *world) frameText(r *request, took stream.Took) string {
	o, err := stream.NewOpener(r.secret, r.Route.Request, r.Attempt, took.Nonce)
	if err != nil {
		return ""
	}
	var items stream.Items
	var b strings.Builder
	for _, f := range w.frames[r.Route.Request] {
		content, _, err := o.Open(f)
		if err != nil {
			return ""
		}
		next, err := items.Next(content)
		if err != nil {
			return ""
		}
		b.Write(bytes.Join(next, nil))
	}
	return b.String()
}

// Prefill is work: what it was is told by the rate at which the engine read before.
func TestCancel_InPrefillPaysByTheMeasuredRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var second atomic.Bool
	w.engineIs(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if second.Load() {
			<-r.Context().Done()
			return
		}
		w.pass(time.Second)
		_, _ = io.WriteString(rw, `{"choices":[{"text":"x"}],"usage":{"prompt_tokens":40,"completion_tokens":1}}`)
	})
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	require.EqualValues(t, 40, w.read(r, w.taken(r)).usage.Prompt)
	require.EqualValues(t, 40, w.s.Load().Prefill, "tokens a second")

	second.Store(true)
	r = w.newRequest(stream.Chat, chat(`,"filler":"`+strings.Repeat("x", 4000)+`"`))
	took := w.taken(r)
	require.Eventually(t, func() bool { return w.asked.Load() == 1 }, wait, time.Millisecond)
	w.pass(3 * time.Second)
	w.s.Handle(stream.CancelVerb, stream.Cancel{Request: r.Route.Request}.Bytes(), nil)
	got := w.read(r, took)
	require.Equal(t, stream.Cancelled, got.reason())
	require.Equal(t, cocoon.Usage{Prompt: 120}, got.receipt.Content.Usage)
	w.gone()
}

func TestSlice_StopsWhatIsNotCoveredAndGoesOnWhenItIs(t *testing.T) {
	t.Parallel()
	for name, counted := range map[string]bool{"counted by the engine": true, "counted by pieces": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.engineIs(tokens(60, counted, nil))
			w.start()
			r := w.newRequest(stream.Chat, chat(""))
			r.Slice = 20
			took := w.taken(r)
			for _, covered := range []uint32{20, 41, 60} {
				w.s.Handle(stream.SliceVerb, stream.Slice{Request: r.Route.Request, Tokens: covered}.Bytes(), nil)
				w.s.Handle(stream.SliceVerb, stream.Slice{Request: r.Route.Request, Tokens: 20}.Bytes(), nil) // late: covers no less
				w.until("all that is covered", func() bool { return strings.Contains(w.frameText(r, took), fmt.Sprintf("t%d ", covered-1)) })
				time.Sleep(3 * w.cfg.Window)
				w.mu.Lock()
				require.NotContains(t, w.frameText(r, took), fmt.Sprintf("t%d ", covered))
				w.mu.Unlock()
			}
			got := w.read(r, took)
			require.Equal(t, stream.Finished, got.reason(), "a slice that suffices is no end")
			require.True(t, got.done())
			require.EqualValues(t, 60, got.receipt.Content.Usage.Completion)
		})
	}
}

func TestSlice_ThatStaysUsedUpEndsTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Slice = 10 * time.Millisecond
	w.engineIs(forever(60))
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	r.Slice = 20
	got := w.read(r, w.taken(r))
	require.Equal(t, stream.Unfunded, got.reason())
	require.EqualValues(t, 20, got.receipt.Content.Usage.Completion)
	require.Equal(t, got.usage, got.receipt.Content.Usage)
	w.gone()
}

func TestAnswer_IsCutWhereTheRouteEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.engineIs(forever(60))
	w.start()
	r := w.newRequest(stream.Chat, chat(""), func(r *stream.Route) { r.MaxOut, r.Choices = 12, 2 })
	got := w.read(r, w.taken(r))
	require.Equal(t, stream.Unfunded, got.reason())
	require.EqualValues(t, 24, got.receipt.Content.Usage.Completion)
	require.Equal(t, got.usage, got.receipt.Content.Usage)
	w.gone()
}

func TestEngine_FailsInEveryWay(t *testing.T) {
	t.Parallel()
	piece := "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\n"
	paid := cocoon.Usage{Prompt: 9, Completion: 1}
	says := func(status int, kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	const events, object = "text/event-stream", "application/json"
	refusal := `{"error":{"message":"too long","code":"context_length_exceeded"}}`
	for name, c := range map[string]struct {
		engine http.HandlerFunc
		reason stream.Reason
		items  []string
		usage  cocoon.Usage
	}{
		"the client's fault":         {says(400, object, refusal), stream.Refused, []string{refusal}, cocoon.Usage{}},
		"a model it has not":         {says(404, object, refusal), stream.Refused, []string{refusal}, cocoon.Usage{}},
		"a fault of its own":         {says(500, object, refusal), stream.Failed, nil, cocoon.Usage{}},
		"overloaded":                 {says(429, object, refusal), stream.Failed, nil, cocoon.Usage{}},
		"a key it wants":             {says(401, object, refusal), stream.Failed, nil, cocoon.Usage{}},
		"a page":                     {says(200, "text/html", "<html>"), stream.Failed, nil, cocoon.Usage{}},
		"no events":                  {says(200, events, ""), stream.Failed, nil, cocoon.Usage{}},
		"done at once":               {says(200, events, "data: [DONE]\n\n"), stream.Finished, []string{"[DONE]"}, cocoon.Usage{}},
		"cut after a token":          {says(200, events, piece), stream.Failed, []string{piece[6 : len(piece)-2]}, paid},
		"cut in an event":            {says(200, events, piece+piece[:20]), stream.Failed, []string{piece[6 : len(piece)-2]}, paid},
		"a failure after a token":    {says(200, events, piece+"data: "+refusal+"\n\n"), stream.Failed, []string{piece[6 : len(piece)-2], refusal}, paid},
		"a failure at once":          {says(200, events, "data: "+refusal+"\n\n"), stream.Failed, []string{refusal}, cocoon.Usage{}},
		"an event that is not JSON":  {says(200, events, piece+"data: oops\n\n"), stream.Failed, []string{piece[6 : len(piece)-2], "oops"}, paid},
		"an event beyond measure":    {says(200, events, piece+"data: "+strings.Repeat("x", 2<<20)+"\n\n"), stream.Failed, []string{piece[6 : len(piece)-2]}, paid},
		"an answer that is too long": {says(200, object, strings.Repeat(" ", stream.MaxItem+1)), stream.Failed, nil, cocoon.Usage{}},
		"a connection that breaks": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", events)
			_, _ = io.WriteString(w, piece)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, stream.Failed, []string{piece[6 : len(piece)-2]}, paid},
		"no answer at all": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, stream.Failed, nil, cocoon.Usage{}},
		"no end":           {silent, stream.Failed, nil, cocoon.Usage{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if name == "no end" {
				w.cfg.Answer = 50 * time.Millisecond
			}
			w.engineIs(c.engine)
			w.start()
			r := w.newRequest(stream.Chat, chat(""))
			got := w.read(r, w.taken(r))
			require.Equal(t, c.reason, got.reason())
			require.Equal(t, c.items, got.items)
			require.Equal(t, c.usage, got.receipt.Content.Usage)
			w.gone()
			w.until("its slot is free", func() bool { return len(w.slots) == 0 })
			require.NotContains(t, w.log.String(), "context_length", "what an engine says is not logged")
		})
	}
}

// A prompt goes to the engine that is configured, and nowhere an engine sends it.
func TestEngine_CannotSendPromptsElsewhere(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	w := newWorld(t)
	w.engineIs(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	require.Equal(t, stream.Failed, w.read(r, w.taken(r)).reason())
	require.Zero(t, asked.Load())
}

// Whatever engine, client and dispatcher do, the receipt is over what a reader saw.
func TestReceipt_IsAlwaysOverWhatWasRead(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			w := newWorld(t)
			w.cfg.Window = time.Duration(random.IntN(3)) * time.Millisecond
			w.cfg.Slice = 5 * time.Millisecond
			n, cutAt, fault := random.IntN(200), random.IntN(200), random.IntN(4)
			w.engineIs(tokens(n, random.IntN(3) > 0, func(i int, r *http.Request) {
				switch {
				case i != cutAt:
				case fault == 0:
					panic(http.ErrAbortHandler)
				case fault == 1:
					<-r.Context().Done()
				}
			}))
			w.cfg.Answer = 300 * time.Millisecond
			w.start()
			cancelled := random.IntN(2) == 0
			var group errgroup.Group
			var all []*request
			var tooks []stream.Took
			for range 3 {
				r := w.newRequest(stream.Chat, chat(""), func(r *stream.Route) { r.MaxOut = uint32(1 + random.IntN(250)) })
				r.Slice = uint32(random.IntN(200))
				all, tooks = append(all, r), append(tooks, w.taken(r))
			}
			group.Go(func() error {
				for _, r := range all {
					if cancelled {
						time.Sleep(time.Duration(seed%5) * time.Millisecond)
						w.s.Handle(stream.CancelVerb, stream.Cancel{Request: r.Route.Request}.Bytes(), nil)
					} else {
						w.s.Handle(stream.SliceVerb, stream.Slice{Request: r.Route.Request, Tokens: 150}.Bytes(), nil)
					}
				}
				return nil
			})
			numbers := map[uint32]bool{}
			for i, r := range all {
				got := w.read(r, tooks[i]) // compares the hashes
				numbers[got.receipt.Number] = true
				u := got.receipt.Content.Usage
				if got.usage != (cocoon.Usage{}) {
					require.Equal(t, got.usage, u)
				}
				require.LessOrEqual(t, u.Completion, uint64(r.Route.MaxOut))
				require.Equal(t, got.done(), got.reason() == stream.Finished)
			}
			require.Equal(t, map[uint32]bool{1: true, 2: true, 3: true}, numbers)
			require.NoError(t, group.Wait())
		})
	}
}

func TestDrain_FinishesWhatRunsAndHandsReceiptsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	goOn := make(chan struct{})
	w.engineIs(tokens(3, true, func(i int, _ *http.Request) {
		if i == 1 {
			<-goOn
		}
	}))
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	next := w.newRequest(stream.Chat, chat(""))
	took := w.taken(r)
	w.stop()
	require.Eventually(t, func() bool { return w.s.Load().Draining }, wait, time.Millisecond)
	_, f := w.order(next)
	require.Equal(t, stream.Busy, f.Code)
	w.change(func() { w.noAck = true })
	close(goOn)
	got := w.read(r, took)
	require.Equal(t, stream.Finished, got.reason())
	w.acknowledge(got.receipt.Number, nil)
	require.NoError(t, <-w.ended)
	w.ended <- nil
	require.NotContains(t, w.log.String(), "receipts are lost")
}

func TestDrain_EndsWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Drain, w.cfg.Handover = 20*time.Millisecond, 20*time.Millisecond
	w.noAck = true
	w.engineIs(forever(2))
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	took := w.taken(r)
	w.until("a token", func() bool { return len(w.frames[r.Route.Request]) > 0 })
	w.stop()
	require.NoError(t, <-w.ended)
	w.ended <- nil
	got := w.read(r, took)
	require.Equal(t, stream.Failed, got.reason())
	require.Equal(t, got.usage, got.receipt.Content.Usage)
	require.Contains(t, w.log.String(), "receipts are lost")
	w.gone()
}

// A killed worker's receipts are lost; nothing of that boot is ever said again.
func TestRestart_IsAnotherBootWithOtherKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noAck = true
	w.start()
	old := w.newRequest(stream.Chat, chat(`,"max_tokens":1`))
	got := w.read(old, w.taken(old))
	before, evidence := w.evidence()
	unsent := w.newRequest(stream.Chat, chat(""))
	w.stop()
	require.NoError(t, <-w.ended)
	w.ended <- nil
	w.pass(time.Second)
	w.change(func() { w.receipts = map[cocoon.Account][]receipt.SignedUsage{} })
	w.start()
	after, now := w.evidence()
	require.NotEqual(t, before.Boot, after.Boot)
	require.NotEqual(t, evidence.Claims.Session, now.Claims.Session)
	_, f := w.order(unsent)
	require.Equal(t, stream.Overdue, f.Code, "issued before this boot")
	r := w.newRequest(stream.Chat, chat(`,"max_tokens":1`))
	again := w.read(r, w.taken(r))
	require.EqualValues(t, 1, again.receipt.Number)
	require.NotEqual(t, got.receipt.Boot, again.receipt.Boot)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range w.receipts[w.d.rewards] {
		require.Equal(t, [16]byte(after.Boot), u.Boot)
	}
}

func TestLogs_HoldNoPromptAnswerOrKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	r := w.newRequest(stream.Chat, chat(`,"max_tokens":40`))
	got := w.read(r, w.taken(r))
	bad := w.newRequest(stream.Chat, `{"model":"x","secret":"`+secret+`"}`)
	_, _ = w.order(bad)
	w.engineIs(func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(500)
		_, _ = io.Copy(rw, r.Body)
	})
	fails := w.newRequest(stream.Chat, chat(""))
	w.read(fails, w.taken(fails))
	w.stop()
	require.NoError(t, <-w.ended)
	w.ended <- nil
	text := w.log.String()
	require.NotEmpty(t, text)
	for _, hidden := range []string{secret, "test engine", fmt.Sprintf("%x", r.secret[:]), fmt.Sprintf("%x", got.receipt.Signature[:]), fmt.Sprintf("%x", workerKey.Seed())} {
		require.NotContains(t, text, hidden)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, frames := range w.frames {
		for _, f := range frames {
			require.NotContains(t, string(f), "test engine")
		}
	}
}

func TestLoad_TellsWhatADispatcherChoosesBy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.engineIs(silent)
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	require.Equal(t, r.KeyID, w.s.Load().Key)
	w.taken(r)
	l := w.s.Load()
	require.Equal(t, 1, l.Running)
	require.Equal(t, 1, l.Waiting)
	w.s.Handle(stream.CancelVerb, stream.Cancel{Request: r.Route.Request}.Bytes(), nil)
	w.receiptOf(r)
	require.Zero(t, w.s.Load().Running)
}

// An engine that has said all of its answer may take its time over the connection.
func TestEngine_ThatIsSlowToHangUpKeepsNoAnswerBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	final := make(chan bool, 1) // whether the last frame was there when the engine was left
	w.engineIs(func(rw http.ResponseWriter, r *http.Request) {
		tokens(3, true, nil)(rw, r)
		_ = http.NewResponseController(rw).Flush()
		<-r.Context().Done()
		w.change(func() {
			there := false
			for _, frames := range w.frames {
				h, err := stream.ParseFrameHeader(frames[len(frames)-1])
				there = there || err == nil && h.Final
			}
			final <- there
		})
	})
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	got := w.read(r, w.taken(r))
	require.True(t, <-final)
	require.True(t, got.done())
	require.Equal(t, stream.Finished, got.reason())
	require.Equal(t, cocoon.Usage{Prompt: 20, Completion: 3}, got.receipt.Content.Usage)
}
