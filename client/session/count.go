package session

import (
	"math"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// ours reports why a receipt is not the one of this attempt: signed by the
// session key that the worker showed, for this route and this dispatcher.
func (a *answer) ours(r receipt.SignedUsage) error {
	t := a.attempt
	if t.number == 0 {
		return cocoon.Conflict.Errorf("no worker took the request")
	}
	peer := a.set.peers[t.candidate]
	scope := receipt.Scope{GlobalID: a.s.cfg.GlobalID, Provider: peer.Provider, Rewards: a.s.cfg.Rewards, Worker: peer.Worker, Boot: peer.Boot, Number: r.Number}
	if r.Scope != scope || r.Content.Request != [16]byte(a.id) || r.Content.Attempt != t.number || r.Content.Route != a.hash {
		return cocoon.Forbidden.Errorf("the receipt is of another request, attempt, worker or dispatcher")
	}
	return r.Verify(peer.Session)
}

// onFinal answers a receipt. One that names more frames than came waits until
// they were asked for.
func (a *answer) onFinal(raw []byte) error {
	r, err := receipt.ParseUsage(raw)
	if err == nil {
		err = a.ours(r)
	}
	if err != nil {
		return err
	}
	t := &a.attempt
	if !a.finished && !t.opener.Ended() {
		a.final, a.silence = raw, a.s.cfg.Patience
		a.resume()
		return nil
	}
	if !a.finished {
		a.finish(a.unfinished(stream.Reason(r.Content.Reason)))
	}
	own := a.count(r.Content)
	price := a.set.Candidates[t.candidate].Price
	if r.Content.Price.Within(price) {
		price = r.Content.Price
	}
	cost, err := price.Cost(own)
	if err != nil {
		return err
	}
	if cost.Cmp(r.Content.Cost) > 0 {
		cost = r.Content.Cost
	}
	return a.agree(own, cost, own != r.Content.Usage || cost != r.Content.Cost)
}

// unfinished is why an answer ended without its usage.
func (a *answer) unfinished(r stream.Reason) error {
	switch r {
	case stream.Unfunded:
		return &api.Error{Code: api.CodeVoucher, Err: cocoon.NoMoney.Errorf("the answer was cut: what was set aside for it is used up")}
	case stream.Failed, stream.Refused:
		return &api.Error{Code: api.CodeEngine, Err: cocoon.Unreachable.Errorf("the engine failed while it answered")}
	}
	return lost("the worker ended the answer before it was whole")
}

// count is the client's own: what the worker claims, as far as bytes allow, as
// the answer itself says, and as frames came in order. Out of bounds is nothing.
func (a *answer) count(c receipt.Content) cocoon.Usage {
	t, u, bytes := a.attempt, c.Usage, uint64(math.MaxUint64)
	if t.opener.Ended() {
		bytes = t.bytes
	}
	size := a.size
	size.Prompt = a.plain
	if size.Check(u, bytes) != nil {
		return cocoon.Usage{}
	}
	if t.usage != nil {
		u = cocoon.Usage{Prompt: min(u.Prompt, t.usage.Prompt), Cached: min(u.Cached, t.usage.Cached),
			Completion: min(u.Completion, t.usage.Completion), Reasoning: min(u.Reasoning, t.usage.Reasoning)}
	}
	came := min(t.live, t.bytes)
	u.Reasoning = min(u.Reasoning, came)
	u.Completion = min(u.Completion, came-u.Reasoning)
	return u
}

// agree ends the request in the books, and tells the dispatcher.
func (a *answer) agree(u cocoon.Usage, cost cocoon.Nano, disputed bool) error {
	cost, err := a.s.deps.Ledger.Agree(a.id, cost)
	if err != nil {
		a.settle()
		a.silence = 0
		return err
	}
	if disputed {
		a.s.log.Warn("receipt disputed", "request", a.id, "worker", a.Bill().Worker, "tokens", u.Total(), "amount_nano", cost.Text())
	}
	a.charge(u, cost)
	if a.attempt.number > 0 {
		a.s.pay(stream.Agreed{Request: a.id, Usage: u, Cost: cost}) // before anybody may close
	}
	a.settle()
	a.silence = 0
	return nil
}

// claimed answers a receipt that the dispatcher holds since before this session.
func (s *Session) claimed(raw []byte) {
	r, err := receipt.ParseUsage(raw)
	if err != nil {
		return
	}
	id := stream.RequestID(r.Content.Request)
	s.mu.Lock()
	a := s.open[id]
	s.mu.Unlock()
	if a != nil {
		s.hear(stream.Final{Request: id, Receipt: raw}.Bytes())
		return
	}
	s.spawn(func() {
		for attempt := range maxClaims {
			err := s.answer(r, id)
			if err == nil {
				return
			}
			s.log.Warn("receipt of an earlier session not answered", "request", id, "error", err)
			if cocoon.KindOf(err) != cocoon.Unreachable {
				return
			}
			select {
			case <-s.life.Done():
				return
			case <-time.After(s.link.delay(attempt)):
			}
		}
	})
}

// maxClaims is how often a receipt is looked at while the keys of its worker, or the
// dispatcher, cannot be asked; the next hello brings it again.
const maxClaims = 5

// answer settles a receipt of a request that another process began: what it
// received is not known, so that the bound is what was set aside. Of a request
// that nobody began, nothing is agreed.
func (s *Session) answer(r receipt.SignedUsage, id stream.RequestID) error {
	usage, cost := r.Content.Usage, r.Content.Cost
	route, _, open := s.deps.Ledger.Lost(id)
	_, ended := s.deps.Ledger.Ended(id)
	if open {
		boot := stream.Boot(r.Boot)
		signer, err := s.deps.Trust.Signer(s.life, r.Provider, r.Worker, boot, s.keysOf(r.Worker, boot))
		if err == nil {
			err = r.Verify(signer)
		}
		if err != nil {
			return err
		}
		fair, err := r.Content.Price.Cost(usage)
		if err != nil || fair.Cmp(cost) < 0 || r.Content.Route != route || r.GlobalID != s.cfg.GlobalID || r.Rewards != s.cfg.Rewards || !r.Content.Price.Within(s.cfg.Caps) {
			usage, cost = cocoon.Usage{}, cocoon.Nano{}
		}
	} else if !ended {
		s.pay(stream.Agreed{Request: id})
		return nil
	}
	cost, err := s.deps.Ledger.Agree(id, cost)
	if err == nil {
		s.pay(stream.Agreed{Request: id, Usage: usage, Cost: cost})
	}
	return err
}
