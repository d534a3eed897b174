package dispatcher_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// cheat speaks the bus as a worker that the test writes, one step at a time.
type cheat struct {
	w    *town
	p    provider
	boot bus.Boot
	conn *nats.Conn
	key  envelope.PrivateKey

	operator ed25519.PrivateKey // whom it signs accepts as
}

func (w *town) cheat(p provider) *cheat {
	w.t.Helper()
	c := &cheat{w: w, p: p, boot: bus.Boot{7}, operator: p.operator}
	var err error
	c.key, err = envelope.NewKeyPair()
	require.NoError(w.t, err)
	user, err := bus.UserKey(p.id())
	require.NoError(w.t, err)
	c.conn, err = nats.Connect(w.dispatcher.WorkersURL(), nats.Nkey(user, func(n []byte) ([]byte, error) { return bus.SignNonce(p.worker, n) }),
		nats.CustomInboxPrefix(bus.InboxPrefix(p.id(), c.boot)),
		nats.RetryOnFailedConnect(true), nats.IgnoreAuthErrorAbort(), nats.MaxReconnects(-1), nats.ReconnectWait(tick))
	require.NoError(w.t, err)
	require.Eventually(w.t, c.conn.IsConnected, wait, tick)
	w.t.Cleanup(c.conn.Close)
	w.service(c.beat)
	return c
}

func (c *cheat) beat(ctx context.Context) error {
	raw, err := bus.Encode(bus.Heartbeat{Provider: c.p.account, Boot: c.boot, Models: []cocoon.ModelID{cocoon.NewModelID(model)}, Concurrency: 2, Ready: true, P50: 40})
	if err != nil {
		return err
	}
	for every := time.NewTicker(20 * time.Millisecond); ; {
		if err = c.conn.Publish(bus.HeartbeatOf(c.p.id()), raw); err != nil {
			return err
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			every.Stop()
			return nil
		}
	}
}

// on answers requests of one verb; seen hears of each.
func on[T bus.Message](c *cheat, verb bus.Verb, answer func(T) (bus.Message, error)) (seen <-chan T) {
	c.w.t.Helper()
	heard := make(chan T, 100)
	_, err := c.conn.Subscribe(bus.ToWorker(c.p.id(), c.boot, verb), func(m *nats.Msg) {
		v, err := bus.Decode[T](m.Data)
		var out bus.Message
		if err == nil {
			heard <- v
			out, err = answer(v)
		}
		var raw []byte
		if err == nil {
			raw, err = bus.Encode(out)
		} else {
			raw, err = bus.Refuse(bus.Failed, err).Encode()
		}
		if err == nil {
			_ = m.Respond(raw)
		}
	})
	require.NoError(c.w.t, err)
	require.NoError(c.w.t, c.conn.Flush())
	return heard
}

func (c *cheat) certificate() bus.Certificate {
	return bus.Certificate{GlobalID: c.w.net.GlobalID, Provider: c.p.account, Boot: c.boot, NotAfter: uint32(time.Now().Add(time.Hour).Unix())}
}

// intent is an honest one.
func (c *cheat) intent(o bus.Offer) bus.Intent {
	return bus.SignIntent(c.p.worker, c.certificate(), o.Job, c.key.Public())
}

// accept is an honest one; edit may change it.
func (c *cheat) accept(g bus.Grant, edit func(*wrappers.AcceptJobOrder)) (bus.Accept, error) {
	order := wrappers.AcceptJobOrder{GlobalID: c.w.net.GlobalID, Contract: c.p.account, Job: g.Job, Worker: c.p.id(),
		Bond: wrappers.Coins{Nano: cocoon.NanoOf(100_000_000)}, ValidUntil: c.w.index.Head().Time + 60, Pass: &wrappers.Signature{Bytes: *g.Pass}}
	if edit != nil {
		edit(&order)
	}
	cell, sig, err := wrappers.Sign(order, c.operator)
	return bus.Accept{Job: g.Job, Order: bus.Cell{Cell: cell}, Signature: sig.Bytes}, err
}

// ask sends a request to the dispatcher and returns the refusal, if it is one.
func (c *cheat) ask(verb bus.Verb, m bus.Message) error {
	c.w.t.Helper()
	raw, err := bus.Encode(m)
	require.NoError(c.w.t, err)
	answer, err := c.conn.Request(bus.ToDispatcher("main", c.p.id(), verb), raw, wait)
	require.NoError(c.w.t, err)
	if verb == bus.PayloadVerb {
		_, err = bus.Decode[bus.Part](answer.Data)
		return err
	}
	_, err = bus.Decode[bus.Ack](answer.Data)
	return err
}

// patient fails the test when nothing comes.
func patient[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(wait):
		require.FailNow(t, "nothing came")
		panic("not reached")
	}
}

// submitted is a job that its client attends to.
func (w *town) submitted(c *client.Client) (cocoon.Account, <-chan error) {
	w.t.Helper()
	job, err := c.Submit(w.ctx, batch(1), terms())
	require.NoError(w.t, err)
	return job, attend(w, c, job)
}

func TestCheat_WithoutAGoodCertificateNoKeyIsGrantedAndAnotherWorkerDoesTheJob(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(c *cheat, o bus.Offer) bus.Intent{
		"another worker's key": func(c *cheat, o bus.Offer) bus.Intent {
			return bus.SignIntent(testKey(99), c.certificate(), o.Job, c.key.Public())
		},
		"another envelope key": func(c *cheat, o bus.Offer) bus.Intent {
			i := c.intent(o)
			other, err := envelope.NewKeyPair()
			require.NoError(c.w.t, err)
			i.PublicKey = other.Public().Bytes()
			return i
		},
		"another provider": func(c *cheat, o bus.Offer) bus.Intent {
			cert := c.certificate()
			cert.Provider = cocoon.Account{5}
			return bus.SignIntent(c.p.worker, cert, o.Job, c.key.Public())
		},
		"out of date": func(c *cheat, o bus.Offer) bus.Intent {
			cert := c.certificate()
			cert.NotAfter = 5
			return bus.SignIntent(c.p.worker, cert, o.Job, c.key.Public())
		},
		"another job": func(c *cheat, _ bus.Offer) bus.Intent { return c.intent(bus.Offer{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			liar := w.cheat(w.provider(10, price))
			offers := on(liar, bus.OfferVerb, func(o bus.Offer) (bus.Message, error) { return forge(liar, o), nil })
			grants := on(liar, bus.GrantVerb, func(g bus.Grant) (bus.Message, error) { return liar.accept(g, nil) })
			job, attended := w.submitted(w.customer(t.TempDir()))
			patient(t, offers)
			honest := w.provider(20, price)
			w.work(honest)
			require.NoError(t, patient(t, attended))
			require.Equal(t, honest.account, w.job(job, is(market.Delivered)).Provider)
			require.Empty(t, grants)
		})
	}
}

func TestCheat_AnAcceptThatTheChainWouldRefuseIsNotRelayed(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(c *cheat, o *wrappers.AcceptJobOrder){
		"another job":      func(_ *cheat, o *wrappers.AcceptJobOrder) { o.Job = cocoon.Account{1} },
		"another worker":   func(_ *cheat, o *wrappers.AcceptJobOrder) { o.Worker = [32]byte{1} },
		"another provider": func(_ *cheat, o *wrappers.AcceptJobOrder) { o.Contract = cocoon.Account{1} },
		"another network":  func(_ *cheat, o *wrappers.AcceptJobOrder) { o.GlobalID++ },
		"too late":         func(c *cheat, o *wrappers.AcceptJobOrder) { o.ValidUntil = c.w.index.Head().Time },
		"another signer":   func(c *cheat, _ *wrappers.AcceptJobOrder) { c.operator = testKey(98) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			liar := w.cheat(w.provider(10, price))
			on(liar, bus.OfferVerb, func(o bus.Offer) (bus.Message, error) { return liar.intent(o), nil })
			grants := on(liar, bus.GrantVerb, func(g bus.Grant) (bus.Message, error) {
				return liar.accept(g, func(o *wrappers.AcceptJobOrder) { edit(liar, o) })
			})
			job, attended := w.submitted(w.customer(t.TempDir()))
			patient(t, grants)
			honest := w.provider(20, price)
			w.work(honest) // the client grants again: the first one has failed it
			require.NoError(t, patient(t, attended))
			require.Equal(t, honest.account, w.job(job, is(market.Delivered)).Provider)
			for _, e := range w.events() {
				require.False(t, e.Name == "accept_job" && !e.OK)
			}
		})
	}
}

func TestCheat_AnAcceptThatTheChainRefusesAllTheSameMakesRoomForAnother(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(o *wrappers.AcceptJobOrder){
		"the provider refuses": func(o *wrappers.AcceptJobOrder) { o.Bond = wrappers.Coins{Nano: cocoon.TON(1000)} },
		"the job refuses":      func(o *wrappers.AcceptJobOrder) { o.Bond = wrappers.Coins{Nano: cocoon.NanoOf(1)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			liar := w.cheat(w.provider(10, price))
			on(liar, bus.OfferVerb, func(o bus.Offer) (bus.Message, error) { return liar.intent(o), nil })
			grants := on(liar, bus.GrantVerb, func(g bus.Grant) (bus.Message, error) { return liar.accept(g, edit) })
			job, attended := w.submitted(w.customer(t.TempDir()))
			patient(t, grants)
			honest := w.provider(20, price)
			w.work(honest)
			require.NoError(t, patient(t, attended))
			require.Equal(t, honest.account, w.job(job, is(market.Delivered)).Provider)
		})
	}
}

func TestCheat_AnAcceptThatComesTooLateLeavesTheJobToExpire(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	slow := w.cheat(w.provider(10, price))
	on(slow, bus.OfferVerb, func(o bus.Offer) (bus.Message, error) { return slow.intent(o), nil })
	release := make(chan struct{})
	grants := on(slow, bus.GrantVerb, func(g bus.Grant) (bus.Message, error) {
		<-release
		return slow.accept(g, nil)
	})
	job, attended := w.submitted(w.customer(t.TempDir()))
	patient(t, grants)
	w.advance(61)
	w.job(job, is(market.Refunded))
	close(release)
	require.ErrorContains(t, patient(t, attended), "accepted by nobody")
}

func TestCheat_OnlyTheWorkerThatWasGrantedTheKeyGetsThePayload(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	one, two := w.cheat(w.provider(10, price)), w.cheat(w.provider(20, cocoon.Price{Prompt: cocoon.TON(9)}))
	on(one, bus.OfferVerb, func(o bus.Offer) (bus.Message, error) { return one.intent(o), nil })
	got := make(chan error, 1)
	grants := on(one, bus.GrantVerb, func(g bus.Grant) (bus.Message, error) {
		raw, err := bus.Encode(bus.Fetch{Job: g.Job})
		if err != nil {
			return nil, err
		}
		answer, err := one.conn.Request(bus.ToDispatcher("main", one.p.id(), bus.PayloadVerb), raw, wait)
		if err == nil {
			_, err = bus.Decode[bus.Part](answer.Data)
		}
		got <- err
		return nil, bus.Refusef(bus.WrongWork, "no, thanks")
	})
	job, _ := w.submitted(w.customer(t.TempDir()))
	patient(t, grants)
	require.NoError(t, patient(t, got))
	require.Equal(t, bus.WrongKey, bus.CodeOf(two.ask(bus.PayloadVerb, bus.Fetch{Job: job})))
	require.Equal(t, bus.WrongJob, bus.CodeOf(two.ask(bus.PayloadVerb, bus.Fetch{Job: cocoon.Account{3}})))
}

func TestCheat_ADeliveryHasToBeTheBoundWorkersAndItsResultHere(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	c, stranger := w.cheat(w.provider(10, price)), w.cheat(w.provider(20, cocoon.Price{Prompt: cocoon.TON(9)}))
	on(c, bus.OfferVerb, func(o bus.Offer) (bus.Message, error) { return c.intent(o), nil })
	on(c, bus.GrantVerb, func(g bus.Grant) (bus.Message, error) { return c.accept(g, nil) })
	job, attended := w.submitted(w.customer(t.TempDir()))
	w.job(job, is(market.Accepted))
	require.Eventually(t, func() bool { // the dispatcher has seen it, too
		return bus.CodeOf(c.ask(bus.DeliverVerb, delivery(c, job, nil))) == bus.WrongJob
	}, wait, tick)

	blob := make([]byte, bus.PartSize+5)
	_, err := rand.Read(blob)
	require.NoError(t, err)
	part := func(i uint32) bus.Part {
		p, err := bus.PartOf(job, envelope.Hash(blob), blob, i)
		require.NoError(t, err)
		return p
	}
	require.Equal(t, bus.WrongKey, bus.CodeOf(stranger.ask(bus.ResultVerb, part(0))))
	require.Equal(t, bus.Failed, bus.CodeOf(c.ask(bus.ResultVerb, part(1))), "part 0 comes first")
	require.NoError(t, c.ask(bus.ResultVerb, part(0)))
	wrong := part(1)
	wrong.Data = make([]byte, len(wrong.Data))
	require.Equal(t, bus.Malformed, bus.CodeOf(c.ask(bus.ResultVerb, wrong)), "another hash")
	require.NoError(t, c.ask(bus.ResultVerb, part(0)))
	require.NoError(t, c.ask(bus.ResultVerb, part(0)), "again from the start")
	require.NoError(t, c.ask(bus.ResultVerb, part(1)))
	require.NoError(t, c.ask(bus.ResultVerb, part(1)), "it is here already")

	for name, edit := range map[string]func(*wrappers.Delivery){
		"another job":        func(d *wrappers.Delivery) { d.Contract = cocoon.Account{1} },
		"another network":    func(d *wrappers.Delivery) { d.GlobalID++ },
		"above the budget":   func(d *wrappers.Delivery) { d.Amount.Nano = cocoon.NanoOf(1_000_000_001) },
		"for nothing":        func(d *wrappers.Delivery) { d.Amount.Nano = cocoon.Nano{} },
		"of a result absent": func(d *wrappers.Delivery) { d.ResultHash = [32]byte{1} },
	} {
		require.Error(t, c.ask(bus.DeliverVerb, delivery(c, job, func(d *wrappers.Delivery) { d.ResultHash = envelope.Hash(blob); edit(d) })), name)
	}
	good := func(d *wrappers.Delivery) { d.ResultHash = envelope.Hash(blob) }
	require.Equal(t, bus.WrongKey, bus.CodeOf(stranger.ask(bus.DeliverVerb, delivery(stranger, job, good))))
	forged := delivery(stranger, job, good)
	require.Equal(t, bus.WrongKey, bus.CodeOf(c.ask(bus.DeliverVerb, forged)), "signed by another")
	require.NoError(t, c.ask(bus.DeliverVerb, delivery(c, job, good)))
	require.NoError(t, c.ask(bus.DeliverVerb, delivery(c, job, good)), "again")
	w.job(job, is(market.Delivered))
	require.ErrorContains(t, patient(t, attended), "not a result envelope", "the client sees that it is junk")
}

// delivery is one that c signs for a nanoTON.
func delivery(c *cheat, job cocoon.Account, edit func(*wrappers.Delivery)) bus.Deliver {
	d := wrappers.Delivery{GlobalID: c.w.net.GlobalID, Contract: job, Amount: wrappers.Coins{Nano: cocoon.NanoOf(1)}}
	if edit != nil {
		edit(&d)
	}
	cell, sig, err := wrappers.Sign(d, c.p.worker)
	require.NoError(c.w.t, err)
	return bus.Deliver{Job: job, Delivery: bus.Cell{Cell: cell}, Signature: sig.Bytes}
}

func TestCheat_AWorkerThatOnlyTheIndexKnowsIsGrantedNothing(t *testing.T) {
	t.Parallel()
	fake := testKey(77)
	w := newTown(t, func(w *town) { w.deps.Index = &lyingIndex{Index: w.index, worker: bus.ID(wrappers.PublicKey(fake))} })
	real := w.provider(10, price)
	invented := real
	invented.worker = fake
	liar := w.cheat(invented)
	offers := on(liar, bus.OfferVerb, func(o bus.Offer) (bus.Message, error) { return liar.intent(o), nil })
	grants := on(liar, bus.GrantVerb, func(g bus.Grant) (bus.Message, error) { return liar.accept(g, nil) })
	c := w.customer(t.TempDir())
	job, _ := w.submitted(c)
	patient(t, offers)
	require.Eventually(t, func() bool { return w.logged("it is no active worker") }, wait, tick)
	require.Empty(t, grants)
	require.NoError(t, c.Cancel(t.Context(), job))
}
