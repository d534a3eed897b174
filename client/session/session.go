package session

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/gather"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// Session carries requests to one dispatcher. It is safe for concurrent use.
type Session struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	link    *link
	leases  *leases
	serving serving
	hail    sync.Mutex      // held while the channel is being taken
	life    context.Context // ends with Close
	stop    context.CancelFunc
	work    sync.WaitGroup
	// payments outlive life, for as long as the dispatcher takes to answer.
	payments sync.WaitGroup
	due      gather.List[stream.Agreed] // agreed and not paid yet

	mu     sync.Mutex
	number uint64 // of the session
	node   string // that has the channel
	gone   error  // why nothing can be asked now; nil while the channel is ours
	dead   bool   // gone is for good
	open   map[stream.RequestID]*answer
}

// errConnecting is while a session is being taken up.
var errConnecting = cocoon.Unreachable.Errorf("the dispatcher is being asked for the channel")

var errClosed = cocoon.Unreachable.Errorf("the session is closed")

// Open dials the dispatcher and takes the channel there, which ends every older
// session on it.
func Open(ctx context.Context, cfg Config, deps Deps) (_ *Session, err error) {
	if err = cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Session{cfg: cfg, deps: deps, log: deps.Logger.With("channel", cfg.Channel), gone: errConnecting, open: map[stream.RequestID]*answer{}}
	s.life, s.stop = context.WithCancel(context.Background())
	s.leases, s.serving.s = newLeases(s), s
	if s.link, err = dial(cfg, deps.Key, s.heard, s.down, func() { s.spawn(s.again) }); err != nil {
		s.stop()
		return nil, err
	}
	if err = s.hello(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close ends the connection. What runs is given up; its receipts come with the
// next session. Those of whole answers are waited for, for as long as Patience, and
// answered: of a client that leaves without, the dispatcher may settle its cover.
func (s *Session) Close() error {
	s.awaitReceipts()
	s.mu.Lock()
	s.stop() // nothing is spawned from here on
	s.mu.Unlock()
	s.payments.Wait()
	s.mu.Lock()
	s.gone, s.dead = errClosed, true
	s.mu.Unlock()
	s.link.conn.Close()
	s.work.Wait()
	return nil
}

// awaitReceipts waits until answers whose bill was told are agreed on.
func (s *Session) awaitReceipts() {
	patience := time.NewTimer(s.cfg.Patience)
	defer patience.Stop()
	s.each(func(a *answer) {
		select {
		case <-a.settled:
		default:
			return // it is given up
		}
		if _, _, err := s.place(); err != nil {
			return
		}
		select {
		case <-a.ended:
		case <-patience.C:
			patience.Reset(0) // for the others
		}
	})
}

// spawn runs f unless the session is closed.
func (s *Session) spawn(f func()) bool { return s.spawnIn(&s.work, f) }

func (s *Session) spawnIn(group *sync.WaitGroup, f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() == nil {
		group.Go(f)
		return true
	}
	return false
}

// Err says why nothing can be asked now, nil where it can; final whether that
// will not change.
func (s *Session) Err() (err error, final bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone, s.dead
}

// refuse ends the session for good: another daemon has the channel, or the
// dispatcher lies.
func (s *Session) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dead {
		s.gone, s.dead = err, true
		s.log.Error("session ended", "error", err)
	}
}

// place is where messages go, and under which session.
func (s *Session) place() (node string, number uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.node, s.number, s.gone
}

func (s *Session) each(f func(*answer)) {
	s.mu.Lock()
	all := make([]*answer, 0, len(s.open))
	for _, a := range s.open {
		all = append(all, a)
	}
	s.mu.Unlock()
	for _, a := range all {
		f(a)
	}
}

// heard takes a message of the dispatcher. It never blocks.
func (s *Session) heard(message []byte) {
	events, err := stream.Unbundle(message)
	if err != nil {
		s.log.Warn("message refused", "error", err)
	}
	for _, event := range events {
		s.hear(event)
	}
}

// hear gives an event to the request that it is about.
func (s *Session) hear(event []byte) {
	const head = 2
	var id stream.RequestID
	if stream.KindOf(event) == "" || len(event) < head+len(id) {
		return
	}
	copy(id[:], event[head:])
	s.mu.Lock()
	a := s.open[id]
	s.mu.Unlock()
	if a != nil && a.pass(event) {
		return
	}
	s.mu.Lock()
	a = s.open[id]
	room := a == nil || a.events.put(event) // before it is removed
	s.mu.Unlock()
	switch {
	case a == nil:
		s.late(id, event)
	case !room:
		a.overflow()
	}
}

// late answers the receipt of a request that nobody waits for any more, or that a
// process before this one began.
func (s *Session) late(id stream.RequestID, event []byte) {
	f, err := stream.ParseFinal(event)
	if err != nil {
		return
	}
	_, ended := s.deps.Ledger.Ended(id)
	_, _, lost := s.deps.Ledger.Lost(id)
	if ended || lost {
		s.claimed(f.Receipt)
	}
}

func (s *Session) put(a *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[a.id] = a
}

func (s *Session) remove(id stream.RequestID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, id)
}
