// Package gateway carries requests of clients' daemons to workers and answers
// back, over the dispatcher's NATS server. It reads routes, counts and bills,
// and never a prompt or an answer. What it may owe and is owed is its Money's.
package gateway

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/bucket"
	"github.com/cocoon-network/cocoon/internal/gather"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// Config says how long a gateway is patient. All are above zero.
type Config struct {
	Node    string         // name of this node in the bus's subjects
	Rewards cocoon.Account // the dispatcher's rewards contract

	LeaseFor   time.Duration // that a set of candidates may be used
	Took       time.Duration // for a worker to say that it works on a request
	FirstToken time.Duration // until the first frame, at least; longer where prompts are long
	Silence    time.Duration // between frames, after which a worker is lost
	Grace      time.Duration // for a run whose connection was lost amid an answer to be back
	Queue      time.Duration // that a request waits for a free worker
	Parts      time.Duration // for the parts of a body to come
	Total      time.Duration // for a whole answer
	Gather     time.Duration // that bills wait for others, to be booked together
	Earned     time.Duration // between looks at what providers are owed
	Book       time.Duration // after which a run of a worker hears of the book again; it believes one for 5 minutes
	Left       time.Duration // for bills of what the process before this one was amid
	MaxUnread  int           // bytes of bodies whose parts are awaited, of each daemon
	Hellos     int           // a minute, of each daemon
	Listings   int           // questions which workers there are, likewise
	Kinds      int           // questions for candidates that nobody had, likewise
}

// DefaultConfig is what the protocol says.
func DefaultConfig() Config {
	return Config{Node: "main", LeaseFor: 10 * time.Second, Took: 500 * time.Millisecond, FirstToken: 2 * time.Second, Silence: 15 * time.Second, Grace: 2 * time.Second,
		Queue: 5 * time.Second, Parts: 10 * time.Second, Total: 10 * time.Minute, Gather: 25 * time.Millisecond, Earned: time.Second, Book: time.Minute, Left: 30 * time.Second, MaxUnread: 32 << 20, Hellos: 60, Listings: 60, Kinds: 60}
}

// Gateway serves daemons and workers on one connection.
type Gateway struct {
	cfg     Config
	conn    *nats.Conn
	money   Money
	workers Workers
	now     func() time.Time
	log     *slog.Logger

	ctx      context.Context // of all that is on its way
	abort    context.CancelFunc
	subs     []*nats.Subscription
	running  tasks
	draining atomic.Bool
	leases   leases
	keys     keyring
	sessions sync.Map // number of each daemon's, by key
	hellos   *bucket.Set[[32]byte]
	listings *bucket.Set[[32]byte]
	kinds    *bucket.Set[[32]byte]
	acks     acks
	bills    gather.List[bill] // to be booked
	events   events
	left     []Left // of the process before; of Run
	opened   time.Time

	mu       sync.Mutex
	requests map[stream.RequestID]*request
	asked    map[[32]byte]map[*request]struct{} // by the worker that has them
	unread   map[[32]byte]int                   // bytes of bodies that wait for parts, by daemon
}

const (
	helloBurst   = 20  // that a daemon may say at once: one whose connection flaps says many
	listingBurst = 20  // as well
	kindBurst    = 300 // as well: a daemon may have as many models when it starts
	mostDaemons  = 1 << 16
)

// Open begins to serve; Run has to follow.
func Open(cfg Config, conn *nats.Conn, m Money, w Workers, now func() time.Time, log *slog.Logger) (*Gateway, error) {
	g := &Gateway{cfg: cfg, conn: conn, money: m, workers: w, now: now, log: log,
		leases: newLeases(), keys: keyring{runs: map[Run]*keysEntry{}}, acks: acks{runs: map[Run]uint32{}},
		hellos: bucket.New[[32]byte](cfg.Hellos, helloBurst, mostDaemons, now), listings: bucket.New[[32]byte](cfg.Listings, listingBurst, mostDaemons, now),
		kinds:    bucket.New[[32]byte](cfg.Kinds, kindBurst, mostDaemons, now),
		requests: map[stream.RequestID]*request{}, asked: map[[32]byte]map[*request]struct{}{}, unread: map[[32]byte]int{}, left: m.Left(), opened: now()}
	g.events.send = func(key [32]byte, m []byte) {
		if err := conn.Publish(stream.EventsOf(key), m); err != nil {
			log.Warn("daemon not told", "err", err)
		}
	}
	g.ctx, g.abort = context.WithCancel(context.Background())
	if err := g.listen(); err != nil {
		g.close()
		return nil, err
	}
	if err := g.subscribe(map[string]nats.MsgHandler{
		stream.FromDaemons(stream.Home, stream.HelloVerb): g.hello,
		stream.FromDaemons(g.cfg.Node, "*"):               g.daemon, // one, since what a daemon says has an order
	}); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

// maxUnseen bounds what workers have sent and nobody looked at.
const maxUnseen = 1 << 16

// listen has frames and receipts of workers come in the order in which they were
// sent: a bill is judged by the frames before it.
func (g *Gateway) listen() error {
	messages := make(chan *nats.Msg, maxUnseen)
	for _, verb := range []stream.Verb{stream.FrameVerb, stream.ReceiptVerb} {
		s, err := g.conn.ChanSubscribe(stream.FromWorkers(g.cfg.Node, verb), messages)
		if err != nil {
			return cocoon.Unreachable.Errorf("listen to workers: %w", err)
		}
		g.subs = append(g.subs, s)
	}
	go func() {
		for {
			select {
			case m := <-messages:
				g.heardAll(m, messages)
			case <-g.ctx.Done():
				return
			}
		}
	}()
	return nil
}

// heardAll takes what is there by now. What daemons are told of it goes together.
func (g *Gateway) heardAll(m *nats.Msg, more <-chan *nats.Msg) {
	g.events.hold()
	defer g.events.release()
	for range maxHeld {
		g.answers(m)
		select {
		case m = <-more:
		default:
			return
		}
	}
}

// Run serves until ctx ends, then begins nothing new, and returns when what was
// on its way is over, or draining is.
func (g *Gateway) Run(ctx, draining context.Context) {
	defer g.close()
	defer context.AfterFunc(draining, g.abort)()
	tick := time.NewTicker(g.cfg.Earned)
	defer tick.Stop()
	for told := (map[Run]time.Time{}); ctx.Err() == nil; {
		g.publish(told)
		select {
		case <-ctx.Done():
		case <-tick.C:
			g.promise()
			g.inherit()
		}
	}
	g.draining.Store(true)
	g.running.wait()
}

// inherit ends what the process before this one was amid: nobody can pass the rest
// of it on. Its workers are told to bill what they did; what has no bill after a
// while has none, and sets nothing aside any more.
func (g *Gateway) inherit() {
	if len(g.left) == 0 {
		return
	}
	late := g.now().Sub(g.opened) >= g.cfg.Left
	for _, l := range g.left {
		if late || l.Worker == (Run{}) {
			g.money.Release(l.Request)
			continue
		}
		g.send(stream.Candidate{Worker: l.Worker.Worker, Boot: l.Worker.Boot}, stream.CancelVerb, stream.Cancel{Request: l.Request})
	}
	g.left = slices.DeleteFunc(g.left, func(l Left) bool { return late || l.Worker == (Run{}) })
}

func (g *Gateway) close() {
	g.abort()
	for _, s := range g.subs {
		_ = s.Unsubscribe() // without a connection it is none already
	}
}

func (g *Gateway) subscribe(handlers map[string]nats.MsgHandler) error {
	for subject, serve := range handlers {
		s, err := g.conn.Subscribe(subject, serve)
		if err != nil {
			return cocoon.Unreachable.Errorf("serve %s: %w", subject, err)
		}
		g.subs = append(g.subs, s)
	}
	if err := g.conn.Flush(); err != nil {
		return cocoon.Unreachable.Errorf("serve daemons: %w", err)
	}
	return nil
}

// daemon takes what a daemon says. No handler may take long.
func (g *Gateway) daemon(m *nats.Msg) {
	switch verb := stream.Verb(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]); verb {
	case stream.LeaseVerb:
		g.lease(m)
	case stream.ModelsVerb:
		g.modelsOf(m)
	case stream.KeysVerb:
		g.keysOf(m)
	case stream.StartVerb:
		g.start(m)
	case stream.PartVerb:
		g.part(m)
	case stream.MoreVerb:
		g.more(m)
	case stream.SettleVerb:
		g.settle(m)
	case stream.CloseVerb:
		g.closeChannel(m)
	case stream.CancelVerb:
		g.cancel(m)
	case stream.ResumeVerb:
		g.resume(m)
	default:
		g.refuse(m, cocoon.Invalid.Errorf("this dispatcher knows no %q", verb))
	}
}

// tell sends a daemon what became of a request, after all it was told before.
func (g *Gateway) tell(key [32]byte, m []byte) { g.events.tell(key, m) }

// send tells a run of a worker.
func (g *Gateway) send(c stream.Candidate, v stream.Verb, m stream.Message) {
	if err := g.conn.Publish(stream.ToWorker(c.Worker, c.Boot, v), m.Bytes()); err != nil {
		g.log.Warn("worker not told", "verb", v, "err", err)
	}
}

// later does something slow of a message outside its subscription's goroutine.
func (g *Gateway) later(do func()) {
	g.running.begin(do)
}

func (g *Gateway) find(id stream.RequestID) *request {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.requests[id]
}
