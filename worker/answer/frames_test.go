package answer_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/worker/answer"
)

func TestFrames_TheFirstTokenDoesNotWaitAndTheRestShareFrames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Window = time.Hour
	first := make(chan struct{})
	rest := tokens(50, true, func(i int, _ *http.Request) {
		if i == 0 {
			<-first
		}
	})
	w.engineIs(func(rw http.ResponseWriter, r *http.Request) { // the role that some engines begin with is no token
		rw.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprint(rw, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n")
		_ = http.NewResponseController(rw).Flush()
		rest(rw, r)
	})
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	took := w.taken(r)
	w.until("the first token", func() bool { return strings.Contains(w.frameText(r, took), "t0 ") })
	close(first)
	got := w.read(r, took)
	require.Equal(t, 2, got.frames, "one for the first, one for all others")
	for _, f := range w.frames[r.Route.Request] {
		require.Zero(t, (len(f)-stream.FrameHeaderSize-16)%stream.FramePad)
		h, err := stream.ParseFrameHeader(f)
		require.NoError(t, err)
		require.Zero(t, h.Out%stream.CountStep)
	}
}

// counted counts how often an engine's answers are read.
type counted struct {
	http.RoundTripper
	reads *atomic.Int64
}

func (c counted) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = &countedBody{resp.Body, c.reads}
	}
	return resp, err
}

type countedBody struct {
	io.ReadCloser
	reads *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	b.reads.Add(1)
	return b.ReadCloser.Read(p)
}

func TestFrames_ASlowEngineIsReadOnceAWindow(t *testing.T) {
	t.Parallel()
	const tokensOf = 100
	for _, c := range []struct {
		name   string
		window time.Duration
		pace   time.Duration
		often  func(reads int) bool
	}{
		{"slow", 100 * time.Millisecond, 10 * time.Millisecond, func(n int) bool { return n < tokensOf*3/4 }},
		{"slow, without a window", 0, 10 * time.Millisecond, func(n int) bool { return n >= tokensOf*3/4 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var reads atomic.Int64
			w.cfg.Window, w.reads = c.window, &reads
			w.engineIs(tokens(tokensOf, true, func(int, *http.Request) { time.Sleep(c.pace) }))
			w.start()
			r := w.newRequest(stream.Chat, chat(""))
			took := w.taken(r)
			got := w.read(r, took)
			require.Equal(t, tokensOf+2, len(got.items), "with the usage and the mark")
			require.True(t, c.often(int(reads.Load())), "%d reads", reads.Load())
		})
	}
}

func TestFrames_WithoutAWindowEveryEventHasOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Window = 0
	step := make(chan struct{})
	w.engineIs(tokens(10, true, func(int, *http.Request) { <-step }))
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	took := w.taken(r)
	for i := range 10 {
		w.until("a token", func() bool { return strings.Contains(w.frameText(r, took), fmt.Sprintf("t%d ", i)) })
		step <- struct{}{}
	}
	require.GreaterOrEqual(t, w.read(r, took).frames, 11)
}

// What gathers while others are sent goes together, to each node its own; where it
// cannot, all who wait are told.
func TestFrames_OfSeveralAnswersShareMessages(t *testing.T) {
	t.Parallel()
	const many = 20
	type sent struct {
		subject string
		frames  [][]byte
	}
	came, on := make(chan sent), make(chan error)
	o := answer.NewOutbox(func(subject string, data []byte) error {
		frames, err := stream.Unbundle(data)
		came <- sent{subject, frames}
		return errors.Join(err, <-on)
	})
	var puts errgroup.Group
	puts.Go(func() error { return o.Put("a", []byte("first")) })
	require.Equal(t, [][]byte{[]byte("first")}, (<-came).frames)
	for _, node := range []string{"a", "b"} {
		for i := range many {
			puts.Go(func() error { return o.Put(node, []byte{byte(i)}) })
		}
	}
	require.Eventually(t, func() bool { return o.Gathered() == 2*many }, wait, time.Millisecond)
	on <- nil
	for range 2 {
		all := <-came
		require.Len(t, all.frames, many, all.subject)
		on <- nil
	}
	require.NoError(t, puts.Wait())

	puts.Go(func() error { return o.Put("a", []byte("late")) })
	<-came
	on <- io.ErrClosedPipe
	require.ErrorIs(t, puts.Wait(), io.ErrClosedPipe)
	require.Zero(t, o.Gathered())
}

func TestFrames_EmptyOnesTellThatTheEngineLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.KeepAlive = 2 * time.Millisecond
	w.engineIs(silent)
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	took := w.taken(r)
	w.until("several empty frames", func() bool { return len(w.frames[r.Route.Request]) > 3 })
	w.s.Handle(stream.CancelVerb, stream.Cancel{Request: r.Route.Request}.Bytes(), nil)
	require.Empty(t, w.read(r, took).items)
}

func TestResume_SendsLostFramesToWhoAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Window, w.cfg.Linger = 0, time.Minute
	half := make(chan struct{})
	w.engineIs(tokens(40, true, func(i int, _ *http.Request) {
		if i == 20 {
			<-half
		}
	}))
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	took := w.taken(r)
	w.until("half of it", func() bool { return strings.Contains(w.frameText(r, took), "t20 ") })
	w.change(func() { w.dropped = 3 })
	close(half)
	w.receiptOf(r)
	seq := func() (n uint32) { // of the first that is missing
		for _, f := range w.frames[r.Route.Request] {
			if h, err := stream.ParseFrameHeader(f); err != nil || h.Seq != n {
				return n
			}
			n++
		}
		return n
	}
	w.mu.Lock()
	missing := seq()
	w.dropped = 0
	w.frames[r.Route.Request] = w.frames[r.Route.Request][:missing]
	w.mu.Unlock()
	w.s.Handle(stream.ResumeVerb, stream.Resume{Request: r.Route.Request, Seq: missing, Node: "d-2"}.Bytes(), nil)
	got := w.read(r, took) // opens all in order
	require.True(t, got.done())
	w.mu.Lock()
	require.Contains(t, w.subjects, stream.FromWorker("d-2", workerID, stream.FrameVerb))
	w.mu.Unlock()
	w.s.Handle(stream.ResumeVerb, stream.Resume{Request: r.Route.Request, Seq: missing}.Bytes(), nil)
	require.Contains(t, w.log.String(), "resume names no node")
}

func TestResume_IsPossibleForAWhileOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Linger = time.Millisecond
	w.start()
	r := w.newRequest(stream.Chat, chat(`,"max_tokens":1`))
	took := w.taken(r)
	n := w.read(r, took).frames
	require.Eventually(t, func() bool { return w.s.Kept() == 0 }, wait, time.Millisecond)
	w.s.Handle(stream.ResumeVerb, stream.Resume{Request: r.Route.Request, Node: node}.Bytes(), nil)
	require.Len(t, w.frames[r.Route.Request], n)
}

// While nobody listens the engine is read as far as there is room; then all comes in order.
func TestLink_FramesWaitForItAndHoldTheEngine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func() { w.deaf = true })
	big := strings.Repeat("x", 4000)
	var sent int // events the engine could write
	w.engineIs(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		for i := range 4000 {
			_, err := fmt.Fprintf(rw, "data: {\"choices\":[{\"delta\":{\"content\":\"%d %s\"}}]}\n\n", i, big)
			if err != nil {
				return
			}
			w.change(func() { sent++ })
		}
		_, _ = fmt.Fprint(rw, "data: [DONE]\n\n")
	})
	w.start()
	r := w.newRequest(stream.Chat, chat(""), func(r *stream.Route) { r.MaxOut = 10_000 })
	r.Slice = 10_000
	took := w.taken(r)
	held := 0
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		same := held > 0 && held == sent
		held = sent
		return same
	}, wait, 50*time.Millisecond)
	require.Less(t, held, 4000, "16 MB do not fit")
	w.change(func() { w.deaf = false })
	got := w.read(r, took)
	require.True(t, got.done())
	require.Len(t, got.items, 4001)
}

func TestLink_ThatStaysAwayEndsTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Unsent, w.cfg.Linger = 30*time.Millisecond, time.Minute
	w.change(func() { w.deaf = true })
	w.engineIs(forever(3))
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	took := w.taken(r)
	w.until("its slot is free", func() bool { return len(w.slots) == 0 })
	w.gone()
	w.change(func() { w.deaf = false })
	got := w.read(r, took)
	require.Equal(t, stream.Cancelled, got.reason())
	require.Equal(t, got.usage, got.receipt.Content.Usage)
}

func TestEarned_ARunThatDidNothingYetKeepsWhatTheOneBeforeEarned(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	require.Eventually(t, func() bool {
		w.acknowledge(0, w.earned(w.d, 3, 10)) // again, until the chain was asked
		_, err := os.Stat(filepath.Join(w.cfg.Data, "earned", fmt.Sprintf("%x-%010d", w.d.rewards[:], 3)))
		return err == nil
	}, wait, 10*time.Millisecond)
}

func TestEarned_IsKeptWhereItIsTheDispatchersWordAndMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	r := w.newRequest(stream.Chat, chat(`,"max_tokens":1`))
	w.taken(r)
	w.receiptOf(r)
	path := filepath.Join(w.cfg.Data, "earned", fmt.Sprintf("%x-%010d", w.d.rewards[:], 3))
	kept := func(amount uint64) {
		t.Helper()
		require.Eventually(t, func() bool {
			raw, err := os.ReadFile(path)
			if err != nil {
				return false
			}
			e, err := receipt.ParseEarned(raw)
			return err == nil && e.Amount == cocoon.NanoOf(amount)
		}, wait, time.Millisecond)
	}
	w.acknowledge(1, w.earned(w.d, 3, 10))
	kept(10)
	w.acknowledge(1, w.earned(w.d, 3, 30))
	kept(30)
	forged := w.d
	forged.key = key(55)
	other := w.newParty(2)
	for _, bad := range [][]byte{w.earned(w.d, 3, 20), w.earned(forged, 3, 99), w.earned(other, 3, 99), w.earned(w.d, 2, 99), []byte("nonsense")} {
		w.acknowledge(1, bad)
	}
	w.acknowledge(1, w.earned(w.d, 4, 5))
	next := filepath.Join(w.cfg.Data, "earned", fmt.Sprintf("%x-%010d", w.d.rewards[:], 4))
	require.Eventually(t, func() bool { _, err := os.Stat(next); return err == nil }, wait, time.Millisecond)
	w.stop()
	require.NoError(t, <-w.ended)
	w.ended <- nil
	kept(30)
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Contains(t, w.log.String(), "not signed by its key")
}

func TestKeys_RotateAndTheOneBeforeStaysValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	first := w.newRequest(stream.Chat, chat(`,"max_tokens":1`))
	same, _ := w.evidence()
	again, _ := w.evidence()
	require.Equal(t, same, again, "evidence is made once")
	w.pass(time.Hour)
	require.Eventually(t, func() bool { return w.s.Load().Key != first.KeyID }, wait, time.Millisecond)
	_, e := w.evidence()
	require.Len(t, liveKeys(e), 2)
	require.Equal(t, first.verify, e.Claims.Session, "the session key is the boot's")
	w.tellBook(w.d, 101, cocoon.Nano{})
	w.follows()
	second := w.newRequest(stream.Chat, chat(`,"max_tokens":1`))
	require.NotEqual(t, first.KeyID, second.KeyID)
	w.read(second, w.taken(second))
	reuse := w.newRequest(stream.Chat, chat(""))
	reuse.KeyID = first.KeyID
	_, f := w.order(reuse)
	require.Equal(t, stream.WrongKey, f.Code)
	require.Contains(t, f.Text, "does not open", "it is valid, but another's")
	w.pass(3 * time.Hour)
	w.tellBook(w.d, 102, cocoon.Nano{})
	require.Eventually(t, func() bool {
		gone := w.newRequest(stream.Chat, chat(""))
		gone.KeyID = first.KeyID
		_, f := w.order(gone)
		return f != nil && strings.Contains(f.Text, "no such key")
	}, wait, time.Millisecond)
}

// A client that asks for the open tier by name believes what a worker shows.
func TestKeys_AreEvidenceOfTheOpenTier(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	k, e := w.evidence()
	require.Equal(t, attest.TierOpen, e.Tier())
	require.Equal(t, provider, k.Provider)
	require.Equal(t, workerID, k.Worker)
	require.Equal(t, w.s.Boot(), k.Boot)
	require.Equal(t, e.Certificate.Bytes(), k.Certificate)
	require.Equal(t, [16]byte(k.Boot), e.Claims.Boot)
	require.Less(t, len(k.Bytes()), stream.MaxKeys)
}
