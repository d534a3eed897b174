package engine_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/worker/engine"
)

func faults(t testing.TB, texts ...string) (out []engine.Fault) {
	t.Helper()
	for _, text := range texts {
		f, err := engine.ParseFault(text)
		require.NoError(t, err)
		out = append(out, f)
	}
	return out
}

// broken serves an engine with these faults over TCP.
func broken(t *testing.T, texts ...string) (*engine.Engine, string) {
	t.Helper()
	e := open(engine.Config{Faults: faults(t, texts...)})
	s := httptest.NewServer(e)
	t.Cleanup(s.Close)
	return e, s.URL
}

func send(t *testing.T, url, body string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+openai.Chat, strings.NewReader(body))
	require.NoError(t, err)
	return http.DefaultClient.Do(req)
}

// head is an answer without its body.
type head struct {
	status int
	header http.Header
	length int64
}

// fetch is all that is answered, and how reading it ended.
func fetch(t *testing.T, url, body string) (head, string, error) {
	t.Helper()
	resp, err := send(t, url, body)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return head{resp.StatusCode, resp.Header, resp.ContentLength}, string(raw), err
}

const usageToo = `,"stream":true,"stream_options":{"include_usage":true}`

func TestFault_FailsFastInOpenAIsShape(t *testing.T) {
	t.Parallel()
	for fault, retry := range map[string]string{"429=1500ms": "2", "500": "", "503=3s": "3"} {
		e, url := broken(t, fault)
		for _, more := range []string{"", usageToo} {
			resp, raw, err := fetch(t, url, chatBody("hi", more))
			require.NoError(t, err)
			require.Equal(t, fault[:3], fmt.Sprint(resp.status))
			require.Equal(t, retry, resp.header.Get("Retry-After"))
			require.NotEmpty(t, dig(t, object(t, raw), "error", "message"))
			require.NotEmpty(t, dig(t, object(t, raw), "error", "code"))
		}
		require.EqualValues(t, 2, e.Counters().Failed)
	}
	_, url := broken(t, "429=1500ms")
	resp, _, err := fetch(t, url, chatBody("hi", ""))
	require.NoError(t, err)
	require.Equal(t, "1500", resp.header.Get("Retry-After-Ms"))
}

func TestFault_CutsTheConnection(t *testing.T) {
	t.Parallel()
	e, url := broken(t, "cut=0")
	for _, more := range []string{"", usageToo} {
		_, err := send(t, url, chatBody("hi", more)) //nolint:bodyclose // there is none
		require.ErrorIs(t, err, io.EOF, "before anything is sent")
	}
	e2, url := broken(t, "cut=3")
	_, raw, err := fetch(t, url, chatBody("hi", usageToo))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, 3, strings.Count(raw, "\n\n"), "whole events")
	require.False(t, strings.HasSuffix(raw, "\n"), "it ends within a line")
	resp, raw, err := fetch(t, url, chatBody("hi", ""))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.EqualValues(t, resp.length/2, len(raw))
	_, url = broken(t, "cut=100000")
	_, raw, err = fetch(t, url, chatBody("hi", `,"stream":true,"max_tokens":5`))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "a shorter answer is cut before its end")
	require.Equal(t, 4, strings.Count(raw, "\n\n"))
	resp, raw, err = fetch(t, url, chatBody("hi", `,"stream":true,"max_tokens":1`))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, "text/event-stream", resp.header.Get("Content-Type"))
	require.True(t, strings.HasPrefix(raw, "data: {"), "half an event of an answer of one token")
	for _, e := range []*engine.Engine{e, e2} {
		require.EqualValues(t, 2, e.Counters().Failed)
		require.Zero(t, e.Counters().Cancelled)
	}
}

func TestFault_FailsInTheMiddle(t *testing.T) {
	t.Parallel()
	e, url := broken(t, "error=2")
	_, raw, err := fetch(t, url, chatBody("hi", usageToo))
	require.NoError(t, err)
	parts := strings.Split(strings.TrimSpace(raw), "\n\n")
	require.Len(t, parts, 3)
	require.Equal(t, "internal_error", dig(t, object(t, strings.TrimPrefix(parts[2], "data: ")), "error", "code"))
	resp, _, err := fetch(t, url, chatBody("hi", ""))
	require.NoError(t, err)
	require.Equal(t, http.StatusInternalServerError, resp.status)
	require.EqualValues(t, 2, e.Counters().Failed)
}

func TestFault_EndsWithoutDone(t *testing.T) {
	t.Parallel()
	e, url := broken(t, "no-done")
	_, raw, err := fetch(t, url, chatBody("hi", usageToo))
	require.NoError(t, err)
	require.NotContains(t, raw, "[DONE]")
	require.Contains(t, raw, `"finish_reason":"stop"`)
	require.Contains(t, raw, `"total_tokens"`)
	require.EqualValues(t, 1, e.Counters().Finished)
}

func TestFault_CountsWrong(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]any{"usage-over=7": 12.0, "usage-under=2": 3.0, "usage-under=9": 0.0, "usage-missing": nil} {
		e := open(engine.Config{Faults: faults(t, fault)})
		r := chat(t, e, "hi", `,"max_tokens":5`)
		all := chunks(t, post(e, openai.Chat, chatBody("hi", usageToo+`,"max_tokens":5`)))
		each := chunks(t, post(e, openai.Chat, chatBody("hi", `,"stream":true,"max_tokens":5,"stream_options":{"continuous_usage_stats":true}`)))
		if want == nil {
			require.NotContains(t, r, "usage")
			require.NotContains(t, fmt.Sprint(all, each), "usage")
			require.Len(t, onlyTokens(t, all), 5)
			require.NotContains(t, post(e, openai.Embeddings, `{"model":"m","input":"x"}`).Body.String(), "usage")
			continue
		}
		for _, u := range []any{r["usage"], all[6]["usage"], each[5]["usage"]} {
			require.Equal(t, want, dig(t, u, "completion_tokens"), fault)
			require.Equal(t, want.(float64)+1, dig(t, u, "total_tokens"))
		}
	}
}

func TestFault_CountsThatAreWrongStillAddUp(t *testing.T) {
	t.Parallel()
	e := open(engine.Config{Reasoning: 0.5, Faults: faults(t, "usage-under=15")})
	raw := post(e, openai.Chat, chatBody("hi", `,"max_tokens":20,"ignore_eos":true`)).Body.String()
	require.Equal(t, cocoon.Usage{Prompt: 1, Reasoning: 5}, usageOf(t, raw))
}

// whole reads a stream as the standard for server-sent events says.
func whole(t *testing.T, raw string) (data []string) {
	t.Helper()
	var event []string
	for _, line := range strings.Split(strings.ReplaceAll(raw, "\r\n", "\n"), "\n") {
		switch value, ok := strings.CutPrefix(line, "data: "); {
		case ok:
			event = append(event, value)
		case line == "" && event != nil:
			data, event = append(data, strings.Join(event, "\n")), nil
		}
	}
	return data
}

func TestFault_OddFormsSayTheSame(t *testing.T) {
	t.Parallel()
	body := chatBody("hi", usageToo)
	plainly := whole(t, post(plain, openai.Chat, body).Body.String())
	for fault, sign := range map[string]string{"sse-split": ",\ndata: ", "sse-crlf": "\r\n\r\n", "sse-comments": ": keep-alive\n", "sse-huge=70000": strings.Repeat("x", 70000)} {
		raw := post(open(engine.Config{Faults: faults(t, fault)}), openai.Chat, body).Body.String()
		require.Contains(t, raw, sign)
		odd := whole(t, raw)
		require.Len(t, odd, len(plainly), fault)
		require.Equal(t, "[DONE]", odd[len(odd)-1])
		for i := range odd[:len(odd)-1] {
			var o map[string]any
			require.NoError(t, json.Unmarshal([]byte(odd[i]), &o), fault)
			delete(o, "x_padding")
			again, err := json.Marshal(o)
			require.NoError(t, err)
			require.JSONEq(t, plainly[i], string(again), fault)
		}
	}
	garbage := whole(t, post(open(engine.Config{Faults: faults(t, "sse-garbage")}), openai.Chat, body).Body.String())
	require.Len(t, garbage, len(plainly)+1)
	require.False(t, json.Valid([]byte(garbage[1])))
}

func TestFault_LinesArriveInHalves(t *testing.T) {
	t.Parallel()
	w := &writes{ResponseRecorder: httptest.NewRecorder()}
	e := open(engine.Config{Faults: faults(t, "sse-split")})
	e.ServeHTTP(w, httptest.NewRequest(http.MethodPost, openai.Chat, strings.NewReader(chatBody("hi", `,"stream":true`))))
	within := 0
	for _, b := range w.list {
		if !strings.HasSuffix(b, "\n") && b != "" {
			within++
		}
	}
	require.Greater(t, within, len(w.list)/3)
}

type writes struct {
	*httptest.ResponseRecorder
	list []string
}

func (w *writes) Write(b []byte) (int, error) {
	w.list = append(w.list, string(b))
	return w.ResponseRecorder.Write(b)
}

func TestFault_IsSlow(t *testing.T) {
	inBubble(t, engine.Config{Faults: faults(t, "slow-first=3s@1", "slow-steps=250ms@2")}, func(t *testing.T, e *engine.Engine) {
		first, _ := begin(e, openai.Completions, tokens(1, 3))
		steps, _ := begin(e, openai.Completions, tokens(1, 3))
		other, _ := begin(e, openai.Completions, tokens(1, 3))
		<-other.done
		require.Equal(t, ms(0, 0, 0), other.at, "others are not")
		<-first.done
		<-steps.done
		require.Equal(t, ms(3000, 3000, 3000), first.at)
		require.Equal(t, ms(0, 250, 500), steps.at)
	})
}

func TestFault_HangsUntilTheClientGoes(t *testing.T) {
	for fault, events := range map[string]int{"hang": 0, "hang=2": 2, "hang=1000": 4} {
		t.Run(fault, func(t *testing.T) {
			cfg := engine.Config{Faults: faults(t, fault+"@1"), Cost: engine.Cost{Slots: 1}}
			inBubble(t, cfg, func(t *testing.T, e *engine.Engine) {
				s, cancel := begin(e, openai.Completions, tokens(1, 5))
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				require.Len(t, s.at, events)
				require.Equal(t, 1, e.Counters().Running, "it holds its slot")
				next, _ := begin(e, openai.Completions, tokens(1, 5))
				cancel()
				<-s.done
				<-next.done
				require.Len(t, next.at, 5)
				require.EqualValues(t, 1, e.Counters().Cancelled)
			})
		})
	}
}

func TestFault_HappensToTheNthOrByChanceAndTheSameAgain(t *testing.T) {
	t.Parallel()
	statuses := func(seed uint64, fault string) (out []int) {
		e := open(engine.Config{Seed: seed, Faults: faults(t, fault)})
		for range 400 {
			out = append(out, post(e, openai.Chat, chatBody("hi", "")).Code)
		}
		return out
	}
	count := func(list []int) (n int) {
		for _, s := range list {
			if s == 500 {
				n++
			}
		}
		return n
	}
	third := statuses(0, "500@3")
	require.Equal(t, 500, third[2])
	require.Equal(t, 1, count(third))
	require.Equal(t, 400, count(statuses(0, "500")))
	require.Equal(t, 400, count(statuses(0, "500@100%")))
	some := statuses(7, "500@25%")
	require.InDelta(t, 100, count(some), 40)
	require.Equal(t, some, statuses(7, "500@25%"))
	require.NotEqual(t, some, statuses(8, "500@25%"))
}

// TestCancel_OverTCP is what a worker relies on: a closed connection ends the
// request in the engine.
func TestCancel_OverTCP(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ fault, body string }{
		"before the first token": {"hang", chatBody("hi", usageToo)},
		"in the stream":          {"hang=3", chatBody("hi", usageToo)},
		"without a stream":       {"hang", chatBody("hi", "")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := engine.Open(engine.Config{Faults: faults(t, c.fault)})
			require.NoError(t, err)
			s := httptest.NewServer(e)
			defer s.Close()
			ctx, cancel := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+openai.Chat, strings.NewReader(c.body))
			require.NoError(t, err)
			ended := make(chan error, 1)
			go func() {
				resp, err := http.DefaultClient.Do(req)
				if err == nil {
					_, err = io.Copy(io.Discard, bufio.NewReader(resp.Body))
					resp.Body.Close()
				}
				ended <- err
			}()
			require.Eventually(t, func() bool { return e.Counters().Running == 1 }, 10*time.Second, time.Millisecond)
			closed := time.Now()
			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
			require.Eventually(t, func() bool { return e.Counters().Cancelled == 1 }, 10*time.Second, time.Millisecond)
			require.Zero(t, e.Counters().Running)
			require.GreaterOrEqual(t, e.Counters().LastAbort, closed.UnixMicro())
		})
	}
}

func TestCounters_AreServed(t *testing.T) {
	t.Parallel()
	e := open(engine.Config{})
	post(e, openai.Chat, chatBody("hi", `,"max_tokens":3`))
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/counters", nil))
	var c engine.Counters
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &c))
	require.Equal(t, engine.Counters{Started: 1, Finished: 1, Tokens: 3}, c)
}

func TestParseFault_ReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]engine.Fault{
		"cut":               {Kind: "cut", Count: 4},
		"cut=0@3":           {Kind: "cut", Nth: 3},
		"503=2s@0.5%":       {Kind: "503", Wait: 2 * time.Second, Chance: 0.005},
		"slow-first@100%":   {Kind: "slow-first", Wait: time.Second, Chance: 1},
		"no-done@12":        {Kind: "no-done", Nth: 12},
		"sse-huge=10000000": {Kind: "sse-huge", Count: 10_000_000},
	} {
		f, err := engine.ParseFault(text)
		require.NoError(t, err)
		require.Equal(t, want, f)
		again, err := engine.ParseFault(f.String())
		require.NoError(t, err)
		require.Equal(t, f, again)
	}
	for text, want := range map[string]string{"": "unknown fault", "fire": "unknown fault", "cut=x": "not a value as in cut=4", "503=soon": "not a value as in 503=1s",
		"no-done=1": "takes no value", "cut@0": "neither the number", "cut@0%": "neither the number", "cut@x%": "neither", "cut@101%": "chance of 0 to 100%",
		"cut=-1": "cannot count", "503=-1s": "cannot last", "cut@NaN%": "chance of", "cut@-1": "neither"} {
		_, err := engine.ParseFault(text)
		require.ErrorContains(t, err, want, text)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
	for _, line := range engine.FaultKinds() {
		text, _, _ := strings.Cut(line, " ")
		_, err := engine.ParseFault(text)
		require.NoError(t, err, "what is listed is understood")
	}
}

func FuzzParseFault(f *testing.F) {
	for _, s := range []string{"cut=10@3", "503=2s@0.5%", "usage-missing", "hang@1e-3%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		one, err := engine.ParseFault(text)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		again, err := engine.ParseFault(one.String())
		require.NoError(t, err)
		require.InDelta(t, one.Chance, again.Chance, 1e-12)
		one.Chance, again.Chance = 0, 0
		require.Equal(t, one, again)
	})
}
