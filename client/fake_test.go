package client_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/client"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/wrappers"
)

const (
	model  = "Qwen/Qwen3-32B"
	netID  = -217
	start  = 1_700_000_000
	secret = "What would nobody but the worker read?"
	wait   = 30 * time.Second
)

var (
	registry = cocoon.Account{0xee}
	payer    = cocoon.Account{0xcc}
	caps     = cocoon.Price{Prompt: cocoon.TON(1), Cached: cocoon.TON(1), Completion: cocoon.TON(2), Reasoning: cocoon.TON(2)}
)

// town is everything around the client under test: a chain of which the test
// is the only author, and a dispatcher that may lie.
type town struct {
	t   *testing.T
	dir string
	log *journal
	api *httptest.Server

	mu       sync.Mutex
	changed  chan struct{}
	now      uint32
	registry wrappers.Registry
	terms    map[string]any
	jobs     map[cocoon.Account]wrappers.Job
	provider map[cocoon.Account]wrappers.Provider
	sent     []chain.Message
	sending  error // what Send says instead of doing it

	offers  map[cocoon.Account]registration
	blobs   map[string][]byte
	intents chan bus.Intent // shown one after another
	refused map[bus.ID]string
	grants  chan grant
	broken  map[string]int // status by path, until removed
}

type registration struct{ Offer, ResultKey []byte }

type grant struct {
	Worker bus.ID
	Boot   bus.Boot
	Grant  bus.Grant
}

type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, dir: t.TempDir(), log: &journal{}, changed: make(chan struct{}), now: start,
		jobs: map[cocoon.Account]wrappers.Job{}, provider: map[cocoon.Account]wrappers.Provider{},
		terms:  map[string]any{"global_id": netID, "registry": registry, "payee": cocoon.Account{0xdd}, "bps": 200},
		offers: map[cocoon.Account]registration{}, blobs: map[string][]byte{}, intents: make(chan bus.Intent, 10),
		refused: map[bus.ID]string{}, grants: make(chan grant, 10), broken: map[string]int{}}
	code, err := wrappers.ProviderCode()
	require.NoError(t, err)
	terms, err := wrappers.Cell(wrappers.JobTerms{Registry: registry, NetworkBps: 100, Treasury: cocoon.Account{0xff}, Codes: wrappers.BirthCodes{List: []wrappers.BirthCode{code}}})
	require.NoError(t, err)
	w.registry = wrappers.Registry{JobTerms: terms, Models: []wrappers.Listed{{Key: cocoon.NewModelID(model)}}}
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(*http.Request) (any, int){
		"GET /v1/dispatcher": w.onTerms, "POST /v1/jobs": w.onRegister, "PUT /v1/blobs/{hash}": w.onUpload,
		"GET /v1/jobs/{job}/intent": w.onIntent, "POST /v1/jobs/{job}/grant": w.onGrant,
	} {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
			v, status := w.fault(r.Pattern)
			if status == 0 {
				v, status = h(r)
			}
			rw.WriteHeader(status)
			_ = json.NewEncoder(rw).Encode(v)
		})
	}
	mux.HandleFunc("GET /v1/blobs/{hash}", func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		blob, ok := w.blobs[r.PathValue("hash")]
		w.mu.Unlock()
		if !ok {
			rw.WriteHeader(http.StatusNotFound)
		}
		_, _ = rw.Write(blob)
	})
	w.api = httptest.NewServer(mux)
	t.Cleanup(w.api.Close)
	return w
}

func (w *town) fault(pattern string) (any, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return map[string]string{"detail": "the test says so", "hint": "ask the test"}, w.broken[pattern]
}

func (w *town) onTerms(*http.Request) (any, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.terms), http.StatusOK
}

func (w *town) view(a cocoon.Account) map[string]any {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, uploaded := w.blobs[hex.EncodeToString(payloadOf(w.jobs[a]))]
	return map[string]any{"job": a, "status": "open", "uploaded": uploaded, "refused": maps.Clone(w.refused)}
}

func payloadOf(j wrappers.Job) []byte {
	if j.Offer.Work == nil {
		return nil
	}
	return j.Offer.Work.PayloadHash[:]
}

func (w *town) onRegister(r *http.Request) (any, int) {
	body, _ := io.ReadAll(r.Body)
	var g struct {
		Offer     []byte `json:"offer"`
		ResultKey []byte `json:"result_key"`
	}
	if json.Unmarshal(body, &g) != nil || r.Header.Get("Authorization") == "" {
		return nil, http.StatusBadRequest
	}
	root, err := cell.FromBOC(g.Offer)
	if err != nil {
		return nil, http.StatusBadRequest
	}
	o, err := wrappers.Decode[wrappers.JobOffer](root)
	if err != nil {
		return nil, http.StatusBadRequest
	}
	a, err := o.Account()
	if err != nil {
		return nil, http.StatusBadRequest
	}
	w.mu.Lock()
	w.offers[a] = registration{g.Offer, g.ResultKey}
	w.mu.Unlock()
	return w.view(a), http.StatusOK
}

func (w *town) onUpload(r *http.Request) (any, int) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blobs[r.PathValue("hash")] = body
	return nil, http.StatusNoContent
}

// onIntent shows the next intent, or nothing after a little while.
func (w *town) onIntent(r *http.Request) (any, int) {
	a, err := cocoon.ParseAccount(r.PathValue("job"))
	if err != nil {
		return nil, http.StatusBadRequest
	}
	var intent *bus.Intent
	select {
	case i := <-w.intents:
		intent = &i
	case <-time.After(20 * time.Millisecond):
	case <-r.Context().Done():
	}
	v := w.view(a) // as it is when the intent is shown
	v["intent"] = intent
	return v, http.StatusOK
}

func (w *town) onGrant(r *http.Request) (any, int) {
	var g grant
	body, _ := io.ReadAll(r.Body)
	if json.Unmarshal(body, &g) != nil {
		return nil, http.StatusBadRequest
	}
	w.grants <- g
	return nil, http.StatusNoContent
}

// change edits the world and makes a block of it.
func (w *town) change(edit func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	edit()
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *town) set(a cocoon.Account, edit func(*wrappers.Job)) {
	w.change(func() {
		j := w.jobs[a]
		edit(&j)
		w.jobs[a] = j
	})
}

func (w *town) Registry(context.Context) (wrappers.Registry, uint32, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.registry, w.now, nil
}

func (w *town) Provider(_ context.Context, a cocoon.Account) (wrappers.Provider, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.provider[a]
	if !ok {
		return p, cocoon.NotFound.Errorf("there is no contract at %s", a)
	}
	return p, nil
}

func (w *town) Fees(context.Context, wrappers.JobOffer) (wrappers.JobFees, error) {
	return wrappers.JobFees{OpenJob: cocoon.NanoOf(7), Cancel: cocoon.NanoOf(8), Approve: cocoon.NanoOf(9), Dispute: cocoon.NanoOf(10)}, nil
}

func (w *town) WaitJob(ctx context.Context, a cocoon.Account, enough func(client.Job) bool) (client.Job, error) {
	for {
		w.mu.Lock()
		j, changed := client.Job{Now: w.now, Job: w.jobs[a]}, w.changed
		w.mu.Unlock()
		if enough(j) {
			return j, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return client.Job{}, ctx.Err()
		}
	}
}

func (w *town) Account() cocoon.Account { return payer }

// Send does what the job's contract would.
func (w *town) Send(_ context.Context, m ...chain.Message) (chain.Sent, error) {
	w.mu.Lock()
	err := w.sending
	w.mu.Unlock()
	if err != nil {
		return chain.Sent{}, err
	}
	w.set(m[0].To, func(j *wrappers.Job) {
		w.sent = append(w.sent, m[0])
		switch wrappers.OperationName(m[0].Body) {
		case "open_job":
			state, _ := wrappers.DecodeJob(m[0].Init.Data)
			*j = state
			j.Phase, j.Until = wrappers.JobOpen, j.Offer.Money.AcceptBy
		case "dispute":
			if j.Phase = wrappers.JobDisputed; j.Offer.Money.Arbiter.IsZero() {
				j.Phase = wrappers.JobClosed
			}
		case "cancel", "approve":
			j.Phase = wrappers.JobClosed
		}
	})
	return chain.Sent{}, nil
}

// client is one that goes on from the town's folder.
func (w *town) client() *client.Client {
	w.t.Helper()
	cfg := client.DefaultConfig()
	cfg.Dispatcher, cfg.Data, cfg.GlobalID, cfg.Registry = w.api.URL, w.dir, netID, registry
	cfg.Retry, cfg.OpenTime = time.Millisecond, 200*time.Millisecond
	c, err := client.New(cfg, client.Deps{Chain: w, Sender: w, Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	require.NoError(w.t, err)
	return c
}

func terms() client.Terms {
	t := client.DefaultTerms()
	t.Budget, t.Caps = cocoon.TON(1), caps
	return t
}

const line = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"` + model + `","messages":[{"role":"user","content":"` + secret + `"}]}}`

func (w *town) submit() cocoon.Account {
	w.t.Helper()
	job, err := w.client().Submit(w.t.Context(), bytes.NewReader([]byte(line)), terms())
	require.NoError(w.t, err)
	return job
}

// attended is how attending to a job ended.
type attended struct {
	result client.Result
	err    error
}

func (w *town) attend(job cocoon.Account) <-chan attended {
	done := make(chan attended, 1)
	c := w.client()
	go func() {
		r, err := c.Attend(w.t.Context(), job)
		done <- attended{r, err}
	}()
	return done
}

// next fails the test where nothing comes.
func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(wait):
		require.FailNow(t, "nothing came")
		panic("not reached")
	}
}

// machine is a worker of a provider on the chain.
type machine struct {
	provider cocoon.Account
	worker   ed25519.PrivateKey
	key      envelope.PrivateKey
}

func (m machine) id() bus.ID { return bus.ID(wrappers.PublicKey(m.worker)) }

// machine registers number n; edit may spoil its provider.
func (w *town) machine(n byte, edit func(*wrappers.Provider)) machine {
	w.t.Helper()
	m := machine{worker: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32))}
	var err error
	m.key, err = envelope.NewKeyPair()
	require.NoError(w.t, err)
	record, err := wrappers.WorkerRecord{GPU: "NVIDIA H100", GPUs: 1, VRAMMiB: 81_920, Concurrency: 1,
		Models: []wrappers.ModelOffer{{Model: cocoon.NewModelID(model), Price: caps}}}.Cell()
	require.NoError(w.t, err)
	p := wrappers.Provider{Birth: wrappers.ProviderBirth{Registry: registry, Owner: cocoon.Account{n}}, Born: true, Stake: cocoon.TON(7), GPUs: 1,
		Workers: []wrappers.Worker{{Key: wrappers.PublicKey(m.worker), GPUs: 1, Record: record}},
		Terms:   &wrappers.ProviderTerms{MinProvider: wrappers.Coins{Nano: cocoon.TON(5)}, MinGPU: wrappers.Coins{Nano: cocoon.TON(2)}}}
	m.provider, err = p.Birth.Account()
	require.NoError(w.t, err)
	if edit != nil {
		edit(&p)
	}
	w.change(func() { w.provider[m.provider] = p })
	return m
}

func (m machine) intent(job cocoon.Account) bus.Intent {
	return bus.SignIntent(m.worker, bus.Certificate{GlobalID: netID, Provider: m.provider, Boot: bus.Boot{1}, NotAfter: uint32(time.Now().Add(time.Hour).Unix())}, job, m.key.Public())
}

// accepted puts the job in the hands of m.
func (w *town) accepted(job cocoon.Account, m machine) {
	w.set(job, func(j *wrappers.Job) {
		j.Phase, j.Until = wrappers.JobAccepted, w.now+j.Offer.Money.Work
		j.Bound = &wrappers.Bound{Provider: m.provider, Worker: m.id(), Bond: j.Offer.Money.MinBond}
	})
}

// answer is a results file that answers the line, with usage.
func answer(t *testing.T, id string) []byte {
	t.Helper()
	file, err := openai.EncodeResults([]openai.Result{{ID: "r", CustomID: id, Response: &openai.Response{StatusCode: 200, RequestID: "q",
		Body: json.RawMessage(`{"usage":{"prompt_tokens":10,"completion_tokens":5}}`)}}})
	require.NoError(t, err)
	return file
}

// fairAmount is what answer costs at the caps.
var fairAmount = cocoon.NanoOf(20_000)

// delivered puts the result on chain for amount, and its blob at the dispatcher.
func (w *town) delivered(job cocoon.Account, file []byte, amount cocoon.Nano) {
	w.t.Helper()
	w.mu.Lock()
	key, err := envelope.ParsePublicKey(w.offers[job].ResultKey)
	w.mu.Unlock()
	require.NoError(w.t, err)
	blob, err := envelope.EncryptResult(rand.Reader, file, job, key)
	require.NoError(w.t, err)
	hash := envelope.Hash(blob)
	w.set(job, func(j *wrappers.Job) {
		w.blobs[hex.EncodeToString(hash[:])] = blob
		j.Phase, j.Result = wrappers.JobDelivered, &wrappers.Delivery{ResultHash: hash, Amount: wrappers.Coins{Nano: amount}}
	})
}
