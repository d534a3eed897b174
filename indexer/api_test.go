package indexer

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// served is an indexer's API at work.
type served struct {
	t   *testing.T
	url string
}

func serve(t *testing.T, x *Indexer) served {
	t.Helper()
	s := httptest.NewServer(x.Handler())
	t.Cleanup(s.Close)
	return served{t, s.URL}
}

// get asks for path and reads the answer into v.
func (s served) get(path string, v any) (status int, header http.Header) {
	s.t.Helper()
	r, err := http.Get(s.url + path)
	require.NoError(s.t, err)
	defer r.Body.Close()
	require.NoError(s.t, json.NewDecoder(r.Body).Decode(v), path)
	return r.StatusCode, r.Header
}

func TestAPI_ServesWhatTheIndexerKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	s := w.play()
	w.follow(x)
	api := serve(t, x)

	var status struct {
		Seqno    uint32         `json:"mc_seqno"`
		Events   uint64         `json:"events"`
		Registry cocoon.Account `json:"registry"`
		GlobalID int32          `json:"global_id"`
	}
	_, header := api.get("/v1/status", &status)
	require.Equal(t, x.Head().Seqno, status.Seqno)
	require.Equal(t, w.registry, status.Registry)
	require.EqualValues(t, globalID, status.GlobalID)
	require.Regexp(t, `^\d+;\d+$`, header.Get("X-Cocoon-Head"))

	var p, again market.Provider
	api.get("/v1/providers/"+s.provider.Friendly(true, false), &p)
	api.get("/v1/providers/"+s.provider.String(), &again)
	want, err := x.Provider(t.Context(), s.provider)
	require.NoError(t, err)
	require.Equal(t, want, p)
	require.Equal(t, want, again)

	var e market.Epoch
	api.get("/v1/epochs/"+s.epoch.String(), &e)
	require.Equal(t, []uint32{3}, e.Claimed)
	var m market.Money
	api.get("/v1/money", &m)
	require.Equal(t, m.Received, must(must(m.Paid.Add(m.Fees)).Add(m.Held)))
	var registry market.Registry
	api.get("/v1/registry", &registry)
	require.True(t, registry.Launched)
	var raw map[string]any
	api.get("/v1/jobs/"+s.jobs["approved"].String(), &raw)
	require.Equal(t, "2000000000", raw["budget_nano"], "amounts are decimal strings")
	require.NotContains(t, raw, "$schema")
	ofRewards, err := x.events(t.Context(), 0, 200, &s.rewards)
	require.NoError(t, err)
	require.NotEmpty(t, ofRewards)
	var c market.Channel
	api.get("/v1/channels/"+s.channels["agreed"].String(), &c)
	channel, err := x.Channel(t.Context(), s.channels["agreed"])
	require.NoError(t, err)
	require.Equal(t, channel, c)
	for path, want := range map[string]int{"/v1/channels": 3, "/v1/channels?open=true": 1, "/v1/channels?client=" + w.me.String(): 3,
		"/v1/channels?rewards=" + w.me.String(): 0, "/v1/providers": 1, "/v1/workers": 2, "/v1/workers?active=true": 2, "/v1/jobs": 11, "/v1/jobs?status=paid": 2, "/v1/jobs?status=ruled": 3, "/v1/jobs?status=disputed": 1,
		"/v1/jobs?client=" + w.me.String(): 11, "/v1/jobs?provider=" + w.me.String(): 0, "/v1/epochs": 2, "/v1/epochs/" + s.epoch.String() + "/leaves": 5,
		"/v1/rewards": 1, "/v1/models": 2, "/v1/events?account=" + url.QueryEscape(s.rewards.Friendly(true, true)): len(ofRewards)} {
		var list struct {
			Items []any  `json:"items"`
			Next  string `json:"next_cursor"`
		}
		api.get(path, &list)
		require.Len(t, list.Items, want, path)
		require.Empty(t, list.Next)
	}
}

func TestAPI_PagesMissNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	s := w.play()
	w.follow(x)
	api := serve(t, x)
	for _, path := range []string{"/v1/jobs", "/v1/channels", "/v1/contracts", "/v1/workers", "/v1/epochs", "/v1/models", "/v1/providers", "/v1/rewards", "/v1/epochs/" + s.epoch.String() + "/leaves"} {
		var whole page[json.RawMessage]
		api.get(path, &whole)
		var parts []json.RawMessage
		for cursor := ""; ; {
			var part page[json.RawMessage]
			api.get(path+"?limit=2&cursor="+cursor, &part)
			parts = append(parts, part.Items...)
			require.LessOrEqual(t, len(part.Items), 2)
			if cursor = part.Next; cursor == "" {
				break
			}
		}
		require.Equal(t, whole.Items, parts, path)
	}
	var all []market.Event
	for {
		var list eventList
		api.get("/v1/events?limit=7&after="+json.Number(cocoon.NanoOf(uint64(len(all))).Text()).String(), &list)
		if all = append(all, list.Items...); len(list.Items) == 0 {
			break
		}
	}
	want, err := x.Events(t.Context(), 0, 1000)
	require.NoError(t, err)
	require.Equal(t, want, all)
}

func TestAPI_RefusesBadQuestions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	w.follow(x)
	api := serve(t, x)
	nobody := "0:" + strings.Repeat("ab", 32)
	foreign := topicOf("workers", "").cursor(1)
	for path, want := range map[string]int{
		"/v1/providers/nonsense":                  400,
		"/v1/providers/-1:" + nobody[2:]:          400,
		"/v1/providers/" + nobody:                 404,
		"/v1/jobs/" + nobody:                      404,
		"/v1/channels/" + nobody:                  404,
		"/v1/epochs/" + nobody + "/leaves":        404,
		"/v1/contracts/" + nobody:                 404,
		"/v1/jobs?client=nonsense":                400,
		"/v1/channels?rewards=nonsense":           400,
		"/v1/channels?open=maybe":                 422,
		"/v1/channels?cursor=" + foreign:          400,
		"/v1/jobs?status=lost":                    422,
		"/v1/jobs?limit=0":                        422,
		"/v1/jobs?limit=201":                      422,
		"/v1/jobs?limit=many":                     422,
		"/v1/jobs?cursor=!":                       400,
		"/v1/jobs?cursor=" + foreign:              400,
		"/v1/jobs?stauts=paid":                    422,
		"/v1/events?after=-1":                     422,
		"/v1/events?after=9999999999999999999999": 422,
		"/v1/stream?from=x":                       400,
		"/v1/stream?from=999":                     409,
	} {
		var problem struct {
			Status int    `json:"status"`
			Title  string `json:"title"`
			Detail string `json:"detail"`
		}
		got, header := api.get(path, &problem)
		require.Equal(t, want, got, "%s: %s", path, problem.Detail)
		require.Equal(t, want, problem.Status, path)
		require.Equal(t, "application/problem+json", header.Get("Content-Type"), path)
		require.NotEmpty(t, problem.Detail, path)
	}
}

func TestAPI_DescribesItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var spec struct {
		Version string                    `json:"openapi"`
		Paths   map[string]map[string]any `json:"paths"`
		Parts   struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Type any `json:"type"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	serve(t, w.open(newPath(t))).get("/v1/openapi.json", &spec)
	require.Equal(t, "3.1.0", spec.Version)
	for _, path := range []string{"/v1/status", "/v1/providers/{account}", "/v1/workers", "/v1/jobs", "/v1/channels", "/v1/channels/{account}", "/v1/epochs/{account}/leaves", "/v1/money", "/v1/contracts", "/v1/events", "/v1/stream"} {
		require.Contains(t, spec.Paths, path)
	}
	money := spec.Parts.Schemas["Money"].Properties
	require.Equal(t, "string", money["held_nano"].Type)
	require.Equal(t, "string", spec.Parts.Schemas["Provider"].Properties["owner"].Type)
}

func FuzzCursor(f *testing.F) {
	f.Add("jobs", uint64(7), "")
	f.Add("", uint64(1<<62), "AQAAAAAB")
	tag := topicOf("jobs").tag()
	f.Add("jobs", uint64(1), base64.RawURLEncoding.EncodeToString(append(append([]byte{cursorVersion}, tag[:]...), 0x87, 0))) // 7, at length
	f.Fuzz(func(t *testing.T, list string, number uint64, text string) {
		topic := topicOf(list)
		if got, err := topic.after(text); err == nil && text != "" {
			require.Equal(t, text, topic.cursor(got), "what is read is what was written")
		} else if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
		}
		if number <= 1<<62 {
			got, err := topic.after(topic.cursor(number))
			require.NoError(t, err)
			require.Equal(t, number, got)
			_, err = topicOf(list, "x").after(topic.cursor(number))
			require.Error(t, err)
		}
	})
}
