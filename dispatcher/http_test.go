package dispatcher_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/dispatcher"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

const token = "0123456789abcdef0123456789abcdef"

// call does one request and returns status and body.
func (w *town) call(method, path, token string, body []byte) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.ctx, method, w.api.URL+path, bytes.NewReader(body))
	require.NoError(w.t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	if answer.StatusCode >= 400 {
		require.Equal(w.t, "application/problem+json", answer.Header.Get("Content-Type"), "%s %s", method, path)
		var p struct {
			Title, Detail string
			Status        int
		}
		require.NoError(w.t, json.Unmarshal(content, &p))
		require.Equal(w.t, answer.StatusCode, p.Status)
		require.NotEmpty(w.t, p.Title)
	}
	return answer.StatusCode, string(content)
}

// offer is a good one, with its registration.
func (w *town) offer(edit func(*wrappers.JobOffer)) (wrappers.JobOffer, []byte) {
	w.t.Helper()
	key, err := envelope.NewKeyPair()
	require.NoError(w.t, err)
	registry, err := w.desk.Published(w.ctx)
	require.NoError(w.t, err)
	jobTerms, err := wrappers.Decode[wrappers.JobTerms](registry.JobTerms)
	require.NoError(w.t, err)
	caps := wrappers.PricesOf(price)
	o := wrappers.JobOffer{Client: w.payer.Account(), Dispatcher: w.keeper.Account(), DispatcherBps: 200, Terms: &jobTerms,
		Work: &wrappers.JobWork{Model: cocoon.NewModelID(model), PayloadHash: envelope.Hash([]byte("payload")), ResultKeyHash: key.Public().Hash(), Caps: &caps},
		Money: &wrappers.JobMoney{Budget: wrappers.Coins{Nano: cocoon.TON(1)}, MinBond: wrappers.Coins{Nano: cocoon.NanoOf(1)},
			AcceptBy: uint32(w.chain.Now().Unix()) + 600, Work: 60, Review: 30}}
	if edit != nil {
		edit(&o)
	}
	c, err := wrappers.Cell(o)
	require.NoError(w.t, err)
	body, err := json.Marshal(map[string][]byte{"offer": c.ToBOC(), "result_key": key.Public().Bytes()})
	require.NoError(w.t, err)
	return o, body
}

func TestHTTP_TellsWhatItAsksFor(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	status, body := w.call("GET", "/v1/dispatcher", "", nil)
	require.Equal(t, 200, status)
	want, err := json.Marshal(map[string]any{"global_id": w.net.GlobalID, "registry": w.desk.Registry, "payee": w.keeper.Account(), "bps": 200})
	require.NoError(t, err)
	require.JSONEq(t, string(want), body)
}

func TestHTTP_RefusesOffersThatWouldNotBeServed(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for want, edit := range map[string]func(*wrappers.JobOffer){
		"needs a budget":          func(o *wrappers.JobOffer) { o.Money.Budget.Nano = cocoon.Nano{} },
		"nobody could accept":     func(o *wrappers.JobOffer) { o.Money.AcceptBy = 5 },
		"not in the registry":     func(o *wrappers.JobOffer) { o.Work.Model[0]++ },
		"registry publishes":      func(o *wrappers.JobOffer) { o.Terms.NetworkBps++ },
		"this dispatcher asks":    func(o *wrappers.JobOffer) { o.DispatcherBps = 199 },
		"to 0:00000000000":        func(o *wrappers.JobOffer) { o.Dispatcher = cocoon.Account{} },
		"is not the one that the": func(o *wrappers.JobOffer) { o.Work.ResultKeyHash[0]++ },
	} {
		o, body := w.offer(edit)
		status, answer := w.call("POST", "/v1/jobs", token, body)
		require.Equal(t, 400, status, want)
		require.Contains(t, answer, want)
		a, err := o.Account()
		require.NoError(t, err)
		status, _ = w.call("GET", "/v1/jobs/"+a.String(), "", nil)
		require.Equal(t, 404, status, "nothing was kept")
	}
}

func TestHTTP_RefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	_, good := w.offer(nil)
	for name, c := range map[string]struct {
		method, path, token string
		body                []byte
		status              int
	}{
		"no token":              {"POST", "/v1/jobs", "", good, 403},
		"short token":           {"POST", "/v1/jobs", "short", good, 403},
		"no JSON":               {"POST", "/v1/jobs", token, []byte("hello"), 400},
		"no offer":              {"POST", "/v1/jobs", token, []byte("{}"), 400},
		"no BoC":                {"POST", "/v1/jobs", token, []byte(`{"offer":"AAAA"}`), 400},
		"another cell":          {"POST", "/v1/jobs", token, []byte(`{"offer":"te6cckEBAQEAAgAAAEysuc0="}`), 400},
		"a long request":        {"POST", "/v1/jobs", token, bytes.Repeat([]byte(" "), 1<<20), 400},
		"no address":            {"GET", "/v1/jobs/abc", "", nil, 400},
		"no such job":           {"GET", "/v1/jobs/0:" + strings.Repeat("0", 64), "", nil, 404},
		"no such job's intent":  {"GET", "/v1/jobs/0:" + strings.Repeat("0", 64) + "/intent", token, nil, 404},
		"no such job's grant":   {"POST", "/v1/jobs/0:" + strings.Repeat("0", 64) + "/grant", token, []byte("{}"), 404},
		"no hash":               {"GET", "/v1/blobs/xyz", "", nil, 400},
		"hash in upper case":    {"GET", "/v1/blobs/" + strings.Repeat("A", 64), "", nil, 400},
		"no path":               {"GET", "/v1/blobs/..%2f..%2fetc%2fpasswd", "", nil, 400},
		"no such blob":          {"GET", "/v1/blobs/" + strings.Repeat("a", 64), "", nil, 404},
		"payload of nobody":     {"PUT", "/v1/blobs/" + strings.Repeat("a", 64), token, []byte("x"), 404},
		"a method that is none": {"DELETE", "/v1/jobs", token, nil, 404},
		"a path that is none":   {"GET", "/v2", "", nil, 404},
	} {
		status, body := w.call(c.method, c.path, c.token, c.body)
		require.Equal(t, c.status, status, "%s: %s", name, body)
	}
}

func TestHTTP_AJobBelongsToWhoRegisteredIt(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	o, body := w.offer(nil)
	a, err := o.Account()
	require.NoError(t, err)
	for range 2 {
		status, answer := w.call("POST", "/v1/jobs", token, body)
		require.Equal(t, 200, status, answer)
		require.Contains(t, answer, `"status":"registered"`)
	}
	other := strings.Repeat("x", 32)
	for _, c := range []struct{ method, path string }{
		{"POST", "/v1/jobs"}, {"GET", "/v1/jobs/" + a.String() + "/intent"}, {"POST", "/v1/jobs/" + a.String() + "/grant"},
		{"PUT", "/v1/blobs/" + hex.EncodeToString(o.Work.PayloadHash[:])},
	} {
		status, answer := w.call(c.method, c.path, other, body)
		require.Equal(t, 403, status, "%s %s: %s", c.method, c.path, answer)
	}
	status, answer := w.call("PUT", "/v1/blobs/"+hex.EncodeToString(o.Work.PayloadHash[:]), token, []byte("payload"))
	require.Equal(t, 409, status, "it is not open yet: %s", answer)
	grant := []byte(`{"worker":"` + strings.Repeat("0", 64) + `","boot":"` + strings.Repeat("0", 32) + `","grant":{"job":"` + a.String() + `","wrap":"AAAA"}}`)
	status, _ = w.call("POST", "/v1/jobs/"+a.String()+"/grant", token, grant)
	require.Equal(t, 400, status, "a short grant")
}

func TestHTTP_OnlyTheOffersPayloadIsTaken(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	o, body := w.offer(nil)
	a, err := o.Account()
	require.NoError(t, err)
	status, _ := w.call("POST", "/v1/jobs", token, body)
	require.Equal(t, 200, status)
	w.open(o)
	w.job(a, is(market.Open))
	path := "/v1/blobs/" + hex.EncodeToString(o.Work.PayloadHash[:])
	require.Eventually(t, func() bool {
		status, _ = w.call("PUT", path, token, []byte("another"))
		return status == 400
	}, wait, tick)
	status, _ = w.call("PUT", path, token, make([]byte, envelope.MaxBlob+1))
	require.Equal(t, 400, status, "too large")
	entries, err := os.ReadDir(w.cfg.Blobs)
	require.NoError(t, err)
	require.Empty(t, entries)
	status, answer := w.call("PUT", path, token, []byte("payload"))
	require.Equal(t, 204, status, answer)
	status, _ = w.call("PUT", path, token, []byte("payload"))
	require.Equal(t, 204, status, "again")
	status, answer = w.call("GET", path, "", nil)
	require.Equal(t, 200, status)
	require.Equal(t, "payload", answer)
}

// open sends the offer's open_job.
func (w *town) open(o wrappers.JobOffer) {
	w.t.Helper()
	a, err := o.Account()
	require.NoError(w.t, err)
	init, err := o.Init()
	require.NoError(w.t, err)
	fees, err := wrappers.GetJobFees(w.ctx, w.client.Unborn(init), a)
	require.NoError(w.t, err)
	value, err := o.Money.Budget.Add(fees.OpenJob)
	require.NoError(w.t, err)
	body, err := wrappers.Cell(wrappers.OpenJob{})
	require.NoError(w.t, err)
	w.send(w.payer, chainMessage(a, value, init, body))
}

func TestHTTP_RegistrationsThatNeverOpenAreForgotten(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	o, body := w.offer(nil)
	a, err := o.Account()
	require.NoError(t, err)
	status, _ := w.call("POST", "/v1/jobs", token, body)
	require.Equal(t, 200, status)
	w.advance(601)
	require.Eventually(t, func() bool {
		status, _ := w.call("GET", "/v1/jobs/"+a.String(), "", nil)
		return status == 404
	}, wait, tick)
}

func TestHTTP_AStoppedDispatcherSaysSo(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.stop()
	status, _ := w.call("GET", "/v1/dispatcher", "", nil)
	require.Equal(t, 503, status)
}

func TestNew_LeavesAStrangeDatabaseAlone(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.stop()
	cfg := w.cfg
	cfg.Listen = "127.0.0.1:0"
	before, err := os.ReadFile(cfg.Path)
	require.NoError(t, err)
	cfg.GlobalID++
	_, err = dispatcher.New(t.Context(), cfg, w.deps)
	require.ErrorContains(t, err, "it belongs to network")
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.NotEmpty(t, cocoon.HintOf(err))
	after, err := os.ReadFile(cfg.Path)
	require.NoError(t, err)
	require.Equal(t, before, after)

	cfg = w.cfg
	cfg.Listen, cfg.Path = "127.0.0.1:0", filepath.Join(t.TempDir(), "no", "such", "folder", "d.db")
	_, err = dispatcher.New(t.Context(), cfg, w.deps)
	require.ErrorContains(t, err, "open database")

	cfg.Path, cfg.Registry = filepath.Join(t.TempDir(), "d.db"), cocoon.Account{9}
	_, err = dispatcher.New(t.Context(), cfg, w.deps)
	require.ErrorContains(t, err, "there is no registry at")
}

func TestConfig_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	good := dispatcher.DefaultConfig()
	good.Path, good.Blobs, good.Registry = "a", "b", cocoon.Account{1}
	require.NoError(t, good.Validate())
	for name, edit := range map[string]func(*dispatcher.Config){
		"path":     func(c *dispatcher.Config) { c.Path = "" },
		"blobs":    func(c *dispatcher.Config) { c.Blobs = "" },
		"registry": func(c *dispatcher.Config) { c.Registry = cocoon.Account{} },
		"payee":    func(c *dispatcher.Config) { c.Bps = 1 },
		"bps":      func(c *dispatcher.Config) { c.Bps, c.Payee = 10_001, cocoon.Account{1} },
		"timeout":  func(c *dispatcher.Config) { c.GrantTimeout = 0 },
		"node":     func(c *dispatcher.Config) { c.Node = "a.b" },
		"period":   func(c *dispatcher.Config) { c.Keeper.Period = 0 },
		"uptime":   func(c *dispatcher.Config) { c.Keeper.MinUptime = 10_001 },
	} {
		c := good
		edit(&c)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(c.Validate()), name)
	}
}

// mutedChain does not answer about one account for as long as the test wants.
type mutedChain struct {
	dispatcher.Chain
	about cocoon.Account
	mute  atomic.Bool
	asked atomic.Int32
}

func (m *mutedChain) Account(ctx context.Context, a cocoon.Account) (chain.Account, error) {
	if a == m.about && m.mute.Load() {
		m.asked.Add(1)
		return chain.Account{}, cocoon.Unreachable.Errorf("no liteserver answers")
	}
	return m.Chain.Account(ctx, a)
}

func TestDispatcher_ServesOnWhileTheChainDoesNotAnswerAndCatchesUp(t *testing.T) {
	t.Parallel()
	var muted *mutedChain
	w := newTown(t, func(w *town) {
		muted = &mutedChain{Chain: w.client, about: w.desk.Registry}
		w.deps.Chain = muted
	})
	muted.mute.Store(true)
	fees, err := wrappers.GetRegistryFees(t.Context(), w.client, w.desk.Registry)
	require.NoError(t, err)
	body, err := wrappers.Cell(wrappers.Suspend{Kind: wrappers.ChangeModel, Key: cocoon.NewModelID(model)})
	require.NoError(t, err)
	owner, err := chain.NewWallet(w.client, testKey(1))
	require.NoError(t, err)
	w.send(owner, chain.Message{To: w.desk.Registry, Amount: fees.Suspend, Bounce: true, Body: body})
	require.Eventually(t, func() bool { return muted.asked.Load() > 2 }, wait, tick)
	status, _ := w.call("GET", "/v1/dispatcher", "", nil)
	require.Equal(t, 200, status)
	muted.mute.Store(false)
	_, offer := w.offer(nil)
	require.Eventually(t, func() bool {
		status, answer := w.call("POST", "/v1/jobs", strings.Repeat("y", 32), offer)
		if status == 200 { // taken before it knew: another one
			_, offer = w.offer(nil)
		}
		return status == 409 && strings.Contains(answer, "suspended")
	}, wait, tick)
}
