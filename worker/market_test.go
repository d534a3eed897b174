package worker_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/worker"
	"github.com/cocoon-network/cocoon/worker/engine"
	"github.com/cocoon-network/cocoon/wrappers"
)

const (
	model  = "Qwen/Qwen3-32B"
	node   = "d-1"
	netID  = -217
	secret = "What would nobody but the worker read?"

	// wait bounds how long a test looks for what will come, tick how often it does.
	wait = 30 * time.Second
	tick = 5 * time.Millisecond
)

var (
	workerKey   = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	operatorKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	offerKey    = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32))
	workerID    = bus.ID(wrappers.PublicKey(workerKey))
	payee       = cocoon.Account{0xdd}
	asks        = cocoon.Price{Prompt: cocoon.TON(1), Cached: cocoon.TON(1), Completion: cocoon.TON(2), Reasoning: cocoon.TON(2)}
)

// market is everything around the worker under test.
type market struct {
	t        *testing.T
	chain    *ledger
	proven   worker.Chain // in place of the ledger, where a test has a real chain
	provider cocoon.Account
	cfg      worker.Config
	log      *journal
	engine   atomic.Pointer[http.Handler]

	bus   *server.Server
	tls   *tls.Config // of the bus, nil for none
	conn  *nats.Conn  // the dispatcher's
	beats chan bus.Heartbeat
	doors atomic.Int32 // logins refused
	shut  atomic.Bool  // nobody is let in

	mu         sync.Mutex
	payloads   map[cocoon.Account][]byte
	spoil      func(*bus.Part)                  // what a lying dispatcher does to payloads
	refuse     map[bus.Verb]*bus.Refusal        // what it refuses
	uploads    map[cocoon.Account]*bus.Assembly // results on their way
	results    map[cocoon.Account][]byte        // that arrived whole
	deliveries map[cocoon.Account]chan bus.Deliver
}

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

func newMarket(t *testing.T) *market {
	t.Helper()
	birth := wrappers.ProviderBirth{Registry: cocoon.Account{0xee}, Owner: cocoon.Account{0xaa}, Index: 1}
	provider, err := birth.Account()
	require.NoError(t, err)
	m := &market{t: t, chain: newLedger(), provider: provider, log: &journal{}, beats: make(chan bus.Heartbeat, 1000),
		payloads: map[cocoon.Account][]byte{}, refuse: map[bus.Verb]*bus.Refusal{},
		uploads: map[cocoon.Account]*bus.Assembly{}, results: map[cocoon.Account][]byte{}, deliveries: map[cocoon.Account]chan bus.Deliver{}}
	m.engineIs(engine.New(model))
	e := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*m.engine.Load()).ServeHTTP(w, r) }))
	t.Cleanup(e.Close)
	m.chain.standing = worker.Standing{Birth: birth, Operator: wrappers.PublicKey(operatorKey), Bondable: cocoon.TON(5),
		Record: &wrappers.WorkerRecord{GPU: "NVIDIA H100", GPUs: 1, VRAMMiB: 81920, UptimeBps: 9900, Concurrency: 2,
			Models: []wrappers.ModelOffer{{Model: cocoon.NewModelID(model), Price: asks}}}}
	m.startBus("127.0.0.1:-1")
	m.cfg = worker.DefaultConfig()
	m.cfg.Key, m.cfg.Operator, m.cfg.Provider, m.cfg.GlobalID = workerKey, operatorKey, provider, netID
	m.cfg.Dispatcher, m.cfg.Payee, m.cfg.Engine, m.cfg.Data = m.bus.ClientURL(), payee, e.URL, t.TempDir()
	m.cfg.Heartbeat, m.cfg.Retry, m.cfg.Request = 20*time.Millisecond, time.Millisecond, 5*time.Second
	return m
}

// engineIs puts another engine behind the same URL.
func (m *market) engineIs(h http.Handler) { m.engine.Store(&h) }

// Check lets the worker in as the dispatcher does, and the test's own connection by a password.
func (m *market) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == "dispatcher" {
		c.RegisterUser(&server.User{Username: o.Username})
		return o.Password == "own"
	}
	w, err := bus.VerifyLogin(o.Nkey, o.Sig, c.GetNonce())
	if err != nil || w != workerID || m.shut.Load() {
		m.doors.Add(1)
		return false
	}
	publish, subscribe := bus.Permissions(w)
	c.RegisterUser(&server.User{Username: w.String(), Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Allow: publish}, Subscribe: &server.SubjectPermission{Allow: subscribe},
		Response: &server.ResponsePermission{MaxMsgs: 1, Expires: time.Minute}}})
	return true
}

// startBus opens a dispatcher at addr.
func (m *market) startBus(addr string) {
	m.t.Helper()
	var port int
	_, err := fmt.Sscanf(addr, "127.0.0.1:%d", &port)
	require.NoError(m.t, err)
	m.bus, err = server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true, TLS: m.tls != nil, TLSConfig: m.tls, TLSTimeout: 10,
		AlwaysEnableNonce: true, CustomClientAuthentication: m, MaxPayload: bus.MaxMessage})
	require.NoError(m.t, err)
	m.bus.Start()
	require.True(m.t, m.bus.ReadyForConnections(10*time.Second))
	m.t.Cleanup(m.bus.Shutdown)
	m.conn, err = nats.Connect("", nats.InProcessServer(m.bus), nats.UserInfo("dispatcher", "own"))
	require.NoError(m.t, err)
	m.t.Cleanup(m.conn.Close)
	for verb, serve := range map[bus.Verb]func([]byte) (bus.Message, error){
		bus.PayloadVerb: m.onFetch, bus.ResultVerb: m.onPart, bus.DeliverVerb: m.onDeliver,
	} {
		_, err = m.conn.Subscribe(bus.FromWorkers(node, verb), func(msg *nats.Msg) {
			m.mu.Lock()
			defer m.mu.Unlock()
			answer, err := bus.Message(nil), error(m.refuse[verb])
			if m.refuse[verb] == nil {
				answer, err = serve(msg.Data)
			}
			var raw []byte
			if err != nil {
				raw, err = bus.Refuse(bus.Failed, err).Encode()
			} else {
				raw, err = bus.Encode(answer)
			}
			if err == nil {
				_ = msg.Respond(raw)
			}
		})
		require.NoError(m.t, err)
	}
	_, err = m.conn.Subscribe(bus.Heartbeats, func(msg *nats.Msg) {
		if h, err := bus.Decode[bus.Heartbeat](msg.Data); err == nil && msg.Subject == bus.HeartbeatOf(workerID) {
			select {
			case m.beats <- h:
			default:
			}
		}
	})
	require.NoError(m.t, err)
	require.NoError(m.t, m.conn.Flush())
}

func (m *market) onFetch(raw []byte) (bus.Message, error) {
	f, err := bus.Decode[bus.Fetch](raw)
	if err != nil {
		return nil, err
	}
	blob := m.payloads[f.Job]
	p, err := bus.PartOf(f.Job, envelope.Hash(blob), blob, f.Index)
	if err == nil && m.spoil != nil {
		p.Data = bytes.Clone(p.Data)
		m.spoil(&p)
	}
	return p, err
}

func (m *market) onPart(raw []byte) (bus.Message, error) {
	p, err := bus.Decode[bus.Part](raw)
	if err != nil {
		return nil, err
	}
	if p.Index == 0 {
		m.uploads[p.Job] = &bus.Assembly{Job: p.Job, Hash: p.Hash, Size: p.Size}
	}
	blob, err := m.uploads[p.Job].Add(p)
	if blob != nil {
		m.results[p.Job] = blob
	}
	return bus.Ack{}, err
}

func (m *market) onDeliver(raw []byte) (bus.Message, error) {
	d, err := bus.Decode[bus.Deliver](raw)
	if err != nil {
		return nil, err
	}
	select {
	case m.deliveriesOf(d.Job) <- d:
	default: // said before
	}
	return bus.Ack{}, nil
}

func (m *market) deliveriesOf(a cocoon.Account) chan bus.Deliver {
	if m.deliveries[a] == nil {
		m.deliveries[a] = make(chan bus.Deliver, 1)
	}
	return m.deliveries[a]
}

// lie changes what the dispatcher does from now on.
func (m *market) lie(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// delivered is the delivery the worker asks to relay, and its result.
func (m *market) delivered(a cocoon.Account) (bus.Deliver, []byte) {
	m.t.Helper()
	m.mu.Lock()
	c := m.deliveriesOf(a)
	m.mu.Unlock()
	select {
	case d := <-c:
		m.mu.Lock()
		defer m.mu.Unlock()
		return d, m.results[a]
	case <-time.After(wait):
		m.t.Fatalf("nothing was delivered; log:\n%s", m.log)
		return bus.Deliver{}, nil
	}
}

// run starts a worker and waits until it is heard. stop ends it.
func (m *market) run() (stop func()) {
	m.t.Helper()
	w := m.newWorker()
	ctx, cancel := context.WithCancel(m.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	m.heartbeat(func(h bus.Heartbeat) bool { return h.Boot == w.Boot() })
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(m.t, <-done)
		})
	}
	m.t.Cleanup(stop)
	return stop
}

func (m *market) newWorker() *worker.Worker {
	m.t.Helper()
	var c worker.Chain = m.chain
	if m.proven != nil {
		c = m.proven
	}
	w, err := worker.New(m.cfg, worker.Deps{Chain: c, Logger: slog.New(slog.NewTextHandler(m.log, nil))})
	require.NoError(m.t, err)
	return w
}

// heartbeat waits for one that says so.
func (m *market) heartbeat(enough func(bus.Heartbeat) bool) bus.Heartbeat {
	m.t.Helper()
	limit := time.After(wait)
	for {
		select {
		case h := <-m.beats:
			if enough(h) {
				return h
			}
		case <-limit:
			m.t.Fatalf("no such heartbeat; log:\n%s", m.log)
		}
	}
}

// request asks the running worker and returns its answer or its refusal.
func request[T bus.Message](m *market, verb bus.Verb, message bus.Message) (T, error) {
	m.t.Helper()
	boot := m.heartbeat(func(bus.Heartbeat) bool { return true }).Boot
	raw, err := bus.Encode(message)
	require.NoError(m.t, err)
	answer, err := m.conn.Request(bus.ToWorker(workerID, boot, verb), raw, 20*time.Second)
	require.NoError(m.t, err, m.log)
	return bus.Decode[T](answer.Data)
}

// order is a job as its client sees it.
type order struct {
	account   cocoon.Account
	offer     wrappers.JobOffer
	key       envelope.Key
	payload   []byte
	resultKey envelope.PrivateKey
}

// batch is a file of n lines for model.
func batch(n int, model, extra string) string {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"custom_id":"line-%d","method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[{"role":"user","content":"%s %d"}]%s}}`+"\n",
			i, model, secret, i, extra)
	}
	return b.String()
}

// open puts a job for the file on the chain; edit may change its terms first.
func (m *market) open(file string, edit func(*wrappers.JobOffer)) order {
	m.t.Helper()
	o := order{}
	var err error
	o.payload, o.key, err = envelope.Encrypt(rand.Reader, []byte(file))
	require.NoError(m.t, err)
	o.resultKey, err = envelope.NewKeyPair()
	require.NoError(m.t, err)
	code, err := wrappers.ProviderCode()
	require.NoError(m.t, err)
	caps := wrappers.PricesOf(asks)
	o.offer = wrappers.JobOffer{Client: cocoon.Account{0xcc}, Dispatcher: payee, DispatcherBps: 200,
		Work: &wrappers.JobWork{Model: cocoon.NewModelID(model), PayloadHash: envelope.Hash(o.payload), ResultKeyHash: o.resultKey.Public().Hash(), Caps: &caps},
		Money: &wrappers.JobMoney{Budget: wrappers.Coins{Nano: cocoon.TON(1)}, MinBond: wrappers.Coins{Nano: cocoon.NanoOf(100_000_000)},
			AcceptBy: birthTime + 600, Work: 60, Review: 30, DefaultBps: 5000},
		Terms: &wrappers.JobTerms{Registry: cocoon.Account{0xee}, NetworkBps: 100, Treasury: cocoon.Account{0xff},
			Codes: wrappers.BirthCodes{List: []wrappers.BirthCode{{Hash: [32]byte{9}}, code}}}}
	if edit != nil {
		edit(&o.offer)
	}
	o.account, err = o.offer.Account()
	require.NoError(m.t, err)
	m.chain.set(o.account, func(j *wrappers.Job) { *j = wrappers.Job{Offer: o.offer, Phase: wrappers.JobOpen} })
	m.lie(func() { m.payloads[o.account] = o.payload })
	return o
}

func (o order) asOffer() bus.Offer {
	return bus.Offer{Job: o.account, Node: node, ResultKey: o.resultKey.Public().Bytes(), PayloadSize: uint32(len(o.payload))}
}

// grantTo is the client's answer to an intent it has checked.
func (m *market) grantTo(o order, i bus.Intent) bus.Grant {
	m.t.Helper()
	public, err := i.Verify(netID, o.account, time.Now())
	require.NoError(m.t, err)
	require.Equal(m.t, workerID, i.Certificate.Worker)
	require.Equal(m.t, m.provider, i.Certificate.Provider)
	wrap, err := envelope.Grant(o.key, o.account, envelope.Hash(o.payload), public)
	require.NoError(m.t, err)
	return bus.Grant{Job: o.account, Wrap: wrap}
}

// accepted leads a job as far as the worker's acceptance.
func (m *market) accepted(o order) bus.Accept {
	m.t.Helper()
	i, err := request[bus.Intent](m, bus.OfferVerb, o.asOffer())
	require.NoError(m.t, err)
	a, err := request[bus.Accept](m, bus.GrantVerb, m.grantTo(o, i))
	require.NoError(m.t, err)
	return a
}
