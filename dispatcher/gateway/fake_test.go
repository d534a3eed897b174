package gateway

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"math/big"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bound"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

func nano(n int64) cocoon.Nano {
	v, err := cocoon.NanoFromBig(big.NewInt(n))
	if err != nil {
		panic(err)
	}
	return v
}

// prices are nanoTON a token.
func prices(n int64) cocoon.Price {
	return cocoon.Price{Prompt: nano(n * 1_000_000), Cached: nano(n * 1_000_000), Completion: nano(n * 1_000_000), Reasoning: nano(n * 1_000_000)}
}

// purse is Money that holds one amount for all.
type purse struct {
	mu      sync.Mutex
	free    int64
	open    map[stream.RequestID]*opened
	bills   []receipt.SignedUsage
	left    []Left
	charged int
	ahead   time.Duration // that the chain's time is
	refuses error         // every receipt
	kept    map[Run][]byte
	session uint64 // that may write
}

type opened struct {
	work     Work
	granted  uint32
	attempt  uint8
	worker   [32]byte
	reserved int64
}

func (p *purse) Hello(_ context.Context, _ [32]byte, h stream.Hello) (stream.State, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session = h.Session
	return stream.State{Session: h.Session}, nil
}

func (p *purse) Left() []Left {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left
}

func (p *purse) take(o *opened, n cocoon.Nano) error {
	v := n.Big().Int64()
	if p.free < v {
		return &stream.Fail{Code: stream.NeedCover, Need: n}
	}
	p.free -= v
	o.reserved += v
	return nil
}

func (p *purse) Admit(_ [32]byte, w Work) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := &opened{work: w, granted: bound.Slice}
	if err := p.take(o, mustParse(w.Price.Cost(cocoon.Usage{Prompt: uint64(w.Bytes), Completion: bound.Slice}))); err != nil {
		return err
	}
	p.open[w.Route.Request] = o
	return nil
}

func (p *purse) Extend(id stream.RequestID, session uint64, tokens uint32) (uint32, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if session != p.session {
		return 0, &stream.Fail{Code: stream.ChannelInUse}
	}
	o := p.open[id]
	more := min(tokens, o.work.Route.MaxOut-o.granted)
	if err := p.take(o, mustParse(o.work.Price.Cost(cocoon.Usage{Completion: uint64(more)}))); err != nil {
		return o.granted, err
	}
	o.granted += more
	return o.granted, nil
}

func (p *purse) Cover(_ stream.RequestID, session uint64, _ voucher.Signed) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if session != p.session {
		return &stream.Fail{Code: stream.ChannelInUse}
	}
	p.free += 1 << 40
	return nil
}

func (p *purse) Assign(id stream.RequestID, attempt uint8, c stream.Candidate) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept[Run{c.Worker, c.Boot}] == nil {
		return cocoon.Conflict.Errorf("nobody knows what the receipts of worker %x would be signed with", c.Worker[:4])
	}
	p.open[id].attempt, p.open[id].worker = attempt, c.Worker
	return nil
}

func (p *purse) Keep(_ context.Context, of Run, keys []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = map[Run][]byte{}
	}
	p.kept[of] = keys
	return nil
}

func (p *purse) Kept(_ context.Context, of Run) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept[of], nil
}

func (p *purse) Commit(_ context.Context, u receipt.SignedUsage, _ receipt.SignedCertificate, _ uint64) (Ticket, error) {
	booked, err := p.book(u)
	if err != nil {
		return nil, err
	}
	return func(context.Context) (Booked, error) { return booked, nil }, nil
}

func (p *purse) book(u receipt.SignedUsage) (Booked, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuses != nil {
		return Booked{}, p.refuses
	}
	if err := u.Verify(sessionKey(u.Provider)); err != nil {
		return Booked{}, err
	}
	p.bills = append(p.bills, u)
	id := stream.RequestID(u.Content.Request)
	o := p.open[id]
	if o == nil || o.attempt != u.Content.Attempt || o.worker != u.Worker {
		return Booked{Ack: u.Number, Void: "another attempt's"}, nil
	}
	p.charged++
	delete(p.open, id)
	return Booked{Ack: u.Number, Payer: [32]byte{1}}, nil
}

func (p *purse) Book() ([]byte, error) { return []byte("book"), nil }

func (p *purse) Time() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.ahead)
}

func (p *purse) Earned(context.Context) ([]receipt.SignedEarned, error) { return nil, nil }

func (p *purse) Promised(_ context.Context, provider cocoon.Account) ([]receipt.SignedEarned, error) {
	return []receipt.SignedEarned{{Earned: receipt.Earned{Number: 1, Provider: provider, Amount: nano(7)}}}, nil
}

func (p *purse) Settle(context.Context, [32]byte, uint64, stream.Settle) (stream.State, error) {
	return stream.State{}, nil
}

func (p *purse) Close(_ context.Context, _ [32]byte, c stream.Close) (stream.Promise, error) {
	if p.reserved() > 0 {
		return stream.Promise{}, &stream.Fail{Code: stream.Busy, Wait: 200}
	}
	return stream.Promise{Final: c.Paid.Cumulative}, nil
}

func (p *purse) Release(id stream.RequestID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, id)
}

func (p *purse) reserved() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

// town is a gateway with workers that do what a test says, and one daemon.
type town struct {
	t       testing.TB
	conn    *nats.Conn
	gateway *Gateway
	purse   *purse
	workers []*worker
	key     [32]byte
	events  chan []byte

	mu     sync.Mutex
	failed [][32]byte // workers, as often as an attempt of theirs did
}

func (w *town) Candidates(l stream.Lease) (sets [][]stream.Candidate) {
	var set []stream.Candidate
	for _, k := range w.workers {
		set = append(set, k.Candidate)
	}
	for range l.Sets {
		sets = append(sets, set)
	}
	return sets
}

// Known says no to all prices but those of ask.
func (w *town) Known(_ cocoon.ModelID, caps cocoon.Price) bool { return caps == prices(1000) }

func (w *town) Serving(q stream.ModelsOf) (workers []uint32) {
	for range q.Models {
		workers = append(workers, uint32(len(w.workers)))
	}
	return workers
}
func (w *town) Runs() map[Run]cocoon.Account {
	all := map[Run]cocoon.Account{}
	for _, k := range w.workers {
		all[Run{k.Worker, k.Boot}] = k.Provider
	}
	return all
}
func (*town) Began([32]byte) {}
func (w *town) Ended(worker [32]byte, failed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if failed {
		w.failed = append(w.failed, worker)
	}
}

// worker is a fake: on is what it does with an order.
type worker struct {
	stream.Candidate
	town         *town
	signs        ed25519.PrivateKey
	session      ed25519.PrivateKey
	key          envelope.PrivateKey
	on           func(*work)
	numbering    sync.Mutex
	number       uint32
	refusesParts bool
	ignoresParts bool
	subs         []*nats.Subscription
	resumes      chan stream.Resume
	shown        atomic.Int32 // how often its keys were asked for
	slices       chan stream.Slice
	cancels      chan stream.Cancel
	parts        chan []byte
	books        chan []byte
	acks         chan stream.Ack
}

// work is one attempt of a fake worker.
type work struct {
	*worker
	o      stream.Order
	m      *nats.Msg
	nonce  stream.Nonce
	sealer *stream.Sealer
}

func newTown(t testing.TB, cfg Config, on ...func(*work)) *town {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true})
	require.NoError(t, err)
	s.Start()
	require.True(t, s.ReadyForConnections(10*time.Second))
	t.Cleanup(s.Shutdown)
	conn, err := nats.Connect(s.ClientURL())
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	w := &town{t: t, conn: conn, purse: &purse{free: 1 << 40, open: map[stream.RequestID]*opened{}}, key: [32]byte{1}, events: make(chan []byte, 1000)}
	for i, do := range on {
		w.hire(byte(i+1), do)
	}
	cfg.Rewards = cocoon.Account{9}
	w.gateway, err = Open(cfg, conn, w.purse, w, time.Now, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.gateway.Run(ctx, ctx); close(done) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	_, err = conn.Subscribe(stream.EventsOf(w.key), func(m *nats.Msg) {
		all, err := stream.Unbundle(m.Data)
		if err != nil {
			t.Error(err)
		}
		for _, event := range all {
			w.events <- event
		}
	})
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	return w
}

func (w *town) hire(n byte, on func(*work)) {
	key, err := envelope.NewKeyPair()
	require.NoError(w.t, err)
	k := &worker{town: w, on: on, key: key, signs: ed25519.NewKeyFromSeed(append(make([]byte, 31), n)), session: sessionOf(cocoon.Account{n}),
		slices: make(chan stream.Slice, 100), cancels: make(chan stream.Cancel, 100), parts: make(chan []byte, 100), books: make(chan []byte, 100), acks: make(chan stream.Ack, 100), resumes: make(chan stream.Resume, 100)}
	k.Candidate = stream.Candidate{Provider: cocoon.Account{n}, Worker: [32]byte(k.signs.Public().(ed25519.PublicKey)), Boot: stream.Boot{n}, Price: prices(int64(n))}
	w.workers = append(w.workers, k)
	serve := map[stream.Verb]nats.MsgHandler{stream.OrderVerb: k.order, stream.KeysVerb: k.showKeys,
		stream.BookVerb:   func(m *nats.Msg) { k.books <- m.Data },
		stream.AckVerb:    func(m *nats.Msg) { k.acks <- mustParse(stream.ParseAck(m.Data)) },
		stream.SliceVerb:  func(m *nats.Msg) { k.slices <- mustParse(stream.ParseSlice(m.Data)) },
		stream.ResumeVerb: func(m *nats.Msg) { k.resumes <- mustParse(stream.ParseResume(m.Data)) },
		stream.CancelVerb: func(m *nats.Msg) { k.cancels <- mustParse(stream.ParseCancel(m.Data)) },
		stream.PartVerb: func(m *nats.Msg) {
			p := mustParse(stream.ParsePart(m.Data))
			k.parts <- p.Data
			if k.ignoresParts {
				return
			}
			if k.refusesParts {
				_ = m.Respond((&stream.Fail{Request: p.Request, Code: stream.WrongKey}).Bytes())
				return
			}
			_ = m.Respond(nil)
		}}
	for verb, do := range serve {
		sub, err := w.conn.Subscribe(stream.ToWorker(k.Worker, k.Boot, verb), do)
		require.NoError(w.t, err)
		k.subs = append(k.subs, sub)
	}
}

// leave hears nothing any more.
func (k *worker) leave() {
	for _, s := range k.subs {
		require.NoError(k.town.t, s.Unsubscribe())
	}
	require.NoError(k.town.t, k.town.conn.Flush())
}

// sessionOf is the session of a worker of that provider.
func sessionOf(provider cocoon.Account) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, 31), 100+provider[0]))
}

func sessionKey(provider cocoon.Account) [32]byte {
	return [32]byte(sessionOf(provider).Public().(ed25519.PublicKey))
}

func mustParse[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (k *worker) showKeys(m *nats.Msg) {
	k.shown.Add(1)
	c := mustParse(receipt.Certificate{Provider: k.Provider, SessionKey: sessionKey(k.Provider), Boot: k.Boot, NotAfter: 1 << 31}.Sign(k.signs))
	_ = m.Respond(stream.Keys{Provider: k.Provider, Worker: k.Worker, Boot: k.Boot, Certificate: c.Bytes()}.Bytes())
}

func (k *worker) order(m *nats.Msg) {
	go k.on(&work{worker: k, o: mustParse(stream.ParseOrder(m.Data)), m: m})
}

func (a *work) took() {
	a.nonce = stream.Nonce{a.o.Attempt}
	_ = a.m.Respond(stream.Took{Request: a.o.Route.Request, Attempt: a.o.Attempt, Nonce: a.nonce}.Bytes())
	a.sealer = mustParse(stream.NewSealer(stream.Secret{}, a.o.Route.Request, a.o.Attempt, a.nonce))
}

// tookWith says that it works, and the first frame, in one message.
func (a *work) tookWith(text string, out uint32, final bool) {
	a.nonce = stream.Nonce{a.o.Attempt}
	a.sealer = mustParse(stream.NewSealer(stream.Secret{}, a.o.Route.Request, a.o.Attempt, a.nonce))
	a.say(a.o.Attempt, mustParse(a.sealer.Seal([]byte(text), out, final)))
}

// say says that it works on an attempt, with frames.
func (a *work) say(attempt uint8, frames ...[]byte) {
	took := stream.Took{Request: a.o.Route.Request, Attempt: attempt, Nonce: a.nonce}.Bytes()
	a.publish(stream.FrameVerb, append([][]byte{took}, frames...)...)
}

func (a *work) frame(text string, out uint32, final bool) {
	a.publish(stream.FrameVerb, mustParse(a.sealer.Seal([]byte(text), out, final)))
}

func (a *work) bill(reason stream.Reason, out uint64) receipt.SignedUsage {
	return a.billOver(reason, cocoon.Usage{Prompt: 1, Completion: out})
}

func (a *work) billOver(reason stream.Reason, u cocoon.Usage) receipt.SignedUsage {
	s := a.written(reason, u)
	a.publish(stream.ReceiptVerb, s.Bytes())
	return s
}

// written is a bill that was not sent.
func (a *work) written(reason stream.Reason, u cocoon.Usage) receipt.SignedUsage {
	a.numbering.Lock()
	defer a.numbering.Unlock()
	a.number++
	return a.sign(a.session, reason, u)
}

// publish says things of an answer in one message.
func (a *work) publish(verb stream.Verb, what ...[]byte) {
	for _, m := range stream.Bundle(what) {
		_ = a.town.conn.Publish(stream.FromWorker("main", a.Worker, verb), m)
	}
}

// forge sends a bill of the next number that the session did not sign.
func (a *work) forge(out uint64) {
	a.numbering.Lock()
	defer a.numbering.Unlock()
	a.number++
	forged := a.sign(a.signs, stream.Finished, cocoon.Usage{Prompt: 1, Completion: out})
	a.publish(stream.ReceiptVerb, forged.Bytes())
	a.number--
}

func (a *work) sign(key ed25519.PrivateKey, reason stream.Reason, u cocoon.Usage) receipt.SignedUsage {
	r := receipt.Usage{Scope: receipt.Scope{Provider: a.Provider, Rewards: a.o.Rewards, Worker: a.Worker, Boot: a.Boot, Number: a.number},
		Content: receipt.Content{Request: a.o.Route.Request, Attempt: a.o.Attempt, Reason: uint8(reason), Route: a.o.Route.Hash(), Frames: a.sealer.Hash(), Usage: u,
			Price: a.o.Price, Cost: mustParse(a.o.Price.Cost(u))}}
	return mustParse(r.Sign(key))
}

// answers is a worker that does its work.
func answers(a *work) {
	a.took()
	a.frame("one", 1, false)
	a.frame("two", 2, true)
	a.bill(stream.Finished, 2)
}

func busy(a *work) {
	_ = a.m.Respond((&stream.Fail{Request: a.o.Route.Request, Code: stream.Busy, Text: "no slot is free"}).Bytes())
}

// ask starts a request of so many bytes, of a fresh lease.
func (w *town) ask(size int, change ...func(*stream.Start)) stream.RequestID {
	w.t.Helper()
	lease := stream.Lease{Model: cocoon.NewModelID("m"), Caps: prices(1000), Sets: 1, Width: 3}
	m, err := w.conn.Request(stream.ToNode("main", w.key, stream.LeaseVerb), lease.Bytes(), 5*time.Second)
	require.NoError(w.t, err)
	l, err := stream.ParseLeases(m.Data)
	require.NoError(w.t, err)
	now := uint32(time.Now().Unix())
	s := stream.Start{Route: stream.Route{Request: stream.NewRequestID(), Model: lease.Model, Endpoint: stream.Chat, Issued: now, Expires: now + 60, MaxOut: 2000, Choices: 1, Caps: lease.Caps},
		Pay: stream.Pay{Lease: l.Sets[0].ID}, Size: uint32(size), Body: make([]byte, min(size, stream.MaxPart))}
	for range l.Sets[0].Candidates {
		s.Wraps = append(s.Wraps, []byte{1})
	}
	for _, c := range change {
		c(&s)
	}
	require.NoError(w.t, w.conn.Publish(stream.ToNode("main", w.key, stream.StartVerb), s.Bytes()))
	for i, rest := uint8(1), size-len(s.Body); rest > 0; i++ {
		n := min(rest, stream.MaxPart)
		require.NoError(w.t, w.conn.Publish(stream.ToNode("main", w.key, stream.PartVerb), stream.Part{Request: s.Route.Request, Index: i, Data: make([]byte, n)}.Bytes()))
		rest -= n
	}
	return s.Route.Request
}

// acked is the number of the first receipt that a worker may forget.
func (w *town) acked(k *worker) uint32 {
	w.t.Helper()
	for late := time.After(20 * time.Second); ; {
		select {
		case a := <-k.acks:
			if a.Number > 0 {
				return a.Number
			}
		case <-late:
			require.FailNow(w.t, "nothing was acknowledged")
		}
	}
}

// next is the next event, of a kind.
func (w *town) next(kind string) []byte {
	w.t.Helper()
	select {
	case m := <-w.events:
		require.Equal(w.t, kind, stream.KindOf(m), "%s", m)
		return m
	case <-time.After(20 * time.Second):
		require.Fail(w.t, "no event", kind)
		return nil
	}
}

// behindFrames is the next event that is no frame.
func (w *town) behindFrames(kind string) []byte {
	w.t.Helper()
	for {
		select {
		case m := <-w.events:
			if stream.KindOf(m) == "frame" {
				continue
			}
			require.Equal(w.t, kind, stream.KindOf(m), "%s", m)
			return m
		case <-time.After(20 * time.Second):
			require.FailNow(w.t, "no event", kind)
		}
	}
}

func (w *town) fails(code stream.Code) {
	w.t.Helper()
	_ = w.failure(code)
}

// failure is the next event, which has to be one of that code.
func (w *town) failure(code stream.Code) *stream.Fail {
	w.t.Helper()
	f, err := stream.ParseFail(w.next("fail"))
	require.NoError(w.t, err)
	require.Equal(w.t, code, f.Code, f.Text)
	return f
}

// idle is once nothing is on its way.
func (w *town) idle() {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		w.gateway.mu.Lock()
		defer w.gateway.mu.Unlock()
		return len(w.gateway.requests) == 0 && len(w.gateway.asked) == 0 && len(w.gateway.unread) == 0
	}, 20*time.Second, time.Millisecond)
	require.Zero(w.t, w.purse.reserved())
}
