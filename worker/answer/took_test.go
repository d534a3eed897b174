package answer_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// tookWithin is a world whose worker waits so long with took.
func tookWithin(t *testing.T, wait time.Duration) *world {
	w := newWorld(t)
	w.cfg.Took = wait
	return w.start()
}

// unanswered orders what is answered by no message of its own.
func (w *world) unanswered(r *request) {
	w.s.Handle(stream.OrderVerb, r.Bytes(), func(raw []byte) { w.t.Errorf("order was answered with %s", stream.KindOf(raw)) })
}

func TestTook_GoesWithTheFirstFrame(t *testing.T) {
	t.Parallel()
	w := tookWithin(t, time.Minute)
	r := w.newRequest(stream.Chat, chat(""))
	w.unanswered(r)
	w.until("a final frame", func() bool { return len(w.tooks) > 0 })
	require.Equal(t, r.Route.Request, w.tooks[0].Request)
	require.Equal(t, r.Attempt, w.tooks[0].Attempt)
	require.True(t, w.read(r, w.tooks[0]).done())
	require.Len(t, w.tooks, 1)
}

func TestTook_GoesAloneWhereTheFirstFrameIsLate(t *testing.T) {
	t.Parallel()
	w := tookWithin(t, 5*time.Millisecond)
	goOn := make(chan struct{})
	says := tokens(3, true, nil)
	w.engineIs(func(rw http.ResponseWriter, r *http.Request) {
		<-goOn
		says(rw, r)
	})
	r := w.newRequest(stream.Chat, chat(""))
	took := w.taken(r)
	close(goOn)
	require.True(t, w.read(r, took).done())
	require.Empty(t, w.tooks)
}

func TestTook_IsSaidAgainWhereItWasNotHeard(t *testing.T) {
	t.Parallel()
	w := tookWithin(t, time.Minute)
	w.change(func() { w.deaf = true })
	asked := make(chan struct{})
	says := tokens(3, true, nil)
	w.engineIs(func(rw http.ResponseWriter, r *http.Request) {
		says(rw, r)
		close(asked)
	})
	r := w.newRequest(stream.Chat, chat(""))
	w.unanswered(r)
	<-asked
	w.change(func() { w.deaf = false })
	w.until("took", func() bool { return len(w.tooks) > 0 })
	require.True(t, w.read(r, w.tooks[0]).done())
	require.Len(t, w.tooks, 1)
}

func TestReceipts_GoWithTheNextFrames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Receipt, w.cfg.Repeat = time.Minute, time.Minute
	w.start()
	first := w.newRequest(stream.Chat, chat(""))
	w.taken(first)
	w.until("an end", func() bool { return len(w.slots) == 0 && len(w.frames[first.Route.Request]) > 0 })
	require.Empty(t, w.receipts[w.d.rewards])
	second := w.newRequest(stream.Chat, chat(""))
	w.taken(second)
	require.Equal(t, first.Route.Request, stream.RequestID(w.receiptOf(first).Content.Request))
	require.Equal(t, 1, w.along)
}

func TestReceipts_GoAloneWhereNoFramesDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Receipt, w.cfg.Repeat = 5*time.Millisecond, time.Minute
	w.start()
	for range 2 {
		r := w.newRequest(stream.Chat, chat(""))
		require.True(t, w.read(r, w.taken(r)).done())
	}
	require.Zero(t, w.along)
}

func TestReceipts_OfAnEndWithoutATokenWaitForNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Receipt, w.cfg.Repeat = time.Minute, time.Minute
	w.engineIs(func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, `{"error":{}}`, http.StatusBadRequest) })
	w.start()
	r := w.newRequest(stream.Chat, chat(""))
	require.Equal(t, stream.Refused, w.read(r, w.taken(r)).reason())
}

func TestReceipts_ThatDidNotArriveWithFramesComeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Receipt, w.cfg.Repeat = time.Minute, 20*time.Millisecond
	w.start()
	first := w.newRequest(stream.Chat, chat(""))
	w.taken(first)
	w.until("an end", func() bool { return len(w.slots) == 0 && len(w.frames[first.Route.Request]) > 0 })
	w.change(func() { w.deaf = true })
	second := w.newRequest(stream.Chat, chat(""))
	w.taken(second)
	w.until("the second's end", func() bool { return len(w.slots) == 0 })
	w.change(func() { w.deaf = false })
	require.Equal(t, first.Route.Request, stream.RequestID(w.receiptOf(first).Content.Request))
}
