package answer_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// wordly is a world whose worker waits so long with the word that an order is taken.
func wordly(t *testing.T, wait time.Duration) *world {
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
	w := wordly(t, time.Minute)
	r := w.newRequest(stream.Chat, chat(""))
	w.unanswered(r)
	w.until("a final frame", func() bool { return len(w.words) > 0 })
	require.Equal(t, r.Route.Request, w.words[0].Request)
	require.Equal(t, r.Attempt, w.words[0].Attempt)
	require.True(t, w.read(r, w.words[0]).done())
	require.Len(t, w.words, 1)
}

func TestTook_GoesAloneWhereTheFirstFrameIsLate(t *testing.T) {
	t.Parallel()
	w := wordly(t, 5*time.Millisecond)
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
	require.Empty(t, w.words)
}

func TestTook_IsSaidAgainWhereItWasNotHeard(t *testing.T) {
	t.Parallel()
	w := wordly(t, time.Minute)
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
	w.until("the word", func() bool { return len(w.words) > 0 })
	require.True(t, w.read(r, w.words[0]).done())
	require.Len(t, w.words, 1)
}
