package indexer

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// listen reads n events of a stream and hangs up. last goes with it as browsers
// send it, "" for none.
func (s served) listen(query, last string, n int) (events []market.Event, err error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/v1/stream"+query, nil)
	if err != nil {
		return nil, err
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		return nil, fmt.Errorf("%s: %s", answer.Status, kind)
	}
	id := ""
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for len(events) < n && lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id = text
		}
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var e market.Event
			if err = json.Unmarshal([]byte(text), &e); err != nil || fmt.Sprint(e.Seq) != id {
				return nil, fmt.Errorf("event %s: %w: %s", id, err, text)
			}
			events = append(events, e)
		}
	}
	return events, lines.Err()
}

func TestStream_GoesOnWithoutLossOrDuplicate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	stop := runs(t, x)
	api := serve(t, x)
	const total = 60
	var all []market.Event
	var listener errgroup.Group
	listener.Go(func() error { // connects again and again while the market goes on
		random := rand.New(rand.NewPCG(5, 6))
		for last := ""; len(all) < total; {
			events, err := api.listen("?from=0", last, min(1+random.IntN(7), total-len(all)))
			if err != nil || len(events) == 0 {
				return fmt.Errorf("after %d events: %w", len(all), err)
			}
			all = append(all, events...)
			last = fmt.Sprint(all[len(all)-1].Seq)
		}
		return nil
	})
	w.play()
	require.NoError(t, listener.Wait())
	stop()
	want, err := x.Events(t.Context(), 0, total)
	require.NoError(t, err)
	require.Equal(t, want, all)
}

// A client may come back for more before this process knows of the commit whose
// events it has read.
func TestStream_KnowsAnEventThatWasJustCommitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	api := serve(t, x)
	head, err := w.client.Head(t.Context())
	require.NoError(t, err)
	asked := 0
	x.fault = func(moment string) error {
		if moment != "committed" {
			return nil
		}
		newest, err := x.newest(t.Context())
		if err != nil || newest == 0 {
			return err
		}
		events, err := api.listen("?from="+fmt.Sprint(newest-1), "", 1)
		if err != nil || len(events) != 1 {
			return err
		}
		_, err = api.listen("", fmt.Sprint(newest), 0)
		asked++
		return err
	}
	for x.Head().Seqno < head.SeqNo {
		require.NoError(t, x.step(t.Context()))
	}
	require.Positive(t, asked)
}

func TestStream_WithoutAPlaceBeginsWithWhatIsNew(t *testing.T) {
	t.Parallel()
	in := streamInput{}
	after, err := in.after(7)
	require.NoError(t, err)
	require.EqualValues(t, 7, after)
	in = streamInput{LastEventID: "5", From: "2"}
	after, err = in.after(7)
	require.NoError(t, err)
	require.EqualValues(t, 5, after, "the header knows what has arrived")
}

func TestStream_IsNeverSilentForLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	ctx, cancel := context.WithCancel(t.Context())
	recorder := &recorder{ResponseRecorder: httptest.NewRecorder(), wrote: func(text string) error {
		if strings.HasPrefix(text, ":") {
			cancel()
		}
		return nil
	}}
	s := stream{Indexer: x, w: recorder, control: http.NewResponseController(recorder), heartbeat: time.Nanosecond}
	require.ErrorIs(t, s.run(ctx, 0), context.Canceled)
	require.Contains(t, recorder.Body.String(), "retry: 1000\n\n: alive\n\n")
}

func TestStream_LeavesAClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	w.follow(x)
	recorder := &recorder{ResponseRecorder: httptest.NewRecorder(), wrote: func(text string) error {
		if strings.HasPrefix(text, "id:") {
			return os.ErrDeadlineExceeded
		}
		return nil
	}}
	s := stream{Indexer: x, w: recorder, control: http.NewResponseController(recorder), heartbeat: heartbeat}
	require.ErrorIs(t, s.run(t.Context(), 0), os.ErrDeadlineExceeded)
	require.True(t, recorder.deadline.After(time.Now()), "every write has an end")
}

// recorder is a connection whose other side does what a test says.
type recorder struct {
	*httptest.ResponseRecorder
	wrote    func(string) error
	deadline time.Time
}

func (r *recorder) Write(b []byte) (int, error) { return r.WriteString(string(b)) }

func (r *recorder) WriteString(text string) (int, error) {
	if err := r.wrote(text); err != nil {
		return 0, err
	}
	return r.ResponseRecorder.WriteString(text)
}

func (r *recorder) SetWriteDeadline(t time.Time) error {
	r.deadline = t
	return nil
}

func FuzzStreamInput(f *testing.F) {
	f.Add("", "", uint64(3))
	f.Add("5", "x", uint64(9))
	f.Add("18446744073709551616", "-1", uint64(0))
	f.Fuzz(func(t *testing.T, last, from string, newest uint64) {
		after, err := (&streamInput{last, from}).after(newest)
		if err != nil {
			require.Contains(t, []cocoon.Kind{cocoon.Invalid, cocoon.Conflict}, cocoon.KindOf(err))
			return
		}
		require.LessOrEqual(t, after, newest)
	})
}
