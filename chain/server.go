package chain

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
)

var (
	errLost     = errors.New("connection lost")
	errPanicked = errors.New("unreadable answer")
)

// server is one liteserver and the link to it, made when first needed and made
// anew by the next question after it broke.
type server struct {
	Liteserver
	timeout time.Duration // of connecting
	health  health

	mu   sync.Mutex
	link *link
	shut bool
}

// link is one connection, from the moment it is dialled.
type link struct {
	dialled chan struct{} // closed once err is set or the pool connected
	err     error
	pool    *liteclient.ConnectionPool
	life    context.Context // ends with the connection
	end     context.CancelCauseFunc
}

// ask runs query on the link. An answer that makes the parser panic is an error
// of this server, like any other answer that cannot be read.
func (s *server) ask(ctx context.Context, timeout time.Duration, query func(context.Context, *ton.APIClient) error) (answered bool, err error) {
	l, err := s.connect(ctx)
	if err != nil {
		return false, err
	}
	heard := &witness{LiteClient: l.pool}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	defer func() {
		if broken := recover(); broken != nil {
			answered, err = heard.answered.Load(), fmt.Errorf("%w: %v", errPanicked, broken)
		}
		if err != nil && l.life.Err() != nil {
			answered, err = false, context.Cause(l.life)
		}
	}()
	err = query(ctx, ton.NewAPIClient(heard, ton.ProofCheckPolicyFast))
	return heard.answered.Load(), err
}

func (s *server) connect(ctx context.Context) (*link, error) {
	s.mu.Lock()
	l := s.link
	if l == nil && !s.shut {
		l = &link{dialled: make(chan struct{}), pool: liteclient.NewConnectionPool()}
		l.life, l.end = context.WithCancelCause(context.Background())
		s.link = l
		go s.dial(l)
	}
	s.mu.Unlock()
	if l == nil {
		return nil, errLost
	}
	select {
	case <-l.dialled:
		return l, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *server) dial(l *link) {
	defer close(l.dialled)
	l.pool.SetOnDisconnect(func(_, _ string) { s.drop(l) })
	ctx, cancel := context.WithTimeout(l.life, s.timeout)
	defer cancel()
	if l.err = l.pool.AddConnection(ctx, s.Addr, base64.StdEncoding.EncodeToString(s.Key)); l.err != nil {
		l.err = fmt.Errorf("connect: %w", l.err)
		s.drop(l)
		return
	}
}

// drop forgets a link that broke, so that whoever waits on it stops waiting and
// the next question dials again.
func (s *server) drop(l *link) {
	s.mu.Lock()
	if s.link == l {
		s.link = nil
	}
	s.mu.Unlock()
	l.end(errLost)
	l.pool.Stop()
}

func (s *server) close() {
	s.mu.Lock()
	l := s.link
	s.shut = true
	s.mu.Unlock()
	if l != nil {
		s.drop(l)
	}
}

// witness passes queries on and sees whether they were answered: what is wrong
// with an answer is the server's fault, what is wrong without one need not be.
type witness struct {
	ton.LiteClient
	answered atomic.Bool // the last one was, and not by an error
}

func (w *witness) QueryLiteserver(ctx context.Context, query, result tl.Serializable) error {
	w.answered.Store(false)
	if err := w.LiteClient.QueryLiteserver(ctx, query, result); err != nil {
		return err
	}
	answer, ok := result.(*tl.Serializable)
	if ok {
		_, refused := (*answer).(ton.LSError)
		ok = !refused
	}
	w.answered.Store(ok)
	return nil
}
