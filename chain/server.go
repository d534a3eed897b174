package chain

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/ton"
)

var errLost = errors.New("connection lost")

// server is one liteserver and the link to it, made when first needed and made
// anew by the next question after it broke.
type server struct {
	Liteserver
	timeout time.Duration // of connecting

	mu   sync.Mutex
	link *link
	shut bool
}

// link is one connection, from the moment it is dialled.
type link struct {
	dialled chan struct{} // closed once err or api is set
	err     error
	api     *ton.APIClient
	pool    *liteclient.ConnectionPool
	life    context.Context // ends with the connection
	end     context.CancelCauseFunc
}

// ask runs query on the link. An answer that makes the parser panic is an error
// of this server, like any other answer that cannot be read.
func (s *server) ask(ctx context.Context, timeout time.Duration, query func(context.Context, *ton.APIClient) error) (err error) {
	l, err := s.connect(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("unreadable answer: %v", broken)
		}
		if err != nil && l.life.Err() != nil {
			err = context.Cause(l.life)
		}
	}()
	return query(ctx, l.api)
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
	l.api = ton.NewAPIClient(l.pool, ton.ProofCheckPolicyFast)
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
