package answer

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

var epoch = time.Unix(1_800_000_000, 0)

func route(maxOut uint32, choices uint8) stream.Route {
	return stream.Route{Model: cocoon.NewModelID("m"), Endpoint: stream.Chat, MaxOut: maxOut, Choices: choices}
}

// fed is a meter after items that come a second apart.
func fed(t *testing.T, m meter, items ...string) meter {
	for i, item := range items {
		next, _, failed := m.after([]byte(item), epoch.Add(time.Duration(i+1)*time.Second))
		require.False(t, failed, item)
		m = next
	}
	return m
}

func TestMeter_BillsWhatTheEngineCountedAndPiecesAfterIt(t *testing.T) {
	t.Parallel()
	piece := `{"choices":[{"delta":{"content":"x"}}]}`
	usage := `{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}`
	counted := cocoon.Usage{Prompt: 6, Cached: 4, Completion: 5, Reasoning: 2}
	for name, c := range map[string]struct {
		items  []string
		reason stream.Reason
		rate   float64
		want   cocoon.Usage
	}{
		"its count":                         {[]string{piece, piece, usage}, stream.Finished, 1000, counted},
		"pieces after it":                   {[]string{usage, piece, piece}, stream.Cancelled, 1000, cocoon.Usage{Prompt: 6, Cached: 4, Completion: 7, Reasoning: 2}},
		"no count, prompt by the rate":      {[]string{piece, piece}, stream.Cancelled, 8, cocoon.Usage{Prompt: 8, Completion: 2}},
		"no count, prompt by its size":      {[]string{piece, piece}, stream.Cancelled, 1000, cocoon.Usage{Prompt: 101, Completion: 2}},
		"cancelled before a token":          {nil, stream.Cancelled, 3, cocoon.Usage{Prompt: 30}},
		"nothing was measured":              {nil, stream.Cancelled, 0, cocoon.Usage{}},
		"failed before a token":             {nil, stream.Failed, 1000, cocoon.Usage{}},
		"failed after a token":              {[]string{piece}, stream.Failed, 1000, cocoon.Usage{Prompt: 101, Completion: 1}},
		"refused":                           {nil, stream.Refused, 1000, cocoon.Usage{}},
		"more than the route allows":        {[]string{`{"usage":{"prompt_tokens":1,"completion_tokens":999}}`}, stream.Finished, 0, cocoon.Usage{Prompt: 1, Completion: 40}},
		"more prompt than bytes":            {[]string{`{"usage":{"prompt_tokens":9999,"completion_tokens":1}}`}, stream.Finished, 0, cocoon.Usage{Prompt: 400 + promptOverhead, Completion: 1}},
		"a count that does not add up":      {[]string{piece, `{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"completion_tokens_details":{"reasoning_tokens":2}}}`}, stream.Finished, 8, cocoon.Usage{Prompt: 8, Completion: 1}},
		"roles, empty texts and keep-alive": {[]string{`{"choices":[{"delta":{"role":"assistant","content":""}}]}`, `{"choices":[{"text":""}]}`, `{"choices":[]}`}, stream.Finished, 0, cocoon.Usage{}},
		"every choice, reasoning and tools": {[]string{`{"choices":[{"delta":{"reasoning_content":"x"}},{"delta":{"tool_calls":[{"index":0}]}},{"text":"x"}]}`}, stream.Finished, 0, cocoon.Usage{Completion: 3}},
	} {
		m := fed(t, newMeter(route(20, 2), 400, epoch), c.items...)
		require.Equal(t, c.want, m.bill(c.reason, c.rate, epoch.Add(10*time.Second)), name)
	}
}

func TestMeter_SeesWhereTheEngineFailed(t *testing.T) {
	t.Parallel()
	for _, item := range []string{`{"error":{"message":"out of memory"}}`, `not JSON`, ``, `[1]`, `{"choices":[`, `{"choices":{}}`, `{"choices":[1]}`,
		`{"choices":[{"delta":[]}]}`, `{"choices":[{"text":"x","delta":"y"}]}`, `{"error":{},"usage":1}`, `{"error":false}`} {
		m, said, failed := newMeter(route(9, 1), 9, epoch).after([]byte(item), epoch)
		require.True(t, failed, item)
		require.False(t, said)
		require.Zero(t, m.out())
	}
}

// Counts at the end of a stream that had none say nothing of that item: it is
// handed on whether they are covered or not.
func TestMeter_ACountAloneIsNoToken(t *testing.T) {
	t.Parallel()
	m := fed(t, newMeter(route(90, 1), 9, epoch), `{"choices":[{"text":"several tokens"}]}`)
	m, said, _ := m.after([]byte(`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":3}}`), epoch)
	require.False(t, said)
	require.EqualValues(t, 3, m.out())
	_, said, _ = m.after([]byte(`{"choices":[{"text":"x"}],"usage":{"prompt_tokens":1,"completion_tokens":4}}`), epoch)
	require.True(t, said)
}

// It looks at every token of every answer.
func TestMeter_AllocatesNothingForAnItem(t *testing.T) {
	for _, item := range []string{`{"id":"a","choices":[{"delta":{"content":"x"},"text":"y"}]}`, `{"id":"a","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":7}}`} {
		m, raw := fed(t, newMeter(route(90, 1), 9, epoch), item), []byte(item)
		require.Zero(t, testing.AllocsPerRun(100, func() { m, _, _ = m.after(raw, epoch) }), item)
	}
}

func TestRates_AreTokensOverSecondsOfLate(t *testing.T) {
	t.Parallel()
	var r rates
	prefill, decode := r.perSecond()
	require.Zero(t, prefill+decode)
	m := newMeter(route(90, 1), 9, epoch)
	m.known, m.usage = true, cocoon.Usage{Prompt: 3000, Completion: 101}
	m.first, m.last = epoch.Add(2*time.Second), epoch.Add(4*time.Second)
	for range 10 {
		r.add(m)
		prefill, decode = r.perSecond()
		require.InDelta(t, 1500, prefill, 1e-6)
		require.InDelta(t, 50, decode, 1e-6)
	}
}

func TestTask_AsksForAStreamWithUsageAndNothingElseIsChanged(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{`"stream":false`, `"str\u0065am":null`, `"stream":false,"stream":1,"model":"m"`, `"max_tokens":null`} {
		prompt := ` {"model":"other","vendor" : {"deep":[1.50,null]},"model":"m","messages":[{"role":"user","content":"<é\u2028> "}], "n":2,"stream_options":{"x":1},` + stream + `} `
		task, err := newTask(route(7, 2), []byte(prompt), [32]byte{})
		require.NoError(t, err)
		require.Equal(t, len(prompt), task.size)
		require.Equal(t, `{"vendor" : {"deep":[1.50,null]},"messages":[{"role":"user","content":"<é\u2028> "}],"n":2,`+
			`"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true},"max_tokens":7,"model":"m"}`, string(task.body))
	}
	task, err := newTask(route(7, 2), []byte(`{"model":"m","max_completion_tokens":3}`), stream.Secret{})
	require.NoError(t, err)
	require.NotContains(t, string(task.body), "max_tokens")
	task, err = newTask(route(7, 2), []byte(`{"model":"m","max_tokens":3}`), stream.Secret{})
	require.NoError(t, err)
	require.Contains(t, string(task.body), `"max_tokens":3`)
	embed := route(0, 1)
	embed.Endpoint = stream.Embeddings
	task, err = newTask(embed, []byte(`{"model":"m","input":"x","stream":true}`), stream.Secret{})
	require.NoError(t, err)
	require.JSONEq(t, `{"model":"m","input":"x"}`, string(task.body))
}

func TestTask_RefusesWhatIsNotOfTheRouteWithoutQuotingIt(t *testing.T) {
	t.Parallel()
	for _, prompt := range []string{``, `null`, `[]`, `secret`, `{"model":"other secret"}`, `{"model":null}`, `{"messages":"secret"}`, `{"model":"m"} secret`, `{"model":["m"]}`} {
		_, err := newTask(route(7, 2), []byte(prompt), stream.Secret{})
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), prompt)
		require.NotContains(t, err.Error(), "secret")
	}
}

func FuzzItems(f *testing.F) {
	f.Add([]byte(`{"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":10,"completion_tokens":7}}`))
	f.Add([]byte(` {"m\u006fdel":"m", "n":[1 ,2],"stream":false,"max_tokens":null} `))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, _, _ := newMeter(route(5, 2), 30, epoch).after(raw, epoch)
		u := m.bill(stream.Finished, 1e18, epoch.Add(time.Hour))
		require.LessOrEqual(t, u.Completion+u.Reasoning, uint64(10))
		require.LessOrEqual(t, u.Prompt+u.Cached, uint64(30+promptOverhead))
		sameTask(t, raw)
	})
}

// sameTask holds newTask to what encoding/json reads.
func sameTask(t *testing.T, raw []byte) {
	var want, got map[string]json.RawMessage
	var model string
	ok := json.Unmarshal(raw, &want) == nil && json.Unmarshal(want["model"], &model) == nil && model == "m"
	task, err := newTask(route(5, 2), raw, stream.Secret{})
	require.Equal(t, ok, err == nil)
	if !ok {
		return
	}
	require.NoError(t, json.Unmarshal(task.body, &got))
	if missing(want["max_tokens"]) && missing(want["max_completion_tokens"]) {
		want["max_tokens"] = json.RawMessage("5")
	}
	want["stream"], want["stream_options"] = json.RawMessage("true"), json.RawMessage(`{"include_usage":true,"continuous_usage_stats":true}`)
	require.Equal(t, want, got)
}
