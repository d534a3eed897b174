package answer_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/worker/answer"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

const (
	model  = "Qwen/Qwen3-32B"
	netID  = -217
	node   = "d-1"
	secret = "What would nobody but the worker read?"
	wait   = 30 * time.Second // for what will come
)

var (
	workerKey = key(1)
	workerID  = [32]byte(workerKey.Public().(ed25519.PublicKey))
	provider  = cocoon.Account{0xaa}
	registry  = cocoon.Account{0xee}
	asks      = cocoon.Price{Prompt: cocoon.NanoOf(1000), Cached: cocoon.NanoOf(500), Completion: cocoon.NanoOf(3000), Reasoning: cocoon.NanoOf(3000)}
)

func key(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)) }

// journal collects logs.
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

// party is a dispatcher: its contract, its key, and what it heard.
type party struct {
	rewards cocoon.Account
	key     ed25519.PrivateKey
}

// world is everything around a service under test: chain, engine, bus and clock.
type world struct {
	t     testing.TB
	cfg   answer.Config
	log   journal
	s     *answer.Service
	stop  context.CancelFunc
	ended chan error

	engine    atomic.Pointer[http.HandlerFunc]
	engineURL string        // of another engine
	asked     atomic.Int32  // requests at the engine now
	reads     *atomic.Int64 // of its answers, where they are counted
	slots     chan struct{}
	gpus      uint8

	mu       sync.Mutex
	now      time.Time
	record   answer.Record
	parties  map[cocoon.Account]answer.Dispatcher
	deaf     bool             // nothing is heard
	withheld stream.RequestID // whose frames are not heard
	dropped  int              // frames still to be lost on the way
	noAck    bool
	past     time.Duration                      // how far behind the chain's time is
	bookless bool                               // the dispatcher shows no book by itself
	light    bool                               // frames are counted as heard, and not kept
	billing  map[stream.RequestID]chan struct{} // closed at the receipt
	frames   map[stream.RequestID][][]byte
	tooks    []stream.Took // that came with frames
	along    int           // receipts that did
	subjects []string
	receipts map[cocoon.Account][]receipt.SignedUsage // every one that came, repeated ones too
	changed  chan struct{}
	d        party
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, now: time.Unix(1_800_000_000, 0), slots: make(chan struct{}, 4), frames: map[stream.RequestID][][]byte{},
		parties: map[cocoon.Account]answer.Dispatcher{}, receipts: map[cocoon.Account][]receipt.SignedUsage{}, changed: make(chan struct{})}
	w.record = answer.Record{Block: w.block(100), Registry: registry, Models: []wrappers.ModelOffer{{Model: cocoon.NewModelID(model), Price: asks}}}
	w.engineIs(engine.New(model).ServeHTTP)
	w.cfg = answer.DefaultConfig()
	w.cfg.Took, w.cfg.Receipt = 0, 0 // what is not about them hears them at once
	w.cfg.Key, w.cfg.Provider, w.cfg.GlobalID, w.cfg.Data = workerKey, provider, netID, t.TempDir()
	w.cfg.Window, w.cfg.Linger, w.cfg.Repeat, w.cfg.Handover = 5*time.Millisecond, 200*time.Millisecond, 20*time.Millisecond, 200*time.Millisecond
	w.cfg.Drain, w.cfg.Refresh, w.cfg.Lookup = 5*time.Second, 20*time.Millisecond, 5*time.Second
	w.d = w.newParty(1)
	return w
}

// block is the masterchain's of this moment.
func (w *world) block(seqno uint32) attest.Block {
	return attest.Block{Seqno: seqno, RootHash: [32]byte{byte(seqno)}, Time: uint32(w.now.Add(-w.past).Unix())}
}

// newParty puts a dispatcher that holds all rules on the chain.
func (w *world) newParty(n byte) party {
	p := party{cocoon.Account{0xd0, n}, key(100 + n)}
	w.change(func() {
		w.parties[p.rewards] = answer.Dispatcher{Block: w.block(100), Pot: cocoon.TON(1), Rewards: wrappers.Rewards{Birth: wrappers.RewardsBirth{Registry: registry},
			Bond: cocoon.TON(20), Number: 3, Keys: wrappers.ReceiptKeys{Key: [32]byte(p.key.Public().(ed25519.PublicKey))},
			Terms: &wrappers.RewardsTerms{MinBond: wrappers.Coins{Nano: cocoon.TON(20)}, Epoch: &wrappers.EpochTerms{NetworkBps: 100}}}}
	})
	return p
}

func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	close(w.changed)
	w.changed = make(chan struct{})
}

// pass moves the clock and the chain with it.
func (w *world) pass(d time.Duration) {
	w.change(func() {
		w.now = w.now.Add(d)
		w.record.Block = w.block(w.record.Block.Seqno + 1)
		for a, p := range w.parties {
			p.Block = w.record.Block
			w.parties[a] = p
		}
	})
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// until waits for what ok reports, which changes made by change bring about.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	limit := time.After(wait)
	for {
		w.mu.Lock()
		done, changed := ok(), w.changed
		w.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-limit:
			w.t.Fatalf("not seen: %s; log:\n%s", what, w.log.String())
		}
	}
}

// Record and Dispatcher are the chain.
func (w *world) Record(context.Context) (answer.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.record, nil
}

func (w *world) Dispatcher(_ context.Context, a cocoon.Account) (answer.Dispatcher, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, is := w.parties[a]
	if !is {
		return d, cocoon.Invalid.Errorf("there is no rewards contract at %s", a)
	}
	return d, nil
}

// follows waits until the service has read the chain as it is now.
func (w *world) follows() {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.s.Recent() == w.record.Block }, wait, time.Millisecond)
}

// Take and Free are the slots.
func (w *world) Take() bool {
	select {
	case w.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (w *world) Free() {
	<-w.slots
	w.change(func() {})
}

func (w *world) engineIs(h http.HandlerFunc) { w.engine.Store(&h) }

// send is the bus: it loses what it is told to.
func (w *world) send(subject string, raw []byte) error {
	var ack []byte
	var lost bool
	frames, err := stream.Unbundle(raw)
	if err != nil {
		return err
	}
	w.change(func() {
		h, err := stream.ParseFrameHeader(frames[0])
		if lost = w.deaf || err == nil && h.Request == w.withheld; lost {
			return
		}
		if !w.light {
			w.subjects = append(w.subjects, subject)
		}
		switch {
		case strings.HasSuffix(subject, ".frame") && w.light:
		case strings.HasSuffix(subject, ".frame") && w.dropped > 0:
			w.dropped--
		case strings.HasSuffix(subject, ".frame"):
			if t, err := stream.ParseTook(frames[0]); err == nil {
				w.tooks = append(w.tooks, t)
			}
			for _, f := range frames {
				if h, err := stream.ParseFrameHeader(f); err == nil {
					w.frames[h.Request] = append(w.frames[h.Request], f)
				} else if a := w.bill(f); a != nil {
					w.along++
					ack = a
				}
			}
		case strings.HasSuffix(subject, ".receipt"):
			ack = w.bill(raw)
		}
	})
	w.mu.Lock()
	s := w.s
	w.mu.Unlock()
	if lost {
		return cocoon.Unreachable.Errorf("nobody listens")
	}
	if ack != nil {
		go s.Handle(stream.AckVerb, ack, nil)
	}
	return nil
}

// bill takes a receipt and returns what acknowledges it; nil where nothing does. w.mu is held.
func (w *world) bill(raw []byte) (ack []byte) {
	u, err := receipt.ParseUsage(raw)
	if err != nil {
		return nil
	}
	if c := w.billing[u.Content.Request]; c != nil {
		delete(w.billing, u.Content.Request)
		close(c)
	}
	w.receipts[u.Rewards] = append(w.receipts[u.Rewards], u)
	if w.noAck {
		return nil
	}
	return stream.Ack{Rewards: u.Rewards, Boot: u.Boot, Number: u.Number}.Bytes()
}

// start runs a new service; an older one is left behind, as a killed process is.
func (w *world) start() *world {
	w.t.Helper()
	e := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		defer func() { w.asked.Add(-1); w.change(func() {}) }()
		(*w.engine.Load())(rw, r)
	}))
	transport := &http.Transport{MaxIdleConnsPerHost: 64, WriteBufferSize: 32 << 10, ReadBufferSize: 32 << 10}
	engines := http.RoundTripper(transport)
	if w.reads != nil {
		engines = counted{transport, w.reads}
	}
	s, err := answer.New(w.cfg, answer.Deps{Chain: w, Send: w.send, Slots: w, GPUs: w.gpus, Clock: w.clock, Blocks: func() time.Time { return w.clock().Add(-w.past) }, HTTP: &http.Client{Transport: engines},
		Logger: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Engine: func(m cocoon.ModelID) string {
			if m != cocoon.NewModelID(model) {
				return ""
			}
			return cmp.Or(w.engineURL, e.URL)
		}})
	require.NoError(w.t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	w.change(func() { w.s = s })
	w.stop, w.ended = stop, ended
	go func() { ended <- s.Run(ctx) }()
	w.t.Cleanup(func() {
		stop()
		s.Kill()
		require.NoError(w.t, <-ended)
		e.Close()
		transport.CloseIdleConnections()
	})
	if !w.bookless {
		w.tellBook(w.d, w.record.Block.Seqno, cocoon.Nano{})
	}
	return w
}

// tellBook has a dispatcher show its book.
func (w *world) tellBook(p party, seqno uint32, owes cocoon.Nano) {
	w.t.Helper()
	b, err := receipt.Book{GlobalID: netID, Rewards: p.rewards, Seqno: seqno, Earned: owes}.Sign(p.key)
	require.NoError(w.t, err)
	w.s.Handle(stream.BookVerb, b.Bytes(), nil)
}

// acknowledge has the dispatcher acknowledge receipts of the running service.
func (w *world) acknowledge(number uint32, earned []byte) {
	w.s.Handle(stream.AckVerb, stream.Ack{Rewards: w.d.rewards, Boot: w.s.Boot(), Number: number, Earned: earned}.Bytes(), nil)
}

// earned is what a dispatcher owes the provider in a number, by its word.
func (w *world) earned(p party, number uint32, amount uint64) []byte {
	w.t.Helper()
	e, err := receipt.Earned{GlobalID: netID, Rewards: p.rewards, Number: number, Provider: provider, Amount: cocoon.NanoOf(amount)}.Sign(p.key)
	require.NoError(w.t, err)
	return e.Bytes()
}

// ask has the service handle a request and waits for its answer.
func (w *world) ask(verb stream.Verb, message []byte) []byte {
	w.t.Helper()
	answer := make(chan []byte, 1)
	w.s.Handle(verb, message, func(raw []byte) { answer <- raw })
	select {
	case raw := <-answer:
		return raw
	case <-time.After(wait):
		w.t.Fatalf("%s was not answered; log:\n%s", verb, w.log.String())
		return nil
	}
}

// evidence is what the running service shows.
func (w *world) evidence() (stream.Keys, attest.Evidence) {
	w.t.Helper()
	for {
		raw := w.ask(stream.KeysVerb, nil)
		if stream.KindOf(raw) == "fail" {
			time.Sleep(time.Millisecond)
			continue // no block yet
		}
		k, err := stream.ParseKeys(raw)
		require.NoError(w.t, err)
		e, err := attest.Parse(k.Evidence)
		require.NoError(w.t, err)
		require.NoError(w.t, e.Certificate.Verify(workerID))
		return k, e
	}
}

// liveKeys are the keys for requests that evidence names.
func liveKeys(e attest.Evidence) (keys []attest.Key) {
	for _, k := range e.Claims.Keys {
		if k.Use == attest.UseLive {
			keys = append(keys, k)
		}
	}
	return keys
}

// request is one as its daemon and its dispatcher see it.
type request struct {
	stream.Order
	body   []byte // all of it
	secret stream.Secret
	verify [32]byte // the session's key
}

// newRequest encrypts a prompt to the running service; edit may change the route first.
func (w *world) newRequest(endpoint stream.Endpoint, prompt string, edit ...func(*stream.Route)) *request {
	w.t.Helper()
	_, e := w.evidence()
	now := uint32(w.clock().Unix())
	r := stream.Route{Request: stream.NewRequestID(), Model: cocoon.NewModelID(model), Endpoint: endpoint, Issued: now, Expires: now + 600, MaxOut: 1000, Choices: 1, Caps: asks}
	for _, f := range edit {
		f(&r)
	}
	k := liveKeys(e)[len(liveKeys(e))-1]
	public, err := envelope.ParsePublicKey(k.Public[:])
	require.NoError(w.t, err)
	c, err := public.Prepare()
	require.NoError(w.t, err)
	sealed, secrets, err := stream.Seal(zeros{}, r, []byte(prompt), []*envelope.Context{c})
	require.NoError(w.t, err)
	return &request{Order: stream.Order{Attempt: 1, Route: r, Rewards: w.d.rewards, Node: node, Price: asks, KeyID: stream.KeyID(k.ID()), Wrap: sealed.Wraps[0],
		Slice: 1000, Size: uint32(len(sealed.Body)), Body: sealed.Body[:min(len(sealed.Body), stream.MaxPart)]}, body: sealed.Body, secret: secrets[0],
		verify: e.Certificate.SessionKey}
}

// zeros are randomness enough: a key is for one body of a test.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// chat is a prompt for the house's engine.
func chat(extra string) string {
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":%q}]%s}`, model, secret, extra)
}

// order asks the service to take r; the code is 0 where it did.
func (w *world) order(r *request) (stream.Took, *stream.Fail) {
	w.t.Helper()
	raw := w.ask(stream.OrderVerb, r.Bytes())
	if stream.KindOf(raw) == "fail" {
		f, err := stream.ParseFail(raw)
		require.NoError(w.t, err)
		return stream.Took{}, f
	}
	took, err := stream.ParseTook(raw)
	require.NoError(w.t, err)
	require.Equal(w.t, r.Route.Request, took.Request)
	return took, nil
}

// taken is order where there is no reason to refuse.
func (w *world) taken(r *request) stream.Took {
	w.t.Helper()
	took, f := w.order(r)
	require.Nil(w.t, f, w.log.String())
	return took
}

// reading is what a daemon read of an attempt.
type reading struct {
	items   []string
	usage   cocoon.Usage // by the newest item that has it
	out     uint32       // of the newest frame
	frames  int
	hash    [32]byte
	receipt receipt.SignedUsage
}

func (r reading) done() bool { return len(r.items) > 0 && r.items[len(r.items)-1] == "[DONE]" }

// read waits for an answer to end, opens every frame and checks the receipt
// against what was read.
func (w *world) read(r *request, took stream.Took) reading {
	w.t.Helper()
	w.until("a final frame of "+r.Route.Request.String(), func() bool {
		frames := w.frames[r.Route.Request]
		if len(frames) == 0 {
			return false
		}
		h, err := stream.ParseFrameHeader(frames[len(frames)-1])
		return err == nil && h.Final
	})
	got := w.open(r, took)
	u := w.receiptOf(r)
	require.NoError(w.t, u.Verify(r.verify))
	require.Equal(w.t, receipt.Scope{GlobalID: netID, Provider: provider, Rewards: r.Rewards, Worker: workerID, Boot: w.s.Boot(), Number: u.Number}, u.Scope)
	cost, err := r.Price.Cost(u.Content.Usage)
	require.NoError(w.t, err)
	require.Equal(w.t, receipt.Content{Request: r.Route.Request, Attempt: r.Attempt, Reason: u.Content.Reason, Route: r.Route.Hash(), Frames: got.hash,
		Usage: u.Content.Usage, Price: r.Price, Cost: cost}, u.Content)
	got.receipt = u
	return got
}

// open reads the frames that came.
func (w *world) open(r *request, took stream.Took) (got reading) {
	w.t.Helper()
	o, err := stream.NewOpener(r.secret, r.Route.Request, r.Attempt, took.Nonce)
	require.NoError(w.t, err)
	var items stream.Items
	w.mu.Lock()
	frames := w.frames[r.Route.Request]
	w.mu.Unlock()
	for _, f := range frames {
		content, h, err := o.Open(f)
		require.NoError(w.t, err)
		next, err := items.Next(content)
		require.NoError(w.t, err)
		for _, item := range next {
			got.items = append(got.items, string(item))
			if u, err := openai.ParseUsage(item); err == nil {
				got.usage = u
			}
		}
		got.out = h.Out
	}
	got.frames, got.hash = len(frames), sha256.Sum256(bytes.Join(frames, nil))
	return got
}

func (w *world) receiptOf(r *request) (found receipt.SignedUsage) {
	w.t.Helper()
	w.until("a receipt of "+r.Route.Request.String(), func() bool {
		for _, u := range w.receipts[r.Rewards] {
			if u.Content.Request == r.Route.Request {
				found = u
				return true
			}
		}
		return false
	})
	return found
}

// billed is closed once the receipt of r has come.
func (w *world) billed(r *request) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := make(chan struct{})
	if w.billing == nil {
		w.billing = map[stream.RequestID]chan struct{}{}
	}
	w.billing[r.Route.Request] = c
	return c
}

// reason of a receipt.
func (r reading) reason() stream.Reason { return stream.Reason(r.receipt.Content.Reason) }

// text is what a chat's items say.
func (r reading) text(t testing.TB) string {
	var b strings.Builder
	for _, item := range r.items {
		var c struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if item != "[DONE]" {
			require.NoError(t, json.Unmarshal([]byte(item), &c))
			for _, choice := range c.Choices {
				b.WriteString(choice.Delta.Content)
			}
		}
	}
	return b.String()
}

// tokens serves so many pieces of a chat, with usage on each where counted. After
// each it calls between, where there is one.
func tokens(n int, counted bool, between func(i int, r *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(w)
		for i := range n {
			usage := ""
			if counted {
				usage = fmt.Sprintf(`,"usage":{"prompt_tokens":20,"completion_tokens":%d}`, i+1)
			}
			_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"t%d \"}}]%s}\n\n", i, usage)
			_ = out.Flush()
			if between != nil {
				between(i, r)
			}
		}
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", n)
	}
}
