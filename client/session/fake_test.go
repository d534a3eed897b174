package session_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/money"
	"github.com/cocoon-network/cocoon/client/session"
	"github.com/cocoon-network/cocoon/client/trust"
	"github.com/cocoon-network/cocoon/internal/freeport"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

const (
	model  = "Qwen/Qwen3-32B"
	netID  = -217
	node   = "n1"
	secret = "What would nobody but the worker read?"
	reply  = "Only this, and nothing to a dispatcher"
)

var (
	registry   = cocoon.Account{0xee}
	rewards    = cocoon.Account{0xdd}
	channelID  = cocoon.Account{0xcc}
	channelKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	price      = cocoon.Price{Prompt: cocoon.TON(1), Cached: cocoon.NanoOf(500_000_000), Completion: cocoon.TON(8), Reasoning: cocoon.TON(8)}
	caps       = cocoon.Price{Prompt: cocoon.TON(2), Cached: cocoon.TON(2), Completion: cocoon.TON(9), Reasoning: cocoon.TON(9)}
)

// machine is a worker of a provider on the chain.
type machine struct {
	provider cocoon.Account
	state    wrappers.Provider
	key, b   ed25519.PrivateKey
	boot     stream.Boot
	hpke     envelope.PrivateKey
	number   uint32
}

func newMachine(t testing.TB, n byte) *machine {
	m := &machine{key: workerKey(n), b: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n + 100}, 32)), boot: stream.Boot{n}}
	var err error
	m.hpke, err = envelope.NewKeyPair()
	require.NoError(t, err)
	m.state, err = stateOf(n)
	require.NoError(t, err)
	m.provider, err = m.state.Birth.Account()
	require.NoError(t, err)
	return m
}

func workerKey(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)) }

// stateOf is the provider of machine n, which it alone serves.
func stateOf(n byte) (wrappers.Provider, error) {
	record, err := wrappers.WorkerRecord{GPU: "NVIDIA H100", GPUs: 1, VRAMMiB: 81_920, Concurrency: 1, Models: []wrappers.ModelOffer{{Model: cocoon.NewModelID(model), Price: price}}}.Cell()
	return wrappers.Provider{Birth: wrappers.ProviderBirth{Registry: registry, Owner: cocoon.Account{n}}, Born: true, Stake: cocoon.TON(7), GPUs: 1,
		Workers: []wrappers.Worker{{Key: wrappers.PublicKey(workerKey(n)), GPUs: 1, Record: record}},
		Terms:   &wrappers.ProviderTerms{MinProvider: wrappers.Coins{Nano: cocoon.TON(5)}, MinGPU: wrappers.Coins{Nano: cocoon.TON(2)}}}, err
}

func (m *machine) candidate() stream.Candidate {
	return stream.Candidate{Provider: m.provider, Worker: wrappers.PublicKey(m.key), Boot: m.boot, KeyID: trust.KeyID(m.hpke.Public()), Price: price}
}

func (m *machine) keys() stream.Keys {
	c, err := receipt.Certificate{GlobalID: netID, Provider: m.provider, SessionKey: wrappers.PublicKey(m.b), Boot: m.boot, NotAfter: uint32(time.Now().Add(time.Hour).Unix())}.Sign(m.key)
	if err != nil {
		panic(err)
	}
	b := wrappers.PublicKey(m.b)
	return stream.Keys{Provider: m.provider, Worker: wrappers.PublicKey(m.key), Boot: m.boot, Certificate: c.Bytes(), Evidence: append(b[:], m.hpke.Public().Bytes()...)}
}

// fake is a dispatcher with its workers, over a real server: honest until a test
// says otherwise.
type fake struct {
	t      testing.TB
	server *server.Server
	conn   *nats.Conn
	self   string

	mu       sync.Mutex
	machines []*machine
	fleet    int  // sets are of the next machines in turn
	empty    bool // no worker is on offer
	lease    uint64
	session  uint64
	cover    cocoon.Nano
	paid     cocoon.Nano
	used     cocoon.Nano
	receipts map[stream.RequestID][]byte
	costs    map[stream.RequestID]cocoon.Nano
	seen     bytes.Buffer // all that went over the bus
	got      map[stream.Verb][][]byte
	news     chan stream.Verb

	hello  func(stream.Hello) stream.Message        // nil: the state
	counts func(stream.ModelsOf) stream.Message     // nil: all machines serve the model, and no other
	serve  func(f *fake, s stream.Start, d *double) // in place of what an honest one does
	maxed  struct{ loss, bound cocoon.Nano }
	limit  func() cocoon.Nano // P as the client has it
}

// double is the worker's side of one request.
type double struct {
	f       *fake
	m       *machine
	route   stream.Route
	prompt  []byte
	secret  stream.Secret
	place   uint8
	sealer  *stream.Sealer
	items   stream.ItemWriter
	attempt uint8
	frames  [][]byte
}

func newFake(t testing.TB, machines int) *fake {
	f := &fake{t: t, receipts: map[stream.RequestID][]byte{}, costs: map[stream.RequestID]cocoon.Nano{}, got: map[stream.Verb][][]byte{}, news: make(chan stream.Verb, 1<<16)}
	for n := range machines {
		f.machines = append(f.machines, newMachine(t, byte(n+1)))
	}
	at, err := freeport.Loopback()
	require.NoError(t, err)
	f.listen(at)
	t.Cleanup(func() { f.conn.Close(); f.server.Shutdown() })
	return f
}

// listen starts the server; at the same address again after it was stopped.
func (f *fake) listen(at string) {
	tcp, err := net.ResolveTCPAddr("tcp", at)
	require.NoError(f.t, err)
	pair, err := nkeys.CreateUser()
	require.NoError(f.t, err)
	f.self, err = pair.PublicKey()
	require.NoError(f.t, err)
	f.server, err = server.NewServer(&server.Options{Host: "127.0.0.1", Port: tcp.Port, NoLog: true, NoSigs: true, AlwaysEnableNonce: true, MaxPayload: 512 << 10, CustomClientAuthentication: f})
	require.NoError(f.t, err)
	go f.server.Start()
	require.True(f.t, f.server.ReadyForConnections(10*time.Second))
	f.conn, err = nats.Connect(f.server.ClientURL(), nats.Nkey(f.self, pair.Sign))
	require.NoError(f.t, err)
	for _, at := range []string{stream.Home, node} {
		for _, v := range []stream.Verb{stream.HelloVerb, stream.LeaseVerb, stream.ModelsVerb, stream.KeysVerb, stream.StartVerb, stream.PartVerb, stream.MoreVerb, stream.SettleVerb, stream.CancelVerb, stream.ResumeVerb, stream.CloseVerb} {
			_, err = f.conn.Subscribe(stream.FromDaemons(at, v), func(m *nats.Msg) { f.on(v, m) })
			require.NoError(f.t, err)
		}
	}
	require.NoError(f.t, f.conn.Flush())
}

// serves says what a dispatcher does with requests from now on.
func (f *fake) serves(serve func(f *fake, s stream.Start, d *double)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serve = serve
}

// die ends the server, and says where it was.
func (f *fake) die() (at string) {
	at = f.server.Addr().String()
	f.conn.Close()
	f.server.Shutdown()
	f.server.WaitForShutdown()
	return at
}

// Check lets the dispatcher in, and whoever proves a channel's key.
func (f *fake) Check(c server.ClientAuthentication) bool {
	user, sig := c.GetOpts().Nkey, c.GetOpts().Sig
	if user == f.self {
		return true
	}
	key, err := bus.VerifyLogin(user, sig, c.GetNonce())
	if err != nil {
		return false
	}
	publish, subscribe := stream.DaemonPermissions(key)
	c.RegisterUser(&server.User{Username: user, Permissions: &server.Permissions{Publish: &server.SubjectPermission{Allow: publish}, Subscribe: &server.SubjectPermission{Allow: subscribe}}})
	return true
}

func (f *fake) state() stream.State {
	s := stream.State{Cover: f.cover, Paid: f.paid, Used: f.used, Session: f.session, Node: node}
	for _, r := range f.receipts {
		s.Receipts = append(s.Receipts, r)
	}
	return s
}

func (f *fake) on(v stream.Verb, m *nats.Msg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen.Write(m.Data)
	f.got[v] = append(f.got[v], m.Data)
	f.news <- v
	if answer := f.answer(v, m.Data); answer != nil {
		raw := answer.Bytes()
		f.seen.Write(raw)
		_ = m.Respond(raw)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (f *fake) answer(v stream.Verb, raw []byte) stream.Message {
	switch v {
	case stream.HelloVerb:
		h := must(stream.ParseHello(raw))
		if f.hello != nil {
			if m := f.hello(h); m != nil {
				return m
			}
		}
		if h.Verify(wrappers.PublicKey(channelKey)) != nil || h.Session < f.session {
			return &stream.Fail{Code: stream.ChannelInUse}
		}
		f.session = h.Session
		return f.state()
	case stream.LeaseVerb:
		return f.sets(must(stream.ParseLease(raw)))
	case stream.ModelsVerb:
		q := must(stream.ParseModelsOf(raw))
		if f.counts != nil {
			return f.counts(q)
		}
		return f.serving(q)
	case stream.KeysVerb:
		k := must(stream.ParseKeysOf(raw))
		for _, m := range f.machines {
			if wrappers.PublicKey(m.key) == k.Worker {
				return m.keys()
			}
		}
		return &stream.Fail{Code: stream.WorkerLost}
	case stream.StartVerb:
		s := must(stream.ParseStart(raw))
		f.covered(s.Pay.Cover.Cumulative)
		if s.Size == uint32(len(s.Body)) {
			f.begin(s)
		}
	case stream.MoreVerb:
		f.covered(must(stream.ParseMore(raw)).Cover.Cumulative)
	case stream.CloseVerb:
		c := must(stream.ParseClose(raw))
		if len(f.receipts) > 0 || c.Session != f.session {
			return &stream.Fail{Code: stream.Busy, Wait: 10}
		}
		return stream.Promise{Final: c.Paid.Cumulative, Signature: c.Paid.Signature}
	case stream.SettleVerb:
		f.settled(must(stream.ParseSettle(raw)))
		return f.state()
	}
	return nil
}

// covered is what a hostile dispatcher does with a voucher: it keeps the best.
func (f *fake) covered(n cocoon.Nano) {
	if n.Cmp(f.cover) > 0 {
		f.cover = n
	}
	f.measure()
}

func (f *fake) measure() {
	loss, err := f.cover.Sub(f.used)
	if err == nil && loss.Cmp(f.maxed.loss) > 0 {
		f.maxed.loss = loss
	}
	if f.limit != nil {
		if p := f.limit(); p.Cmp(f.maxed.bound) > 0 {
			f.maxed.bound = p
		}
	}
}

func (f *fake) settled(s stream.Settle) {
	for _, a := range s.Agreed {
		if _, again := f.costs[a.Request]; !again {
			f.used = must(f.used.Add(a.Cost))
			f.costs[a.Request] = a.Cost
		}
		delete(f.receipts, a.Request)
	}
	if s.Paid.Verify(wrappers.PublicKey(channelKey)) == nil && s.Paid.Cumulative.Cmp(f.paid) > 0 {
		f.paid = s.Paid.Cumulative
	}
	f.measure()
}

func (f *fake) sets(l stream.Lease) stream.Message {
	if f.empty {
		return &stream.Fail{Code: stream.NoCapacity, Wait: 1000}
	}
	out := stream.Leases{Expires: uint32(time.Now().Add(10 * time.Second).Unix())}
	for range l.Sets {
		f.lease++
		set := stream.LeaseSet{ID: f.lease}
		for i := range min(int(l.Width), len(f.machines)) {
			set.Candidates = append(set.Candidates, f.machines[(f.fleet+i)%len(f.machines)].candidate())
		}
		f.fleet++
		out.Sets = append(out.Sets, set)
	}
	return out
}

func (f *fake) serving(q stream.ModelsOf) stream.Message {
	out := stream.Models{Workers: make([]uint32, len(q.Models))}
	if i := slices.Index(q.Models, cocoon.NewModelID(model)); i >= 0 {
		out.Workers[i] = uint32(len(f.machines))
	}
	return out
}

// begin opens the prompt as the first candidate that can.
func (f *fake) begin(s stream.Start) {
	body := s.Body
	for i, wrap := range s.Wraps {
		for _, m := range f.machines {
			prompt, secret, err := stream.Open(s.Route, body, wrap, m.hpke)
			if err != nil {
				continue
			}
			d := &double{f: f, m: m, route: s.Route, prompt: prompt, secret: secret, place: uint8(i)}
			if f.serve != nil {
				f.serve(f, s, d)
			} else {
				d.honest()
			}
			return
		}
	}
	f.say(&stream.Fail{Request: s.Route.Request, Code: stream.WrongKey})
}

func (f *fake) say(m stream.Message) { f.raw(m.Bytes()) }

func (f *fake) raw(b []byte) {
	f.seen.Write(b)
	_ = f.conn.Publish(stream.EventsOf(wrappers.PublicKey(channelKey)), b)
}

func (d *double) took() {
	d.attempt++
	var n stream.Nonce
	_, _ = rand.Read(n[:])
	d.sealer = must(stream.NewSealer(d.secret, d.route.Request, d.attempt, n))
	d.frames, d.items = nil, stream.ItemWriter{}
	d.f.say(stream.Took{Request: d.route.Request, Attempt: d.attempt, Candidate: d.place, Nonce: n})
}

// frame seals items and returns the frame, unsent.
func (d *double) frame(out uint32, final bool, items ...string) []byte {
	var content []byte
	for _, item := range items {
		content = d.items.Append(content, []byte(item))
	}
	frame := must(d.sealer.Seal(content, out, final))
	d.frames = append(d.frames, frame)
	return frame
}

func chunk(text string) string {
	return fmt.Sprintf(`{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":%q},"finish_reason":null}]}`, text)
}

func usageOf(out int) string {
	return fmt.Sprintf(`{"id":"c","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d}}`, promptTokens, out)
}

const promptTokens, outTokens = 10, 20

// receipt is what an honest worker signs, but for what change does to it.
func (d *double) receipt(change func(*receipt.Usage)) []byte {
	d.m.number++
	u := receipt.Usage{Scope: receipt.Scope{GlobalID: netID, Provider: d.m.provider, Rewards: rewards, Worker: wrappers.PublicKey(d.m.key), Boot: d.m.boot, Number: d.m.number},
		Content: receipt.Content{Request: d.route.Request, Attempt: d.attempt, Reason: uint8(stream.Finished), Route: d.route.Hash(), Frames: d.sealer.Hash(),
			Usage: cocoon.Usage{Prompt: promptTokens, Completion: outTokens}, Price: price}}
	u.Content.Cost = must(price.Cost(u.Content.Usage))
	if change != nil {
		change(&u)
	}
	return must(u.Sign(d.m.b)).Bytes()
}

func (d *double) final(change func(*receipt.Usage)) {
	raw := d.receipt(change)
	d.f.receipts[d.route.Request] = raw
	d.f.say(stream.Final{Request: d.route.Request, Receipt: raw})
}

func (d *double) send(frames ...[]byte) {
	for _, frame := range frames {
		d.f.raw(frame)
	}
}

// answerFrames are an honest answer.
func (d *double) answerFrames() [][]byte {
	return [][]byte{d.frame(1, false, chunk(reply)), d.frame(16, false), d.frame(outTokens, false, chunk(" more")), d.frame(outTokens, true, usageOf(outTokens), "[DONE]")}
}

func (d *double) honest() {
	d.took()
	d.send(d.answerFrames()...)
	d.final(nil)
}

// chainOf proves what the machines say.
type chainOf struct{ f *fake }

func (c chainOf) Provider(_ context.Context, a cocoon.Account) (wrappers.Provider, time.Time, error) {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	for _, m := range c.f.machines {
		if m.provider == a {
			return m.state, time.Now(), nil
		}
	}
	return wrappers.Provider{}, time.Time{}, cocoon.NotFound.Errorf("there is no contract at %s", a)
}

// judge believes evidence that is a session key and a key to encrypt to.
type judge struct{}

func (judge) Judge(_ context.Context, evidence []byte, s trust.Subject) (trust.Verdict, error) {
	if len(evidence) != 32+envelope.PublicKeySize {
		return trust.Verdict{}, cocoon.Forbidden.Errorf("no evidence")
	}
	public, err := envelope.ParsePublicKey(evidence[32:])
	later := time.Now().Add(time.Hour)
	return trust.Verdict{Session: [32]byte(evidence[:32]), NotAfter: later, Proven: later, Keys: []trust.Key{{Public: public, NotAfter: later}}}, err
}

// journal is what was logged.
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

// client is a daemon's side: its books, whom it trusts, and its session.
type client struct {
	*session.Session
	ledger *money.Ledger
	log    *journal
}

func (f *fake) config() session.Config {
	cfg := impatient()
	cfg.URL = f.server.ClientURL()
	return cfg
}

func impatient() session.Config {
	cfg := session.DefaultConfig()
	cfg.GlobalID, cfg.Rewards, cfg.Channel, cfg.Caps = netID, rewards, channelID, caps
	cfg.Silence, cfg.Patience, cfg.Grace, cfg.Retry, cfg.Sets = 3*time.Second, time.Second, 200*time.Millisecond, 10*time.Millisecond, 8
	return cfg
}

func (f *fake) policy() trust.Policy { return trust.Policy{Registry: registry} }

func openLedger(dir string) (*money.Ledger, error) {
	return money.Open(money.Config{Dir: dir, GlobalID: netID, Channel: channelID, Key: channelKey, Now: time.Now})
}

// open begins a session on a channel of 5 TON, with the books in a folder.
func (f *fake) open(dir string, cfg session.Config, p trust.Policy) (*client, func(), error) {
	l, err := openLedger(dir)
	require.NoError(f.t, err)
	l.SetDeposit(cocoon.TON(5))
	f.mu.Lock()
	f.limit = func() cocoon.Nano { return l.Figures().Bound }
	f.mu.Unlock()
	c := &client{ledger: l, log: &journal{}}
	logger := slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.Session, err = session.Open(f.t.Context(), cfg, session.Deps{Ledger: l, Key: channelKey, Trust: trust.New(trust.Config{GlobalID: netID, Policy: p, Chain: chainOf{f}, Judge: judge{}, Now: time.Now}),
		Now: time.Now, Random: rand.Reader, Logger: logger})
	return c, func() {
		if c.Session != nil {
			_ = c.Close()
		}
		_ = l.Close()
	}, err
}

// connect is open with books of its own, until the test ends.
func (f *fake) connect(cfg session.Config, p trust.Policy) (*client, error) {
	c, done, err := f.open(f.t.TempDir(), cfg, p)
	f.t.Cleanup(done)
	return c, err
}

// process is one that goes on with the books in a folder.
func (f *fake) process(dir string) (*client, func()) {
	f.t.Helper()
	c, done, err := f.open(dir, f.config(), f.policy())
	require.NoError(f.t, err)
	return c, done
}

func (f *fake) client() *client {
	f.t.Helper()
	c, err := f.connect(f.config(), f.policy())
	require.NoError(f.t, err)
	return c
}

func request() api.Request {
	return api.Request{ID: "r", Endpoint: "/v1/chat/completions", Model: model, Body: []byte(`{"messages":[{"role":"user","content":"` + secret + `"}]}`), Choices: 1, Deadline: time.Now().Add(time.Minute)}
}

// until waits for a message of that verb.
func (f *fake) until(v stream.Verb) []byte {
	f.t.Helper()
	for late := time.After(30 * time.Second); ; {
		select {
		case got := <-f.news:
			if got == v {
				f.mu.Lock()
				defer f.mu.Unlock()
				all := f.got[v]
				return all[len(all)-1]
			}
		case <-late:
			require.FailNow(f.t, "no "+string(v)+" came")
		}
	}
}

// heard are the messages of a verb so far.
func (f *fake) heard(v stream.Verb) [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got[v])
}
