package answer

import (
	"context"
	"errors"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

const (
	// skew is how far the time at which a route was issued may be from ours.
	skew = 120 * time.Second
	// bodyBudget is how many bytes of bodies may be on their way at a time.
	bodyBudget = 64 << 20
)

// order takes or refuses an order. What needs no waiting is looked at here, so
// that orders that come together cannot take the same place.
func (s *Service) order(raw []byte, respond func([]byte)) {
	o, err := stream.ParseOrder(raw)
	if err != nil {
		respond((&stream.Fail{Code: stream.BadRequest, Text: err.Error()}).Bytes())
		return
	}
	a, err := s.admit(o)
	if err != nil {
		s.refuse(o, err, respond)
		return
	}
	s.bills.heard(o.Rewards, o.Node)
	go s.serve(a, respond) // s.work counts it
}

// failOf is what a dispatcher is told of err: its code, or that this worker cannot.
func failOf(request stream.RequestID, err error) *stream.Fail {
	var f *stream.Fail
	if !errors.As(err, &f) {
		return &stream.Fail{Request: request, Code: stream.Busy, Text: err.Error()}
	}
	told := *f
	told.Request = request
	return &told
}

// refuse answers an order with why it is not taken.
func (s *Service) refuse(o stream.Order, err error, respond func([]byte)) {
	f := failOf(o.Route.Request, err)
	s.deps.Logger.Info("order refused", "request", f.Request.String(), "code", f.Code.String(), "err", f.Text)
	respond(f.Bytes())
}

func fail(code stream.Code, text string) error { return &stream.Fail{Code: code, Text: text} }

// admit checks an order against what is known and takes a place for it.
func (s *Service) admit(o stream.Order) (*attempt, error) {
	if err := s.mayTake(o); err != nil {
		return nil, err
	}
	if err := s.bills.mayOwe(o.Rewards); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, hash := s.deps.Clock(), o.Route.Hash()
	s.sweep(now)
	_, taken := s.seen[hash]
	late := int(o.Size) - len(o.Body)
	switch {
	case s.draining:
		return nil, fail(stream.Busy, "worker stops")
	case taken:
		return nil, fail(stream.LeaseGone, "the route was taken before")
	case s.attempts[o.Route.Request] != nil:
		return nil, fail(stream.Busy, "worker has an attempt at that request")
	case late > 0 && s.bodies+int(o.Size) > bodyBudget:
		return nil, fail(stream.Busy, "worker receives too many bodies")
	case !s.deps.Slots.Take():
		return nil, fail(stream.Busy, "all slots are taken")
	}
	a := newAttempt(s.ctx, o, s.cfg.Answer)
	if late > 0 {
		a.body = newBody(o)
		s.bodies += int(o.Size)
	}
	s.seen[hash], s.attempts[o.Route.Request] = now.Add(stream.MaxRoute+skew), a
	s.work.Add(1)
	return a, nil
}

// timely checks when a route was issued. On a public network both clocks are one;
// a local chain lives in a time of its own, and a daemon there may go by either.
func (s *Service) timely(r stream.Route) (err error) {
	for i, now := range [...]time.Time{s.deps.Clock(), s.deps.Blocks()} {
		issued := time.Unix(int64(r.Issued), 0)
		switch {
		case now.Sub(issued) > skew || issued.Sub(now) > skew:
			err = fail(stream.Overdue, "the route was issued at another time than this worker's")
		case now.Unix() >= int64(r.Expires):
			return fail(stream.Overdue, "the route has expired")
		case int64(r.Issued) < s.started[i].Unix():
			return fail(stream.Overdue, "the route was issued before this worker started")
		default:
			return nil
		}
	}
	return err
}

// mayTake checks an order against clock, price and models.
func (s *Service) mayTake(o stream.Order) error {
	r := o.Route
	if err := s.timely(r); err != nil {
		return err
	}
	if s.deps.Engine(r.Model) == "" {
		return fail(stream.LeaseGone, "worker has no engine for the model")
	}
	asked, err := s.proofs.price(r.Model)
	switch {
	case cocoon.KindOf(err) == cocoon.NotFound:
		return fail(stream.LeaseGone, err.Error())
	case err != nil:
		return err
	case !asked.Within(o.Price):
		return fail(stream.LeaseGone, "worker asks more")
	}
	if _, err = o.Price.Cost(cocoon.Usage{Prompt: 1 << 40, Cached: 1 << 40, Completion: 1 << 40, Reasoning: 1 << 40}); err != nil {
		return fail(stream.BadRequest, "no receipt can hold that price")
	}
	return nil
}

// sweep forgets routes that have expired, once a second.
func (s *Service) sweep(now time.Time) {
	if now.Sub(s.swept) < time.Second {
		return
	}
	s.swept = now
	for hash, expires := range s.seen {
		if now.After(expires) {
			delete(s.seen, hash)
		}
	}
}

// drop gives back what an attempt that never began to answer had. Where nobody
// was told that it was taken, the route may come again.
func (s *Service) drop(a *attempt, taken bool) {
	s.leave(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.attempts, a.order.Route.Request)
	if !taken {
		delete(s.seen, a.order.Route.Hash())
	}
}

// leave frees an attempt's slot.
func (s *Service) leave(a *attempt) {
	a.late.Stop()
	a.stop(context.Canceled)
	a.state.Store(done)
	s.deps.Slots.Free()
}

// serve is an attempt from an order that was admitted to its receipt.
func (s *Service) serve(a *attempt, respond func([]byte)) {
	defer s.work.Done()
	t, err := s.take(a, respond)
	if err != nil {
		return // whoever asked knows
	}
	s.answer(a, t)
}

// take says that the order is taken, and opens the prompt: before it says so
// where all of it came with the order. Then a wrong key still costs nothing.
func (s *Service) take(a *attempt, respond func([]byte)) (t *task, err error) {
	defer s.release(a)
	key, err := s.mayAnswer(a)
	if err == nil && a.body == nil {
		t, err = open(a.order, a.order.Body, key)
	}
	if err != nil {
		s.drop(a, false)
		s.refuse(a.order, err, respond)
		return nil, err
	}
	if _, err = s.deps.Random.Read(a.nonce[:]); err != nil {
		s.drop(a, false)
		s.refuse(a.order, err, respond)
		return nil, err
	}
	raw := stream.Took{Request: a.order.Route.Request, Attempt: a.order.Attempt, Nonce: a.nonce}.Bytes()
	if a.body == nil {
		a.took = newTook(raw, respond, s.cfg.Took)
		return t, nil
	}
	a.took = newTook(raw, respond, 0) // the parts wait for it
	return s.receive(a, key)
}

// receive waits for the parts of a body and opens it.
func (s *Service) receive(a *attempt, key envelope.PrivateKey) (*task, error) {
	limit := time.NewTimer(s.cfg.Body)
	defer limit.Stop()
	var err error
	select {
	case <-a.body.whole:
	case <-limit.C:
		err = fail(stream.BadRequest, "the body did not come")
	case <-a.ctx.Done():
		err = context.Cause(a.ctx)
	}
	if err != nil {
		s.drop(a, true)
		if respond := a.body.end(); respond != nil {
			respond(failOf(a.order.Route.Request, errNoPart).Bytes())
		}
		return nil, err
	}
	t, err := open(a.order, a.body.bytes(), key)
	if err != nil {
		s.drop(a, true)
		s.refuse(a.order, err, a.body.respond)
		return nil, err
	}
	a.body.respond(nil)
	return t, nil
}

// mayAnswer looks up what may take a moment: the dispatcher, and the key that the
// prompt is encrypted to.
func (s *Service) mayAnswer(a *attempt) (envelope.PrivateKey, error) {
	d, err := s.proofs.trusted(a.ctx, a.order.Rewards)
	if err == nil {
		err = s.claims.mayOwe(a.order.Rewards, d, s.cfg.MaxOwed)
	}
	if err != nil {
		return envelope.PrivateKey{}, err
	}
	key, is := s.keys.private(a.order.KeyID)
	if !is {
		return key, fail(stream.WrongKey, "worker has no such key any more")
	}
	return key, nil
}

// open is the prompt of an order.
func open(o stream.Order, sealed []byte, key envelope.PrivateKey) (*task, error) {
	prompt, secret, err := stream.Open(o.Route, sealed, o.Wrap, key)
	if err != nil {
		return nil, fail(stream.WrongKey, "the prompt does not open: it is for another worker, or was changed")
	}
	t, err := newTask(o.Route, prompt, secret)
	if err != nil {
		return nil, fail(stream.BadRequest, err.Error())
	}
	return t, nil
}
