package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/worker/engine"
)

// inBubble runs a test whose time passes only while all of it waits.
func inBubble(t *testing.T, cfg engine.Config, test func(t *testing.T, e *engine.Engine)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := engine.Open(cfg)
		require.NoError(t, err)
		test(t, e)
		time.Sleep(time.Minute) // a step that was left by all still ends
		c := e.Counters()
		require.Zero(t, c.Running+c.Waiting, "slots are free again")
		require.Equal(t, c.Started, c.Finished+c.Failed+c.Cancelled)
	})
}

// seen is an answer and when each token of it came, since it was asked for.
type seen struct {
	*httptest.ResponseRecorder
	start time.Time
	at    []time.Duration
	done  chan struct{}
}

func (s *seen) Write(b []byte) (int, error) {
	if strings.Contains(string(b), `"finish_reason":null`) {
		s.at = append(s.at, time.Since(s.start))
	}
	return s.ResponseRecorder.Write(b)
}

// begin asks without waiting for the answer; cancel is the client going away.
func begin(e *engine.Engine, path, body string) (s *seen, cancel context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	s = &seen{ResponseRecorder: httptest.NewRecorder(), start: time.Now(), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		e.ServeHTTP(s, httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(body)))
	}()
	synctest.Wait()
	return s, cancel
}

// tokens asks for a stream of n tokens to a prompt of so many.
func tokens(prompt, n int) string {
	return fmt.Sprintf(`{"model":"m","prompt":%q,"max_tokens":%d,"ignore_eos":true,"stream":true}`, strings.Repeat("a ", prompt), n)
}

func ms(list ...int) (out []time.Duration) {
	for _, n := range list {
		out = append(out, time.Duration(n)*time.Millisecond)
	}
	return out
}

var gpu = engine.Cost{Prefill: 1000, Chunk: 100, Step: 6 * time.Millisecond, Sequence: time.Millisecond}

func TestCost_PrefillThenAStepForEachToken(t *testing.T) {
	inBubble(t, engine.Config{Cost: gpu}, func(t *testing.T, e *engine.Engine) {
		s, _ := begin(e, openai.Completions, tokens(50, 4))
		<-s.done
		require.Equal(t, ms(50, 57, 64, 71), s.at)
		require.EqualValues(t, 4, e.Counters().Tokens)
	})
}

func TestCost_StepsGrowWithTheBatchAndWithPrefillsInThem(t *testing.T) {
	inBubble(t, engine.Config{Cost: gpu}, func(t *testing.T, e *engine.Engine) {
		a, _ := begin(e, openai.Completions, tokens(10, 5))
		b, _ := begin(e, openai.Completions, tokens(150, 3)) // a chunk of 100, then one of 50
		<-a.done
		<-b.done
		// 10: a's prefill; b joins: 100 + 7; the rest of b: 50 + 7; then both decode: 8; a is done before b
		require.Equal(t, ms(10, 117, 174, 182, 190), a.at)
		require.Equal(t, ms(174, 182, 190), b.at)
	})
}

func TestCost_ChoicesDecodeSideBySide(t *testing.T) {
	inBubble(t, engine.Config{Cost: gpu}, func(t *testing.T, e *engine.Engine) {
		s, _ := begin(e, openai.Chat, chatBody("a", `,"n":4,"max_tokens":2,"stream":true`))
		<-s.done
		require.Equal(t, ms(1, 1, 1, 1, 11, 11, 11, 11), s.at)
	})
}

func TestCost_CachedTokensAreNotComputed(t *testing.T) {
	inBubble(t, engine.Config{Cost: gpu, Cache: 1000}, func(t *testing.T, e *engine.Engine) {
		for _, first := range []int{100, 4} {
			s, _ := begin(e, openai.Completions, tokens(100, 1))
			<-s.done
			require.Equal(t, ms(first), s.at)
		}
	})
}

func TestCost_EmbeddingsTakeTheirPrefill(t *testing.T) {
	inBubble(t, engine.Config{Cost: gpu}, func(t *testing.T, e *engine.Engine) {
		s, _ := begin(e, openai.Embeddings, `{"model":"m","input":["a a a","a a"]}`)
		<-s.done
		require.Equal(t, 5*time.Millisecond, time.Since(s.start))
		require.Zero(t, e.Counters().Tokens)
	})
}

func TestSlots_AreWaitedForInOrder(t *testing.T) {
	cost := engine.Cost{Step: 10 * time.Millisecond, Slots: 2, Queue: 2}
	inBubble(t, engine.Config{Cost: cost}, func(t *testing.T, e *engine.Engine) {
		var all []*seen
		for range 4 {
			s, _ := begin(e, openai.Completions, tokens(1, 4))
			all = append(all, s)
		}
		require.Equal(t, 2, e.Counters().Running)
		require.Equal(t, 2, e.Counters().Waiting)
		full, _ := begin(e, openai.Completions, tokens(1, 4))
		<-full.done
		require.Equal(t, http.StatusServiceUnavailable, full.Code)
		require.Equal(t, "1", full.Header().Get("Retry-After"))
		for i, s := range all {
			<-s.done
			require.Equal(t, ms(0, 20, 40, 60)[i], s.at[0]) // one joins with the step after that in progress
		}
		require.EqualValues(t, 1, e.Counters().Failed)
	})
}

func TestSlots_AreSequencesAndARequestOfMoreHasThemAll(t *testing.T) {
	cost := engine.Cost{Step: 10 * time.Millisecond, Slots: 3}
	inBubble(t, engine.Config{Cost: cost}, func(t *testing.T, e *engine.Engine) {
		two, _ := begin(e, openai.Chat, chatBody("a", `,"n":2,"max_tokens":2,"stream":true`))
		five, _ := begin(e, openai.Chat, chatBody("a", `,"n":5,"max_tokens":2,"stream":true`))
		one, _ := begin(e, openai.Completions, tokens(1, 1)) // would fit, and does not overtake
		<-one.done
		<-two.done
		<-five.done
		require.Equal(t, ms(0, 0, 10, 10), two.at)
		require.Equal(t, ms(10, 10, 10, 10, 10, 20, 20, 20, 20, 20), five.at)
		require.Equal(t, ms(20), one.at)
	})
}

func TestSlots_AFullQueueRefusesWhoWouldOvertakeIt(t *testing.T) {
	cost := engine.Cost{Step: 10 * time.Millisecond, Slots: 3, Queue: 1}
	inBubble(t, engine.Config{Cost: cost}, func(t *testing.T, e *engine.Engine) {
		two, _ := begin(e, openai.Chat, chatBody("a", `,"n":2,"max_tokens":2`))
		three, _ := begin(e, openai.Chat, chatBody("a", `,"n":3,"max_tokens":2`))
		one, _ := begin(e, openai.Completions, tokens(1, 1))
		<-one.done
		require.Equal(t, http.StatusServiceUnavailable, one.Code)
		<-two.done
		<-three.done
		require.Equal(t, http.StatusOK, three.Code)
	})
}

func TestCancel_FreesTheSlotAtOnceAndIsCounted(t *testing.T) {
	cost := engine.Cost{Prefill: 100, Chunk: 10, Step: 10 * time.Millisecond, Slots: 1}
	for name, c := range map[string]struct {
		after time.Duration
		made  uint64
	}{"in prefill": {50 * time.Millisecond, 0}, "in decode": {1105 * time.Millisecond, 11}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, engine.Config{Cost: cost}, func(t *testing.T, e *engine.Engine) {
				s, cancel := begin(e, openai.Completions, tokens(100, 1000))
				waits, cancelWaiting := begin(e, openai.Completions, tokens(1, 1))
				next, _ := begin(e, openai.Completions, tokens(1, 1))
				time.Sleep(c.after)
				cancelWaiting()
				<-waits.done
				require.Equal(t, 1, e.Counters().Running)
				cancel()
				<-s.done
				now := e.Counters()
				require.Equal(t, 1, now.Running, "who waited has the slot")
				require.Zero(t, now.Waiting)
				require.EqualValues(t, 2, now.Cancelled)
				require.Zero(t, now.SlowestAbort, "no time passed")
				require.Equal(t, time.Now().UnixMicro(), now.LastAbort)
				<-next.done
				require.EqualValues(t, 1, e.Counters().Finished)
				require.Equal(t, c.made+1, e.Counters().Tokens, "nobody decodes for a client that is gone")
			})
		})
	}
}

func TestCancel_AfterTheEndIsNone(t *testing.T) {
	inBubble(t, engine.Config{Cost: gpu}, func(t *testing.T, e *engine.Engine) {
		s, cancel := begin(e, openai.Completions, tokens(1, 2))
		<-s.done
		cancel()
		synctest.Wait()
		require.Zero(t, e.Counters().Cancelled)
	})
}

// stuck is a client that stops reading after its first event.
type stuck struct {
	*httptest.ResponseRecorder
	gone context.Context
}

func (s stuck) Write([]byte) (int, error) {
	<-s.gone.Done()
	time.Sleep(20 * time.Millisecond) // until the write is given up
	return 0, s.gone.Err()
}

func TestCancel_FreesTheSlotOfAClientThatDoesNotRead(t *testing.T) {
	inBubble(t, engine.Config{Cost: engine.Cost{Step: time.Second, Slots: 1}}, func(t *testing.T, e *engine.Engine) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			w := stuck{httptest.NewRecorder(), ctx}
			e.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, openai.Completions, strings.NewReader(tokens(1, 100))))
		}()
		time.Sleep(5 * time.Second)
		require.Equal(t, 1, e.Counters().Running)
		cancel()
		synctest.Wait()
		require.Zero(t, e.Counters().Running)
		<-done
		require.EqualValues(t, 20_000, e.Counters().SlowestAbort, "the request ended with its write")
	})
}

func TestCancel_EndsAStreamThatCostsNothing(t *testing.T) {
	t.Parallel()
	e := open(engine.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	w := &leaving{httptest.NewRecorder(), 0, cancel}
	e.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, openai.Completions, strings.NewReader(tokens(1, 1000))))
	require.Equal(t, 3, w.events)
	require.EqualValues(t, 1, e.Counters().Cancelled)
}

// leaving is a client that goes away after three events; writes to it succeed.
type leaving struct {
	*httptest.ResponseRecorder
	events int
	leave  context.CancelFunc
}

func (l *leaving) Write(b []byte) (int, error) {
	if l.events++; l.events == 3 {
		l.leave()
	}
	return len(b), nil
}

// TestBatch_LoadComesOutEven lets many clients come and go: nobody is lost.
func TestBatch_LoadComesOutEven(t *testing.T) {
	cfg := engine.Config{Cost: engine.Cost{Prefill: 8000, Step: 6 * time.Millisecond, Sequence: 350 * time.Microsecond, Slots: 16}, Cache: 4096,
		Faults: []engine.Fault{{Kind: "slow-steps", Wait: 9 * time.Millisecond, Chance: 0.2}, {Kind: "hang", Count: 3, Chance: 0.02}, {Kind: "503", Chance: 0.1}}}
	inBubble(t, cfg, func(t *testing.T, e *engine.Engine) {
		var all []*seen
		for i := range 200 {
			s, cancel := begin(e, openai.Chat, chatBody(strings.Repeat("a ", i*7), fmt.Sprintf(`,"n":%d,"stream":true,"max_tokens":%d`, i%3+1, i%40+1)))
			if i%5 == 0 {
				time.AfterFunc(time.Duration(i)*time.Millisecond, cancel)
			}
			time.AfterFunc(10*time.Minute, cancel) // those that hang
			all = append(all, s)
			time.Sleep(time.Duration(i%4) * time.Millisecond)
		}
		for _, s := range all {
			<-s.done
		}
		c := e.Counters()
		require.EqualValues(t, 200, c.Started)
		require.Greater(t, c.Finished, uint64(100))
		require.Greater(t, c.Cancelled, uint64(10))
		require.Positive(t, c.Failed)
	})
}

// hand is a clock that a test moves.
type hand struct {
	now   time.Time
	asked chan time.Duration
	ring  chan time.Time
}

func (h *hand) Now() time.Time { return h.now }
func (h *hand) After(d time.Duration) <-chan time.Time {
	h.asked <- d
	return h.ring
}

func TestClock_IsTheOneGiven(t *testing.T) {
	t.Parallel()
	h := &hand{time.Unix(noon, 0), make(chan time.Duration), make(chan time.Time)}
	e, err := engine.Open(engine.Config{Cost: gpu, Clock: h})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.ServeHTTP(w, httptest.NewRequest(http.MethodPost, openai.Completions, strings.NewReader(tokens(20, 2))))
	}()
	require.Equal(t, 20*time.Millisecond, <-h.asked)
	h.now = h.now.Add(21 * time.Millisecond) // a timer is late
	h.ring <- h.now
	require.Equal(t, 6*time.Millisecond, <-h.asked, "and the next step makes up for it")
	h.ring <- h.now
	<-done
	require.Len(t, onlyTokens(t, chunks(t, w)), 2)
}
