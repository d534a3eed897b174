package session

import (
	"context"
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// link is the connection to a dispatcher. It reconnects for ever.
type link struct {
	conn *nats.Conn
	key  [32]byte // the channel's
	cfg  Config
}

// dial connects, or fails where nobody answers now; on is called in order with
// what becomes of requests, down when the connection is lost, again after it is back.
func dial(cfg Config, key ed25519.PrivateKey, on func([]byte), down, again func()) (*link, error) {
	l := &link{key: [32]byte(key.Public().(ed25519.PublicKey)), cfg: cfg}
	secure, err := security(cfg)
	if err != nil {
		return nil, err
	}
	user, err := bus.UserKey(bus.ID(l.key))
	if err != nil {
		return nil, err
	}
	options := []nats.Option{secure, nats.Nkey(user, func(nonce []byte) ([]byte, error) { return bus.SignNonce(key, nonce) }), nats.Name("cocoon client"),
		nats.CustomInboxPrefix(stream.Inbox(l.key)), nats.Timeout(cfg.Timeout), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(),
		nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2), nats.CustomReconnectDelay(l.delay),
		nats.ReconnectBufSize(-1), // what is said while nobody listens is said again, or not at all
		nats.DisconnectErrHandler(func(*nats.Conn, error) { down() }),
		nats.ReconnectHandler(func(*nats.Conn) { again() })}
	if l.conn, err = nats.Connect(cfg.URL, options...); err != nil {
		return nil, cocoon.Unreachable.Errorf("dial dispatcher %s: %w", cfg.Rewards, err)
	}
	sub, err := l.conn.Subscribe(stream.EventsOf(l.key), func(m *nats.Msg) { on(m.Data) })
	if err == nil {
		err = sub.SetPendingLimits(1<<16, 256<<20) // the callback does not block
	}
	if err != nil {
		l.conn.Close()
		return nil, cocoon.Unreachable.Errorf("listen to dispatcher %s: %w", cfg.Rewards, err)
	}
	return l, nil
}

// security asks for the key that the chain names. Without TLS only this machine
// is spoken with.
func security(cfg Config) (nats.Option, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, cocoon.Invalid.Errorf("dispatcher %s has no readable address", cfg.Rewards)
	}
	switch {
	case bus.Secured(u):
		return nats.Secure(bus.Pinned(func() ([32]byte, error) { return cfg.TLSKeyHash, nil })), nil
	case u.Scheme == "nats" && bus.Loopback(u.Hostname()):
		return func(*nats.Options) error { return nil }, nil
	}
	return nil, cocoon.WithHint(cocoon.Forbidden.Errorf("dispatcher %s is reached without TLS", cfg.Rewards), "its endpoint on chain should begin with tls://")
}

// delay grows with every attempt to 30 times Retry, with as much again at random.
func (l *link) delay(attempt int) time.Duration {
	pause := min(l.cfg.Retry<<min(attempt, 10), 30*l.cfg.Retry)
	return pause + rand.N(pause)
}

// tell publishes what is not answered.
func (l *link) tell(node string, v stream.Verb, m stream.Message) error {
	if err := l.conn.Publish(stream.ToNode(node, l.key, v), m.Bytes()); err != nil {
		return cocoon.Unreachable.Errorf("tell dispatcher %s to %s: %w", l.cfg.Rewards, v, err)
	}
	return nil
}

// ask is what the dispatcher answers to m. A refusal is a *stream.Fail.
func ask[T any](ctx context.Context, l *link, node string, v stream.Verb, m stream.Message, parse func([]byte) (T, error)) (none T, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	answer, err := l.conn.RequestWithContext(ctx, stream.ToNode(node, l.key, v), m.Bytes())
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return none, err
		}
		return none, cocoon.Unreachable.Errorf("ask dispatcher %s for %s: %w", l.cfg.Rewards, v, err)
	}
	if stream.KindOf(answer.Data) != "fail" {
		return parse(answer.Data)
	}
	f, err := stream.ParseFail(answer.Data)
	if err != nil {
		return none, err
	}
	return none, failure(f)
}
