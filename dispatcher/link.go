package dispatcher

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

// link is the way to workers: a NATS server in this process, and our own
// connection to it through a pipe: 28 microseconds of a core for a message there and
// its answer back, where loopback takes 40.
type link struct {
	node   string
	log    *slog.Logger
	door   *door
	server *server.Server
	conn   *nats.Conn
	events *nats.Conn // of the server's own account

	drained chan struct{} // closed with conn
}

const (
	startTimeout = 10 * time.Second
	maxUnread    = 2 << 20 // bytes a worker may leave unread before it is disconnected
)

// openLink starts the server and connects to it. Whom it admits is the roster's word.
func openLink(cfg Config, r *roster, c *daemons, log *slog.Logger) (*link, error) {
	host, port, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, cocoon.Invalid.Errorf("listen address %q: %w", cfg.Listen, err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, cocoon.Invalid.Errorf("listen address %q: port is no number", cfg.Listen)
	}
	secure := len(cfg.TLS.Certificate) > 0
	if !secure && !bus.Loopback(host) {
		return nil, cocoon.WithHint(cocoon.Forbidden.Errorf("listen at %s without TLS: who is on the way would see which worker answers whom, and could take connections over", cfg.Listen),
			"give a certificate and its key (--tls-cert, --tls-key), or listen on loopback")
	}
	if err = mayListen(cfg.Listen); err != nil {
		return nil, err
	}
	self, login, err := drawLogin()
	if err != nil {
		return nil, err
	}
	watcher, watch, err := drawLogin()
	if err != nil {
		return nil, err
	}
	l := &link{node: cfg.Node, log: log, door: newDoor(self, watcher, r, c, newStrangers(cfg.Strangers, time.Now, log), log), drained: make(chan struct{})}
	options := &server.Options{
		ServerName: "cocoon-" + cfg.Node, Host: host, Port: listenPort(number), NoSigs: true, NoLog: true,
		MaxPayload: bus.MaxMessage, MaxPending: maxUnread, AuthTimeout: startTimeout.Seconds(),
		AlwaysEnableNonce: true, CustomClientAuthentication: l.door,
	}
	if secure {
		options.TLS, options.TLSTimeout = true, startTimeout.Seconds()
		options.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cfg.TLS}, GetConfigForClient: l.door.others.greet}
	}
	if l.server, err = server.NewServer(options); err != nil {
		return nil, cocoon.Invalid.Errorf("start the server for workers: %w", err)
	}
	l.door.kick, l.door.system = l.server.DisconnectClientByID, l.server.SystemAccount
	l.server.Start()
	if !l.server.ReadyForConnections(startTimeout) {
		l.server.Shutdown()
		return nil, cocoon.Unreachable.Errorf("the server for workers on %s does not come up", cfg.Listen)
	}
	l.conn, err = l.connect(login, nats.DrainTimeout(startTimeout), nats.ClosedHandler(func(*nats.Conn) { close(l.drained) }))
	if err == nil {
		l.events, err = l.connect(watch)
	}
	if err != nil {
		l.server.Shutdown()
		return nil, fmt.Errorf("connect to the server for workers: %w", err)
	}
	return l, nil
}

// drawLogin makes a login of our own, for as long as this process lives.
func drawLogin() (user string, login nats.Option, err error) {
	pair, err := nkeys.CreateUser()
	if err == nil {
		user, err = pair.PublicKey()
	}
	if err != nil {
		return "", nil, fmt.Errorf("draw a login: %w", err)
	}
	return user, nats.Nkey(user, pair.Sign), nil
}

// connect is a connection of our own to our server.
func (l *link) connect(options ...nats.Option) (*nats.Conn, error) {
	return nats.Connect("nats://"+l.server.Name(), append(options, nats.InProcessServer(l.server), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))...)
}

// missing has gone called with every worker whose connection ends.
func (l *link) missing(gone func(bus.ID)) error {
	_, err := l.events.Subscribe("$SYS.ACCOUNT.*.DISCONNECT", func(m *nats.Msg) {
		var event server.DisconnectEventMsg
		if err := json.Unmarshal(m.Data, &event); err != nil {
			l.log.Error("the server's word on a connection is not readable", "error", err)
			return
		}
		if w, worker := l.door.closed(event.Client.ID); worker {
			gone(w)
		}
	})
	if err == nil {
		err = l.events.FlushTimeout(startTimeout)
	}
	return err
}

// mayListen tries the address first, since the server only says that it is not ready.
func mayListen(address string) error {
	probe, err := net.Listen("tcp", address)
	if err == nil {
		err = probe.Close()
	}
	if err != nil {
		return cocoon.WithHint(cocoon.Unreachable.Errorf("cannot listen for workers: %w", err), "is the port taken? port 0 takes a free one")
	}
	return nil
}

// listenPort is the server's way to say port: it takes 0 for its default.
func listenPort(n uint64) int {
	if n == 0 {
		return server.RANDOM_PORT
	}
	return int(n)
}

func (l *link) url() string { return l.server.ClientURL() }

// up reports whether a connection is.
func (l *link) up(connection uint64) bool { return l.server.GetClient(connection) != nil }

// handler answers one request of a worker.
type handler func(w bus.ID, data []byte) ([]byte, error)

// serve subscribes to what workers say.
func (l *link) serve(heartbeat func(bus.ID, []byte), byVerb map[bus.Verb]handler) error {
	_, err := l.conn.Subscribe(bus.Heartbeats, func(m *nats.Msg) {
		if w, err := bus.SenderOf(m.Subject); err == nil {
			heartbeat(w, m.Data)
		}
	})
	for verb, h := range byVerb {
		if err != nil {
			break
		}
		_, err = l.conn.Subscribe(bus.FromWorkers(l.node, verb), func(m *nats.Msg) { l.answer(m, verb, h) })
	}
	if err == nil {
		err = l.conn.FlushTimeout(startTimeout)
	}
	return err
}

func (l *link) answer(m *nats.Msg, verb bus.Verb, h handler) {
	w, err := bus.SenderOf(m.Subject)
	if err != nil {
		return
	}
	answer, err := h(w, m.Data)
	if err != nil {
		l.log.Debug("worker's request refused", "worker", w, "verb", verb, "error", err)
		if answer, err = refusal(err).Encode(); err != nil {
			l.log.Error("encode a refusal", "error", err)
			return
		}
	}
	if err = m.Respond(answer); err != nil && !errors.Is(err, nats.ErrMsgNoReply) {
		l.log.Warn("answer a worker", "worker", w, "verb", verb, "error", err)
	}
}

// refusal is how a worker is told of err.
func refusal(err error) *bus.Refusal {
	switch cocoon.KindOf(err) {
	case cocoon.Invalid:
		return bus.Refuse(bus.Malformed, err)
	case cocoon.Forbidden:
		return bus.Refuse(bus.WrongKey, err)
	case cocoon.NotFound, cocoon.Conflict:
		return bus.Refuse(bus.WrongJob, err)
	case cocoon.Internal: // its text is for our log
		return bus.Refuse(bus.Failed, errors.New("the dispatcher failed"))
	}
	return bus.Refuse(bus.Failed, err)
}

// request asks one run of a worker. A refusal comes back as *bus.Refusal, a
// worker that is not there or does not answer as Unreachable.
func request[A bus.Message](ctx context.Context, l *link, w bus.ID, boot bus.Boot, verb bus.Verb, m bus.Message) (answer A, err error) {
	data, err := bus.Encode(m)
	if err != nil {
		return answer, err
	}
	reply, err := l.conn.RequestWithContext(ctx, bus.ToWorker(w, boot, verb), data)
	if err != nil {
		return answer, cocoon.Unreachable.Errorf("%s to worker %s: %w", verb, w, err)
	}
	return bus.Decode[A](reply.Data)
}

// close takes no more requests, lets those be answered that were taken, and
// stops the server.
func (l *link) close() {
	if err := l.conn.Drain(); err == nil {
		<-l.drained
	}
	l.conn.Close()
	l.events.Close()
	l.server.Shutdown()
	l.server.WaitForShutdown()
}
