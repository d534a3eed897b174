package worker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

// link is a worker's connection to its dispatcher. It reconnects for ever.
type link struct {
	cfg  Config
	id   bus.ID
	boot bus.Boot
	log  *slog.Logger
	pin  *pin
	conn *nats.Conn
	subs []*nats.Subscription

	messages chan *nats.Msg // of several subscriptions, nil where there are none
}

// pingEvery is how often the link is tried where nothing is said. After two
// pings without an answer, or a write that takes as long, it is dialled anew.
const pingEvery = 5 * time.Second

// dial starts connecting and returns at once; nobody answering is no error.
func (l *link) dial() error {
	user, err := bus.UserKey(l.id)
	if err != nil {
		return err
	}
	sign := func(nonce []byte) ([]byte, error) { return bus.SignNonce(l.cfg.Key, nonce) }
	secure := &tls.Config{MinVersion: tls.VersionTLS13}
	if !l.cfg.Pin.IsZero() {
		secure = l.pin.config()
	}
	l.conn, err = nats.Connect(l.cfg.Dispatcher, l.secured(secure), nats.Nkey(user, sign), nats.Name("cocoon worker"),
		nats.CustomInboxPrefix(bus.InboxPrefix(l.id, l.boot)),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(), nats.CustomReconnectDelay(l.delay),
		nats.ReconnectBufSize(-1), // what is said while nobody listens is said again
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2), nats.FlusherTimeout(2*pingEvery),
		nats.ConnectHandler(func(*nats.Conn) { l.log.Info("dispatcher reached") }),
		nats.ReconnectHandler(func(*nats.Conn) { l.log.Info("dispatcher reached again") }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { l.log.Warn("dispatcher does not let me in", "err", err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { l.log.Warn("dispatcher lost", "err", err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.log.Warn("dispatcher complains", "err", err) }))
	if err != nil {
		return cocoon.Invalid.Errorf("dial dispatcher: %w", err) // who is not there is dialled again
	}
	return nil
}

// secured asks for TLS where the URL does.
func (l *link) secured(c *tls.Config) nats.Option {
	if u, err := url.Parse(l.cfg.Dispatcher); err == nil && bus.Secured(u) {
		return nats.Secure(c)
	}
	return func(*nats.Options) error { return nil }
}

// delay grows with every attempt to 30 times Retry, with as much again at random.
func (l *link) delay(attempt int) time.Duration {
	pause := min(l.cfg.Retry<<min(attempt, 10), 30*l.cfg.Retry)
	return pause + rand.N(pause)
}

// handle answers requests of one verb, each in its own goroutine of the caller's.
func (l *link) handle(verb bus.Verb, serve func(*nats.Msg)) error {
	sub, err := l.conn.Subscribe(bus.ToWorker(l.id, l.boot, verb), serve)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", verb, err)
	}
	l.subs = append(l.subs, sub)
	return nil
}

// stop takes no more requests.
func (l *link) stop() {
	for _, s := range l.subs {
		_ = s.Unsubscribe() // fails where the connection is down, which does as well
	}
}

// close ends the connection, after which nothing is received.
func (l *link) close() {
	l.conn.Close()
	if l.messages != nil {
		close(l.messages)
	}
}

// beat tells the dispatcher that the worker is up, if it listens.
func (l *link) beat(h bus.Heartbeat) {
	raw, err := bus.Encode(h)
	if err != nil {
		l.log.Error("cannot tell of myself", "err", err)
		return
	}
	_ = l.conn.Publish(bus.HeartbeatOf(l.id), raw) // the next one follows
}

// ask sends m to a node and reads its answer. A refusal holds a *bus.Refusal.
func ask[T bus.Message](ctx context.Context, l *link, node string, verb bus.Verb, m bus.Message) (T, error) {
	var none T
	raw, err := bus.Encode(m)
	if err != nil {
		return none, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Request)
	defer cancel()
	answer, err := l.conn.RequestWithContext(ctx, bus.ToDispatcher(node, l.id, verb), raw)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return none, err
		}
		return none, cocoon.Unreachable.Errorf("ask dispatcher for %s: %w", verb, err)
	}
	return bus.Decode[T](answer.Data)
}
