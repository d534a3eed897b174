package dispatcher

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"log/slog"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// key is the n-th key of a test.
func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func idOf(k ed25519.PrivateKey) bus.ID { return bus.ID(k.Public().(ed25519.PublicKey)) }

// world is a link with two active workers, 1 and 2, of one provider.
type world struct {
	t      *testing.T
	link   *link
	roster *roster
}

const patience30 = 30 * time.Second

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, DefaultConfig())
}

func newWorldWith(t *testing.T, cfg Config) *world {
	t.Helper()
	r := newRoster(rand.New(rand.NewPCG(1, 2)), time.Now, time.Minute)
	r.refresh(records(1, 2), []market.Provider{{Account: cocoon.Account{7}}})
	c := &daemons{}
	c.tell(ledger.Channel{Account: cocoon.Account{1}, Key: ledger.Key(idOf(key(5)))})
	l, err := openLink(cfg, r, c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(l.close)
	return &world{t, l, r}
}

func records(keys ...byte) (all []market.Worker) {
	for _, k := range keys {
		all = append(all, market.Worker{Key: idOf(key(k)).String(), Provider: cocoon.Account{7}, GPUs: 1, Concurrency: 1})
	}
	return all
}

// dial connects as the worker whose key is k, signing with by.
func (w *world) dial(k, by ed25519.PrivateKey, options ...nats.Option) (*nats.Conn, error) {
	w.t.Helper()
	user, err := bus.UserKey(idOf(k))
	require.NoError(w.t, err)
	options = append(options, nats.Nkey(user, func(nonce []byte) ([]byte, error) { return bus.SignNonce(by, nonce) }), nats.NoReconnect(),
		nats.CustomInboxPrefix(bus.InboxPrefix(idOf(k), bus.Boot{1})))
	c, err := nats.Connect(w.link.url(), options...)
	if err == nil {
		w.t.Cleanup(c.Close)
	}
	return c, err
}

func TestLink_AdmitsOnlyActiveWorkersByTheirKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.dial(key(1), key(1))
	require.NoError(t, err)
	_, err = w.dial(key(9), key(9))
	require.ErrorIs(t, err, nats.ErrAuthorization, "unknown key")
	_, err = w.dial(key(1), key(2))
	require.ErrorIs(t, err, nats.ErrAuthorization, "wrong signature")
	_, err = nats.Connect(w.link.url(), nats.NoReconnect())
	require.ErrorIs(t, err, nats.ErrAuthorization, "no key")
	_, err = nats.Connect(w.link.url(), nats.NoReconnect(), nats.UserInfo(idOf(key(1)).String(), "x"))
	require.ErrorIs(t, err, nats.ErrAuthorization, "password")
	_, err = nats.Connect(w.link.url(), nats.NoReconnect(), nats.Nkey(w.link.door.self, func(n []byte) ([]byte, error) { return ed25519.Sign(key(1), n), nil }))
	require.ErrorIs(t, err, nats.ErrAuthorization, "our own name without its key")
}

// violates tries what the holder of k may not do.
func (w *world) violates(k ed25519.PrivateKey, tries map[string]func(*nats.Conn) error) {
	w.t.Helper()
	for name, try := range tries {
		w.t.Run(name, func(t *testing.T) {
			violations := make(chan error, 4)
			c, err := w.dial(k, k, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { violations <- err }))
			require.NoError(t, err)
			require.NoError(t, try(c))
			require.NoError(t, c.Flush())
			select {
			case err := <-violations:
				require.ErrorIs(t, err, nats.ErrPermissionViolation)
			case <-time.After(patience30):
				t.Fatal("nothing was said against it")
			}
		})
	}
}

func TestLink_ADaemonHasItsOwnSubjectsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own, other := [32]byte(idOf(key(5))), [32]byte(idOf(key(6)))
	publish := func(subject string) func(*nats.Conn) error {
		return func(c *nats.Conn) error { return c.Publish(subject, []byte("x")) }
	}
	subscribe := func(subject string) func(*nats.Conn) error {
		return func(c *nats.Conn) error { _, err := c.SubscribeSync(subject); return err }
	}
	w.violates(key(5), map[string]func(*nats.Conn) error{
		"others' events":   subscribe(stream.EventsOf(other)),
		"everything":       subscribe(">"),
		"workers' frames":  subscribe(stream.FromWorkers("main", stream.FrameVerb)),
		"others' requests": publish(stream.ToNode("main", other, stream.CancelVerb)),
		"a worker's order": publish(stream.ToWorker([32]byte(idOf(key(1))), stream.Boot{1}, stream.OrderVerb)),
		"a worker's frame": publish(stream.FromWorker("main", [32]byte(idOf(key(1))), stream.FrameVerb)),
		"a heartbeat":      publish(bus.HeartbeatOf(idOf(key(5)))),
	})
	c, err := w.dial(key(5), key(5), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { t.Error(err) }))
	require.NoError(t, err)
	require.NoError(t, subscribe(stream.EventsOf(own))(c))
	require.NoError(t, publish(stream.ToNode(stream.Home, own, stream.HelloVerb))(c))
	require.NoError(t, c.Flush())
	_, err = w.dial(key(6), key(6))
	require.ErrorIs(t, err, nats.ErrAuthorization, "a key of no channel")
}

func TestLink_AWorkerHasItsOwnSubjectsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := idOf(key(1)), idOf(key(2))
	w.violates(key(1), map[string]func(*nats.Conn) error{
		"others' requests":   func(c *nats.Conn) error { _, err := c.SubscribeSync("w." + two.String() + ".>"); return err },
		"everything":         func(c *nats.Conn) error { _, err := c.SubscribeSync(">"); return err },
		"others' answers":    func(c *nats.Conn) error { _, err := c.SubscribeSync("_INBOX.>"); return err },
		"others' heartbeats": func(c *nats.Conn) error { _, err := c.SubscribeSync("hb.>"); return err },
		"a foreign beat":     func(c *nats.Conn) error { return c.Publish(bus.HeartbeatOf(two), []byte("x")) },
		"a foreign request":  func(c *nats.Conn) error { return c.Publish(bus.ToDispatcher("main", two, bus.ResultVerb), []byte("x")) },
		"a worker's order":   func(c *nats.Conn) error { return c.Publish(bus.ToWorker(two, bus.Boot{1}, bus.OfferVerb), []byte("x")) },
		"who comes and goes": func(c *nats.Conn) error { _, err := c.SubscribeSync("$SYS.ACCOUNT.*.DISCONNECT"); return err },
		"the server itself":  func(c *nats.Conn) error { return c.Publish("$SYS.REQ.SERVER.PING", []byte("x")) },
	})
	c, err := w.dial(key(1), key(1), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { t.Error(err) }))
	require.NoError(t, err)
	_, err = c.SubscribeSync("w." + one.String() + ".>")
	require.NoError(t, err)
	require.NoError(t, c.Publish(bus.HeartbeatOf(one), []byte("x")))
	require.NoError(t, c.Flush())
}

// closed waits until the connection is gone.
func closed(t *testing.T, c *nats.Conn) {
	t.Helper()
	require.Eventually(t, c.IsClosed, patience30, 5*time.Millisecond)
}

func TestLink_ARetiredWorkerIsDisconnected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, err := w.dial(key(1), key(1))
	require.NoError(t, err)
	other, err := w.dial(key(2), key(2))
	require.NoError(t, err)
	workers := records(1, 2)
	workers[0].RetiredAt = 5
	for _, gone := range w.roster.refresh(workers, []market.Provider{{Account: cocoon.Account{7}}}) {
		w.link.door.expel(gone)
	}
	closed(t, c)
	require.NoError(t, other.Flush(), "the other stays")
	_, err = w.dial(key(1), key(1))
	require.ErrorIs(t, err, nats.ErrAuthorization)
}

func TestLink_TheNewestRunOfAWorkerReplacesTheOneBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before, err := w.dial(key(1), key(1))
	require.NoError(t, err)
	after, err := w.dial(key(1), key(1))
	require.NoError(t, err)
	closed(t, before)
	require.NoError(t, after.Flush())
}

func TestLink_IsToldAtOnceOfAWorkerThatIsGone(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"in clear": false, "with TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, options := DefaultConfig(), []nats.Option(nil)
			if secure {
				var hash [32]byte
				cfg.TLS, hash = certificate(t)
				cfg.Listen = "0.0.0.0:0"
				options = append(options, pin(hash))
			}
			w := newWorldWith(t, cfg)
			gone := make(chan bus.ID, 10)
			require.NoError(t, w.link.missing(func(id bus.ID) { gone <- id }))
			one, err := w.dial(key(1), key(1), options...)
			require.NoError(t, err)
			two, err := w.dial(key(2), key(2), options...)
			require.NoError(t, err)
			daemon, err := w.dial(key(5), key(5), options...)
			require.NoError(t, err)
			daemon.Close()
			one.Close()
			require.Equal(t, idOf(key(1)), <-gone)
			require.False(t, w.link.door.here(idOf(key(1))))
			require.True(t, w.link.door.here(idOf(key(2))))
			_, err = w.dial(key(2), key(2), options...) // another run, which replaces this one
			require.NoError(t, err)
			closed(t, two)
			require.Equal(t, idOf(key(2)), <-gone, "what was asked of that connection is lost")
			require.True(t, w.link.door.here(idOf(key(2))))
		})
	}
}

func TestLink_RequestsReachOneRunAndRefusalsComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := idOf(key(1))
	boot := bus.Boot{1}
	c, err := w.dial(key(1), key(1))
	require.NoError(t, err)
	_, err = c.Subscribe(bus.ToWorker(one, boot, bus.GrantVerb), func(m *nats.Msg) {
		answer, err := bus.Refusef(bus.Busy, "not now").Encode()
		if err == nil {
			err = m.Respond(answer)
		}
		require.NoError(t, err)
	})
	require.NoError(t, err)
	require.NoError(t, c.Flush())
	ctx, stop := context.WithTimeout(t.Context(), patience30)
	defer stop()
	_, err = request[bus.Ack](ctx, w.link, one, boot, bus.GrantVerb, bus.Ack{})
	require.Equal(t, bus.Busy, bus.CodeOf(err))
	_, err = request[bus.Ack](ctx, w.link, one, bus.Boot{2}, bus.GrantVerb, bus.Ack{})
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err), "another run")
	require.ErrorIs(t, err, nats.ErrNoResponders)
}

func TestLink_AnswersWorkersAndTellsThemWhyNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	heard := make(chan bus.ID, 1)
	require.NoError(t, w.link.serve(func(id bus.ID, _ []byte) { heard <- id }, map[bus.Verb]handler{
		bus.PayloadVerb: func(id bus.ID, data []byte) ([]byte, error) {
			switch string(data) {
			case "forbidden":
				return nil, cocoon.Forbidden.Errorf("not yours")
			case "internal":
				return nil, errors.New("our secret path")
			}
			return bus.Encode(bus.Ack{})
		},
	}))
	one := idOf(key(1))
	c, err := w.dial(key(1), key(1))
	require.NoError(t, err)
	require.NoError(t, c.Publish(bus.HeartbeatOf(one), []byte("x")))
	require.Equal(t, one, <-heard)
	for data, want := range map[string]bus.Code{"": "", "forbidden": bus.WrongKey, "internal": bus.Failed} {
		m, err := c.Request(bus.ToDispatcher("main", one, bus.PayloadVerb), []byte(data), patience30)
		require.NoError(t, err)
		_, err = bus.Decode[bus.Ack](m.Data)
		require.Equal(t, want, bus.CodeOf(err), data)
		if err != nil {
			require.NotContains(t, err.Error(), "secret")
		}
	}
}

func TestLink_ATakenPortIsToldWithAHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := DefaultConfig()
	cfg.Listen = w.link.url()[len("nats://"):]
	_, err := openLink(cfg, w.roster, &daemons{}, slog.New(slog.DiscardHandler))
	require.Error(t, err)
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))
	require.NotEmpty(t, cocoon.HintOf(err))
	for _, bad := range []string{"", "nonsense", "127.0.0.1:", "127.0.0.1:70000"} {
		cfg.Listen = bad
		_, err = openLink(cfg, w.roster, &daemons{}, slog.New(slog.DiscardHandler))
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), bad)
	}
}
