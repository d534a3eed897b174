package worker_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/worker/answer"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

var (
	ledgerKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	rewards   = cocoon.Account{0xd1}
)

// gateway is a dispatcher's side of interactive requests, and a daemon behind it.
type gateway struct {
	*market
	mu       sync.Mutex
	frames   map[stream.RequestID][][]byte
	receipts []receipt.SignedUsage
	silent   bool // acknowledges nothing
}

// newGateway puts a dispatcher that holds all rules on the market's chain.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{market: newMarket(t), frames: map[stream.RequestID][][]byte{}}
	block := attest.Block{Seqno: 100, Time: uint32(time.Now().Unix())}
	g.chain.standing.Block = block
	g.chain.dispatchers = map[cocoon.Account]answer.Dispatcher{rewards: {Block: block, Pot: cocoon.TON(1), Rewards: wrappers.Rewards{
		Birth: wrappers.RewardsBirth{Registry: g.chain.standing.Birth.Registry}, Bond: cocoon.TON(20), Number: 1,
		Keys:  wrappers.ReceiptKeys{Key: wrappers.PublicKey(ledgerKey)},
		Terms: &wrappers.RewardsTerms{MinBond: wrappers.Coins{Nano: cocoon.TON(20)}, Epoch: &wrappers.EpochTerms{NetworkBps: 100}}}}}
	g.cfg.Answers.Took = 0 // orders are answered
	g.cfg.Answers.Repeat, g.cfg.Answers.Linger, g.cfg.Answers.Handover = 20*time.Millisecond, time.Second, 100*time.Millisecond
	g.hear()
	return g
}

// hear subscribes to what workers say, on the bus that runs now.
func (g *gateway) hear() {
	g.t.Helper()
	_, err := g.conn.Subscribe(stream.FromWorkers(node, stream.FrameVerb), func(m *nats.Msg) {
		frames, err := stream.Unbundle(m.Data)
		if err != nil {
			g.t.Error(err)
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, f := range frames {
			if h, err := stream.ParseFrameHeader(f); err == nil {
				g.frames[h.Request] = append(g.frames[h.Request], f)
			}
		}
	})
	require.NoError(g.t, err)
	_, err = g.conn.Subscribe(stream.FromWorkers(node, stream.ReceiptVerb), func(m *nats.Msg) {
		u, err := receipt.ParseUsage(m.Data)
		if err != nil {
			return
		}
		g.mu.Lock()
		g.receipts = append(g.receipts, u)
		silent := g.silent
		g.mu.Unlock()
		if !silent {
			_ = g.conn.Publish(stream.ToWorker(workerID, u.Boot, stream.AckVerb), stream.Ack{Rewards: rewards, Boot: u.Boot, Number: u.Number}.Bytes())
		}
	})
	require.NoError(g.t, err)
	require.NoError(g.t, g.conn.Flush())
}

// boot is that of the worker that runs.
func (g *gateway) boot() stream.Boot {
	g.t.Helper()
	return stream.Boot(g.heartbeat(func(h bus.Heartbeat) bool { return h.Key != 0 }).Boot)
}

// tellBook shows the dispatcher's book.
func (g *gateway) tellBook() {
	g.t.Helper()
	b, err := receipt.Book{GlobalID: netID, Rewards: rewards, Seqno: 100}.Sign(ledgerKey)
	require.NoError(g.t, err)
	require.NoError(g.t, g.conn.Publish(stream.ToWorker(workerID, g.boot(), stream.BookVerb), b.Bytes()))
}

// ask sends a message to the running worker and returns its answer.
func (g *gateway) ask(verb stream.Verb, raw []byte) []byte {
	g.t.Helper()
	m, err := g.conn.Request(stream.ToWorker(workerID, g.boot(), verb), raw, wait)
	require.NoError(g.t, err, g.log)
	return m.Data
}

// asked is a request that the worker took.
type asked struct {
	route   stream.Route
	secret  stream.Secret
	nonce   stream.Nonce
	session [32]byte
}

// answered is what a daemon reads of a request, and the receipt over it.
func (g *gateway) answered(prompt string) ([]string, receipt.SignedUsage) {
	g.t.Helper()
	return g.read(g.order(prompt))
}

// order has the running worker take a request.
func (g *gateway) order(prompt string) asked {
	g.t.Helper()
	var keys stream.Keys
	require.Eventually(g.t, func() bool {
		var err error
		keys, err = stream.ParseKeys(g.ask(stream.KeysVerb, nil))
		return err == nil
	}, wait, tick)
	e, err := attest.Parse(keys.Evidence)
	require.NoError(g.t, err)
	require.NoError(g.t, e.Certificate.Verify(workerID))
	public, err := envelope.ParsePublicKey(e.Claims.Keys[0].Public[:])
	require.NoError(g.t, err)
	c, err := public.Prepare()
	require.NoError(g.t, err)
	now := uint32(time.Now().Unix())
	var named struct{ Model string }
	require.NoError(g.t, json.Unmarshal([]byte(prompt), &named))
	route := stream.Route{Request: stream.NewRequestID(), Model: cocoon.NewModelID(named.Model), Endpoint: stream.Chat, Issued: now, Expires: now + 600, MaxOut: 100, Choices: 1, Caps: asks}
	sealed, secrets, err := stream.Seal(rand.Reader, route, []byte(prompt), []*envelope.Context{c})
	require.NoError(g.t, err)
	raw := g.ask(stream.OrderVerb, stream.Order{Attempt: 1, Route: route, Rewards: rewards, Node: node, Price: asks, KeyID: stream.KeyID(e.Claims.Keys[0].ID()),
		Wrap: sealed.Wraps[0], Slice: 100, Size: uint32(len(sealed.Body)), Body: sealed.Body}.Bytes())
	if stream.KindOf(raw) == "fail" {
		f, err := stream.ParseFail(raw)
		require.NoError(g.t, err)
		g.t.Fatalf("order refused: %s", f.Error())
	}
	took, err := stream.ParseTook(raw)
	require.NoError(g.t, err)
	return asked{route, secrets[0], took.Nonce, e.Claims.Session}
}

// read waits for the receipt over a request and opens its frames.
func (g *gateway) read(a asked) ([]string, receipt.SignedUsage) {
	g.t.Helper()
	var bill receipt.SignedUsage
	require.Eventually(g.t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, u := range g.receipts {
			if u.Content.Request == a.route.Request {
				bill = u
				return true
			}
		}
		return false
	}, wait, tick, g.log)
	require.NoError(g.t, bill.Verify(a.session))
	o, err := stream.NewOpener(a.secret, a.route.Request, 1, a.nonce)
	require.NoError(g.t, err)
	var items stream.Items
	var all []string
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.frames[a.route.Request] {
		content, _, err := o.Open(f)
		require.NoError(g.t, err)
		next, err := items.Next(content)
		require.NoError(g.t, err)
		for _, item := range next {
			all = append(all, string(item))
		}
	}
	require.True(g.t, o.Ended())
	require.Equal(g.t, sha256.Sum256(bytes.Join(g.frames[a.route.Request], nil)), bill.Content.Frames)
	return all, bill
}

func prompt(model string) string {
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":%q}],"max_tokens":20}`, model, secret)
}

func TestStreams_AreAnsweredBesideBatches(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.run()
	g.tellBook()
	job := g.open(batch(2, model, `,"max_tokens":3`), nil)
	g.accepted(job)
	items, bill := g.answered(prompt(model))
	require.Equal(t, "[DONE]", items[len(items)-1])
	require.Equal(t, stream.Finished, stream.Reason(bill.Content.Reason))
	require.EqualValues(t, 20, bill.Content.Usage.Completion)
	u, err := openai.ParseUsage([]byte(items[len(items)-2]))
	require.NoError(t, err)
	require.Equal(t, u, bill.Content.Usage)
	h := g.heartbeat(func(h bus.Heartbeat) bool { return h.Requests == 1 })
	require.EqualValues(t, 2, h.Slots)
	require.Equal(t, bill.Content.Usage.Total(), h.Tokens)
	g.chain.bind(job.account, g.provider, workerID)
	g.delivered(job.account)
	require.NotContains(t, g.log.String(), secret)
}

// A batch that has all it may have leaves slots to who waits for an answer.
func TestStreams_DoNotWaitForABatch(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.chain.standing.Record.Concurrency = 4
	goOn, house := make(chan struct{}), engine.New(model)
	g.engineIs(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && r.Method == http.MethodPost && !bytes.Contains(body, []byte(`"stream":true`)) {
			<-goOn
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		house.ServeHTTP(w, r)
	}))
	g.run()
	g.tellBook()
	job := g.open(batch(20, model, `,"max_tokens":3`), nil)
	g.accepted(job)
	g.chain.bind(job.account, g.provider, workerID)
	g.heartbeat(func(h bus.Heartbeat) bool { return h.Busy == 3 })
	_, bill := g.answered(prompt(model))
	require.Equal(t, stream.Finished, stream.Reason(bill.Content.Reason))
	close(goOn)
	g.delivered(job.account)
}

// An engine for each model: each is asked for its own, and the heartbeat names
// the models whose engine answers.
func TestStreams_EachModelHasItsEngine(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	const other = "other/model"
	g.chain.standing.Record.Models = append(g.chain.standing.Record.Models, wrappers.ModelOffer{Model: cocoon.NewModelID(other), Price: asks})
	second := httptest.NewServer(engine.New(other))
	t.Cleanup(second.Close)
	g.cfg.Engines = map[cocoon.ModelID]string{cocoon.NewModelID(other): second.URL, cocoon.NewModelID(model): g.cfg.Engine}
	g.cfg.Engine = ""
	g.run()
	g.tellBook()
	for _, name := range []string{model, other} {
		_, bill := g.answered(prompt(name))
		require.Equal(t, stream.Finished, stream.Reason(bill.Content.Reason), name)
	}
	g.heartbeat(func(h bus.Heartbeat) bool { return len(h.Models) == 2 })
	second.Close()
	h := g.heartbeat(func(h bus.Heartbeat) bool { return len(h.Models) == 1 })
	require.Equal(t, []cocoon.ModelID{cocoon.NewModelID(model)}, h.Models)
	require.True(t, h.Ready)
}

// Receipts come again after the dispatcher was away, until it has them.
func TestStreams_ReceiptsOutliveTheDispatchersRestart(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.silent = true
	g.run()
	g.tellBook()
	_, bill := g.answered(prompt(model))
	addr := g.bus.Addr().String()
	g.bus.Shutdown()
	g.bus.WaitForShutdown()
	g.mu.Lock()
	g.receipts, g.silent = nil, false
	g.mu.Unlock()
	g.startBus(addr)
	g.hear()
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.receipts) > 0
	}, wait, tick)
	require.Equal(t, bill.Bytes(), g.receipts[0].Bytes())
	_, next := g.answered(prompt(model))
	require.Equal(t, bill.Number+1, next.Number)
}

// SIGTERM is a drain: what runs is finished, and heartbeats say that nothing more is taken.
func TestStreams_AreFinishedWhenTheWorkerStops(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	began, goOn := make(chan struct{}), make(chan struct{})
	house := engine.New(model)
	g.engineIs(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			close(began)
			<-goOn
		}
		house.ServeHTTP(w, r)
	}))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	w := g.newWorker()
	go func() { ended <- w.Run(ctx) }()
	g.tellBook()
	a := g.order(prompt(model))
	<-began
	stop()
	g.heartbeat(func(h bus.Heartbeat) bool { return !h.Ready })
	close(goOn)
	items, bill := g.read(a)
	require.Equal(t, "[DONE]", items[len(items)-1])
	require.Equal(t, stream.Finished, stream.Reason(bill.Content.Reason))
	require.NoError(t, <-ended)
}
