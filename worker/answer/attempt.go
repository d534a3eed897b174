package answer

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// state is how far an attempt is.
type state int32

const (
	waiting state = iota // for the first token
	begun                // there are tokens
	done                 // at most its frames are kept
)

// attempt is an order at work.
type attempt struct {
	order stream.Order
	nonce stream.Nonce
	took  *took
	cover *cover
	body  *body // nil where all of it came with the order
	post  atomic.Pointer[post]
	state atomicState

	ctx  context.Context
	stop context.CancelCauseFunc
	late *time.Timer // stops it
}

type atomicState struct{ v atomic.Int32 }

func (s *atomicState) Load() state   { return state(s.v.Load()) }
func (s *atomicState) Store(v state) { s.v.Store(int32(v)) }

func newAttempt(parent context.Context, o stream.Order, limit time.Duration) *attempt {
	a := &attempt{order: o, cover: newCover(uint64(o.Slice))}
	a.ctx, a.stop = context.WithCancelCause(parent)
	a.late = time.AfterFunc(limit, func() { a.stop(errOverdue) })
	return a
}

// cover is how many tokens of an answer somebody pays for.
type cover struct {
	tokens atomic.Uint64
	grown  chan struct{}
}

func newCover(tokens uint64) *cover {
	c := &cover{grown: make(chan struct{}, 1)}
	c.tokens.Store(tokens)
	return c
}

// grow covers that many tokens in all; it never covers less.
func (c *cover) grow(tokens uint64) {
	for {
		held := c.tokens.Load()
		if tokens <= held {
			return
		}
		if c.tokens.CompareAndSwap(held, tokens) {
			poke(c.grown)
			return
		}
	}
}

// reaches waits for cover of so many tokens, for limit at most or until quit.
func (c *cover) reaches(quit <-chan struct{}, tokens uint64, limit time.Duration) bool {
	if tokens <= c.tokens.Load() {
		return true
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for tokens > c.tokens.Load() {
		select {
		case <-c.grown:
		case <-timer.C:
			return false
		case <-quit:
			return false
		}
	}
	return true
}

// answer has the engine answer a prompt, sends it and writes the receipt.
func (s *Service) answer(a *attempt, t *task) {
	sealer, err := stream.NewSealer(t.secret, a.order.Route.Request, a.order.Attempt, a.nonce)
	if err != nil {
		s.deps.Logger.Error("cannot seal frames", "request", a.order.Route.Request.String(), "err", err)
		s.drop(a, true)
		return
	}
	send := func(node string, frame []byte) error {
		return a.took.with(frame, func(messages ...[]byte) error { return s.outbox.put(node, messages...) })
	}
	p := newPost(s.cfg, a.order.Node, sealer, send, func() { a.stop(errUnsent) }, func() { s.forget(a) })
	a.post.Store(p)
	a.order.Wrap, a.order.Body = nil, nil // they are opened, and the attempt is kept for its frames
	m := newMeter(a.order.Route, t.size, s.deps.Clock())
	reason, err := s.pull(a, t, p, &m)
	now := s.deps.Clock()
	prefill, _ := s.rates.perSecond()
	usage := m.bill(reason, prefill, now)
	s.leave(a)
	s.rates.add(m)
	s.deps.Done(reason == stream.Finished || reason == stream.Refused, usage.Total(), now.Sub(m.start))
	if err != nil {
		s.deps.Logger.Info("answer ended early", "request", a.order.Route.Request.String(), "reason", reason.String(), "err", err)
	}
	b, err := s.bill(a.order, reason, usage, p)
	if err != nil {
		s.deps.Logger.Error("no receipt", "request", a.order.Route.Request.String(), "err", err)
		return
	}
	select { // the receipt follows its frames
	case <-p.flushed:
	case <-time.After(s.cfg.Unsent):
	}
	wait := s.cfg.Receipt
	if m.out() == 0 { // a dispatcher passes no end without a token on before it
		wait = 0
	}
	s.bills.ready(b, wait)
}

// forget is when nothing of an attempt is kept any longer.
func (s *Service) forget(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.attempts, a.order.Route.Request)
}

// bill ends an attempt's frames and writes the receipt over them.
func (s *Service) bill(o stream.Order, reason stream.Reason, usage cocoon.Usage, p *post) (*bill, error) {
	hash, err := p.end()
	if err != nil {
		return nil, err
	}
	cost, err := o.Price.Cost(usage)
	if err != nil {
		return nil, err
	}
	return s.bills.write(o.Rewards, receipt.Content{Request: o.Route.Request, Attempt: o.Attempt, Reason: uint8(reason), Route: o.Route.Hash(), Frames: hash,
		Usage: usage, Price: o.Price, Cost: cost})
}

// reasonOf is why an attempt whose context ended is over.
func reasonOf(ctx context.Context) (stream.Reason, error) {
	cause := context.Cause(ctx)
	if errors.Is(cause, errCancelled) || errors.Is(cause, errUnsent) {
		return stream.Cancelled, cause
	}
	return stream.Failed, cause
}
