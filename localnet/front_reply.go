package localnet

import (
	"context"
	"time"

	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
)

// request is a query with the faults of the moment it came.
type request struct {
	query  tl.Serializable
	faults Faults
	fate   fate
	ear    func(tl.Serializable)
}

func (s *Server) reply(ctx context.Context, client *liteclient.ServerClient, id []byte, r request) {
	if !s.pause(ctx, r.fate.delay) {
		return
	}
	answer := s.answer(ctx, r)
	if !s.hold(ctx) {
		return
	}
	switch {
	case r.fate.drop:
		s.count(func(n *Stats) { n.Dropped++ })
		client.Close()
	case r.fate.silence:
		s.count(func(n *Stats) { n.Silent++ })
	default:
		send(ctx, client, id, answer)
	}
}

// answer is what the server says. What it will not say in the end it does all
// the same: a message whose confirmation is lost may well be in a block.
func (s *Server) answer(ctx context.Context, r request) tl.Serializable {
	if r.fate.refuse {
		s.count(func(n *Stats) { n.Refused++ })
		return r.faults.refusal()
	}
	chain := s.chain
	if r.faults.View != nil {
		chain = r.faults.View
	}
	honest := chain.answer
	if r.faults.LagBlocks > 0 || r.faults.ShardLag > 0 {
		honest = laggard{chain, r.faults}.answer
	}
	if !r.fate.lie {
		return honest(ctx, r.query)
	}
	l := liar{ask: func(q tl.Serializable) tl.Serializable { return honest(ctx, q) }, key: s.key}
	answer, lied := l.tell(r.faults.Lie, r.query)
	if lied {
		s.count(func(n *Stats) { n.Lied++ })
	}
	return answer
}

// pause waits, unless the client or the server ends before.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-s.after(d):
		return true
	case <-ctx.Done():
	case <-s.done:
	}
	return false
}

// hold waits while the server is half-closed; false is that all has ended.
func (s *Server) hold(ctx context.Context) bool {
	for {
		s.mu.Lock()
		held, changed := s.faults.HalfClose, s.changed
		s.mu.Unlock()
		if !held {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		case <-s.done:
			return false
		}
	}
}

// bare is a query without the wait that may stand before it.
func bare(query tl.Serializable) (wait *ton.WaitMasterchainSeqno, question tl.Serializable) {
	if list, ok := query.([]tl.Serializable); ok && len(list) == 2 {
		if w, ok := list[0].(ton.WaitMasterchainSeqno); ok {
			return &w, list[1]
		}
	}
	return nil, query
}
