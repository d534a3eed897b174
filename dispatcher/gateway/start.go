package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// start takes a request, or tells its daemon why not.
func (g *Gateway) start(m *nats.Msg) {
	key, s, ok := read(g, m, stream.ParseStart)
	if !ok {
		return
	}
	r, err := g.admit(key, s)
	if err != nil {
		g.tell(key, g.failure(err, s.Route.Request).Bytes())
		return
	}
	g.running.begin(func() {
		defer g.bookFailures(r)
		defer g.forget(r)
		if err := g.serve(r); err != nil {
			g.tell(key, g.failure(err, r.route.Request).Bytes())
		}
	})
}

// admit reserves what a request may cost before anything is done for it.
func (g *Gateway) admit(key [32]byte, s stream.Start) (*request, error) {
	if g.draining.Load() {
		return nil, drains()
	}
	now := g.now()
	if !now.Before(time.Unix(int64(s.Route.Expires), 0)) {
		return nil, &stream.Fail{Code: stream.Overdue}
	}
	set, found := g.leases.use(s.Pay.Lease, key, s.Route.Model, now)
	if !found || len(s.Wraps) != len(set.candidates) {
		return nil, &stream.Fail{Code: stream.LeaseGone}
	}
	dearest, err := dearestOf(s, set.candidates)
	if err != nil {
		return nil, err
	}
	r := begin(s, key, set)
	if err = g.enter(r); err != nil {
		return nil, err
	}
	if err = g.money.Admit(key, Work{s.Route, s.Pay, s.Size, dearest}); err != nil {
		g.forget(r)
		return nil, err
	}
	return r, nil
}

// drains is said to who comes while the dispatcher goes.
func drains() *stream.Fail {
	return &stream.Fail{Code: stream.NoCapacity, Wait: 1000, Text: "this node of the dispatcher is being stopped"}
}

// dearestOf is the price that no candidate exceeds, part by part.
func dearestOf(s stream.Start, of []stream.Candidate) (p cocoon.Price, err error) {
	for _, c := range of {
		if !c.Price.Within(s.Route.Caps) {
			return p, &stream.Fail{Code: stream.BadRequest, Text: "a candidate costs more than the route allows"}
		}
		p = cocoon.Price{Prompt: p.Prompt.Max(c.Price.Prompt), Cached: p.Cached.Max(c.Price.Cached), Completion: p.Completion.Max(c.Price.Completion), Reasoning: p.Reasoning.Max(c.Price.Reasoning)}
	}
	return p, nil
}

// enter makes a request known, once, within what a daemon may have unread.
func (g *Gateway) enter(r *request) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.requests[r.route.Request] != nil {
		return &stream.Fail{Code: stream.BadRequest, Text: "there is a request of this id"}
	}
	if g.unread[r.key]+r.size > g.cfg.MaxUnread {
		return &stream.Fail{Code: stream.NoCapacity, Wait: 100, Text: "too many bytes of this daemon are on their way"}
	}
	g.unread[r.key] += r.size
	g.requests[r.route.Request] = r
	return nil
}

func (g *Gateway) forget(r *request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.requests, r.route.Request)
	if g.unread[r.key] -= r.size; g.unread[r.key] == 0 {
		delete(g.unread, r.key)
	}
}

// serve sees a request to its end. An error is for the daemon.
func (g *Gateway) serve(r *request) error {
	ctx, cancel := context.WithTimeout(g.ctx, g.lifetime(r))
	defer cancel()
	err := g.arrive(ctx, r)
	if err == nil {
		err = g.attempts(ctx, r)
	}
	if err != nil {
		g.money.Release(r.route.Request)
	}
	if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		return &stream.Fail{Code: stream.Overdue}
	}
	return err
}

// arrive waits for all of the body.
func (g *Gateway) arrive(ctx context.Context, r *request) error {
	if r.whole() { // as most are
		return nil
	}
	late := time.NewTimer(g.cfg.Parts)
	defer late.Stop()
	for !r.whole() {
		select {
		case <-r.moved:
		case <-late.C:
			return &stream.Fail{Code: stream.BadRequest, Text: "not all of the body came"}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// attempts asks one candidate after the other, and all again while they are
// only busy. The ciphertext is the same for all.
func (g *Gateway) attempts(ctx context.Context, r *request) error {
	var why error // of the first, or of one whose engine failed
	done := make([]bool, len(r.set.candidates))
	pause := askAgain
	for queued := g.now(); ; pause = min(2*pause, askAgainMost) {
		busy := false
		for i := range r.set.candidates {
			if r.isStopped() {
				return &stream.Fail{Code: stream.Overdue, Text: "cancelled"}
			}
			if len(r.wraps[i]) == 0 || done[i] {
				continue // its daemon does not trust that one, or it had its chance
			}
			err := g.attempt(ctx, r, uint8(i))
			if err == nil || ctx.Err() != nil {
				return err
			}
			if !r.abandon() {
				var f *stream.Fail
				if !errors.As(err, &f) {
					f = &stream.Fail{Code: stream.WorkerLost, Text: err.Error()}
				}
				return f
			}
			done[i] = !isBusy(err)
			busy = busy || !done[i]
			if why == nil || errors.Is(err, errEngine) {
				why = err
			}
			g.log.Debug("candidate did not answer", "request", r.route.Request, "candidate", i, "err", err)
		}
		if !busy || g.now().Sub(queued) > g.cfg.Queue {
			return nobody(why)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Between asking busy workers and asking them again. The longer a request waits, the
// more others do: they take a worker's time together.
const (
	askAgain     = 50 * time.Millisecond
	askAgainMost = 400 * time.Millisecond
)

// isBusy tells whether err is a worker's word that it is, and no more.
func isBusy(err error) bool {
	var f *stream.Fail
	return errors.As(err, &f) && f.Code == stream.Busy
}

// nobody is said where no candidate answers, with why one of them does not.
func nobody(why error) *stream.Fail {
	f := &stream.Fail{Code: stream.NoCapacity, Wait: 250, Text: "none of the candidates answers"}
	if errors.Is(why, errEngine) {
		f.Wait = 1000
	}
	if why != nil {
		f.Text += "; " + why.Error()
	}
	return f
}

// attempt has one candidate answer.
func (g *Gateway) attempt(ctx context.Context, r *request, candidate uint8) (err error) {
	c := r.set.candidates[candidate]
	g.workers.Began(c.Worker)
	defer func() {
		faultless := err == nil || r.isStopped() || isBusy(err) || errors.Is(err, errEngine) // it may serve other models, and prompts
		g.workers.Ended(c.Worker, !faultless)
	}()
	if err = g.knows(ctx, c); err != nil {
		return err
	}
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	number, err := r.next(candidate, lose, func(number uint8) error { return g.money.Assign(r.route.Request, number, c) })
	if err != nil {
		return err
	}
	defer g.ask(c.Worker, r)()
	g.bookFailures(r)
	if err := g.order(ctx, r, c, candidate, number); err != nil {
		return err
	}
	r.fund(g, false)
	if r.isStopped() { // while it was ordered
		g.send(c, stream.CancelVerb, stream.Cancel{Request: r.route.Request})
	}
	if err = g.deliver(ctx, r, c); err != nil {
		return err
	}
	return g.watch(ctx, r, c)
}

// knows has what the receipts of a worker's run are checked with, before there are
// any. It waits for nobody who asks for the newest keys.
func (g *Gateway) knows(ctx context.Context, c stream.Candidate) error {
	of := Run{c.Worker, c.Boot}
	if g.keys.entry(of).kept.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Took)
	defer cancel()
	_, _, err := g.keysFrom(ctx, of, anyAge)
	return err
}

// order asks a worker to work on a request, and tells its daemon once it does. The
// worker says so in answer, or with its first frame.
func (g *Gateway) order(ctx context.Context, r *request, c stream.Candidate, candidate, number uint8) error {
	first := r.body[:min(len(r.body), stream.MaxPart)]
	o := stream.Order{Attempt: number, Route: r.route, Rewards: g.cfg.Rewards, Node: g.cfg.Node, Price: c.Price, KeyID: c.KeyID, Wrap: r.wraps[candidate], Slice: r.tokens(r.granted),
		Size: uint32(r.size), Body: first}
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Took)
	defer cancel()
	r.awaitTook(cancel)
	answer, err := g.conn.RequestWithContext(ctx, stream.ToWorker(c.Worker, c.Boot, stream.OrderVerb), o.Bytes())
	if r.hasTook() {
		return nil
	}
	if err != nil {
		return cocoon.Unreachable.Errorf("order: %w", err)
	}
	if err = g.refused(answer.Data, c); err != nil {
		return err
	}
	t, err := stream.ParseTook(answer.Data)
	if err != nil {
		return err
	}
	if r.takes(g, c.Worker, t); !r.hasTook() {
		return cocoon.Unreachable.Errorf("order: the worker takes another attempt")
	}
	return nil
}

// refused is the Fail that a worker answers with, nil where it is something else.
func (g *Gateway) refused(answer []byte, c stream.Candidate) error {
	if stream.KindOf(answer) != "fail" {
		return nil
	}
	f, err := stream.ParseFail(answer)
	if err != nil {
		return err
	}
	if f.Code == stream.WrongKey {
		g.keys.forget(Run{c.Worker, c.Boot})
	}
	return f
}

// deliver sends what does not fit into the order, one part after the other.
func (g *Gateway) deliver(ctx context.Context, r *request, c stream.Candidate) error {
	for i, rest := uint8(1), r.body[min(len(r.body), stream.MaxPart):]; len(rest) > 0; i++ {
		p := stream.Part{Request: r.route.Request, Index: i, Data: rest[:min(len(rest), stream.MaxPart)]}
		ctx, cancel := context.WithTimeout(ctx, g.cfg.Parts)
		answer, err := g.conn.RequestWithContext(ctx, stream.ToWorker(c.Worker, c.Boot, stream.PartVerb), p.Bytes())
		cancel()
		if err == nil {
			err = g.refused(answer.Data, c)
		}
		if err != nil {
			return cocoon.Unreachable.Errorf("part %d: %w", i, err)
		}
		rest = rest[len(p.Data):]
	}
	return nil
}

// watch waits until an attempt is over: booked, silent, or too late to begin.
func (g *Gateway) watch(ctx context.Context, r *request, c stream.Candidate) error {
	patience := time.NewTimer(g.firstToken(r))
	defer patience.Stop()
	for {
		select {
		case <-r.ended:
			return nil
		case <-r.moved:
			if r.hasFailed() {
				return errEngine
			}
			patience.Reset(g.cfg.Silence)
		case <-patience.C:
			if rest := g.cfg.Silence - r.quiet(); rest > 0 { // frames came since
				patience.Reset(rest)
				continue
			}
			g.send(c, stream.CancelVerb, stream.Cancel{Request: r.route.Request})
			if r.begun() || r.isStopped() {
				return &stream.Fail{Code: stream.WorkerLost}
			}
			return cocoon.Unreachable.Errorf("no first token")
		case <-ctx.Done():
			g.send(c, stream.CancelVerb, stream.Cancel{Request: r.route.Request})
			return context.Cause(ctx)
		}
	}
}

// firstToken is how long a worker may take to begin: long prompts take longer.
func (g *Gateway) firstToken(r *request) time.Duration {
	return g.cfg.FirstToken + time.Duration(r.size)*prefillByte
}

// prefillByte is what a byte of a prompt may take: 2,000 tokens of 4 bytes a second.
const prefillByte = time.Second / 8000

// needOf tells whether err says that more cover is needed.
func needOf(err error) (f *stream.Fail, short bool) {
	return f, errors.As(err, &f) && f.Code == stream.NeedCover
}
