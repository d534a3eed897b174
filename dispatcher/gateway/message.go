package gateway

import (
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// read is a daemon's message and whose it is; what is none is refused.
func read[T any](g *Gateway, m *nats.Msg, parse func([]byte) (T, error)) (key [32]byte, v T, ok bool) {
	key, err := stream.DaemonOf(m.Subject)
	if err == nil {
		v, err = parse(m.Data)
	}
	if err != nil {
		g.refuse(m, err)
	}
	return key, v, err == nil
}

func respond(g *Gateway, m *nats.Msg, answer stream.Message) {
	if err := m.Respond(answer.Bytes()); err != nil && !errors.Is(err, nats.ErrMsgNoReply) {
		g.log.Warn("daemon not answered", "err", err)
	}
}

// refuse answers a daemon with what is wrong.
func (g *Gateway) refuse(m *nats.Msg, err error) { respond(g, m, g.failure(err, stream.RequestID{})) }

// failure is err as a daemon is told.
func (g *Gateway) failure(err error, id stream.RequestID) *stream.Fail {
	var f *stream.Fail
	if errors.As(err, &f) {
		told := *f
		told.Request = id
		return &told
	}
	f = &stream.Fail{Request: id, Code: stream.BadRequest, Text: err.Error()}
	switch cocoon.KindOf(err) {
	case cocoon.Internal: // its text is for our log
		g.log.Error("request failed", "request", id, "err", err)
		f.Code, f.Text = stream.Lagging, "the dispatcher failed"
	case cocoon.Unreachable:
		f.Code, f.Wait = stream.Lagging, 1000
	case cocoon.Forbidden:
		f.Code = stream.ChannelInUse
	case cocoon.NotFound:
		f.Code = stream.ChannelClosed
	}
	return f
}

func (g *Gateway) hello(m *nats.Msg) {
	key, h, ok := read(g, m, stream.ParseHello)
	if !ok {
		return
	}
	if !g.hellos.Take(key) {
		g.refuse(m, &stream.Fail{Code: stream.Busy, Wait: 1000, Text: "this key begins sessions too often: is it in two daemons?"})
		return
	}
	g.later(func() {
		state, err := g.money.Hello(g.ctx, key, h)
		if err != nil {
			g.refuse(m, err)
			return
		}
		g.sessions.Store(key, h.Session)
		state.Node = g.cfg.Node
		respond(g, m, state)
	})
}

func (g *Gateway) settle(m *nats.Msg) {
	key, s, ok := read(g, m, stream.ParseSettle)
	if !ok {
		return
	}
	g.later(func() {
		session, _ := g.sessions.Load(key)
		number, greeted := session.(uint64)
		if !greeted {
			g.refuse(m, &stream.Fail{Code: stream.ChannelInUse, Text: "this node knows no session of yours: say hello"})
			return
		}
		state, err := g.money.Settle(g.ctx, key, number, s)
		if err != nil {
			g.refuse(m, err)
			return
		}
		state.Node = g.cfg.Node
		respond(g, m, state)
	})
}

// session is the number of the session that a request's daemon has now: it says hello
// anew when it was disconnected, and its answers go on.
func (g *Gateway) session(r *request) uint64 {
	session, _ := g.sessions.Load(r.key)
	if number, greeted := session.(uint64); greeted {
		return number
	}
	return r.pay.Session
}

func (g *Gateway) closeChannel(m *nats.Msg) {
	key, c, ok := read(g, m, stream.ParseClose)
	if !ok {
		return
	}
	g.later(func() {
		promise, err := g.money.Close(g.ctx, key, c)
		if err != nil {
			g.refuse(m, err)
			return
		}
		respond(g, m, promise)
	})
}

// ours is a request that a message of its own daemon is about.
func (g *Gateway) ours(key [32]byte, id stream.RequestID) *request {
	if r := g.find(id); r != nil && r.key == key {
		return r
	}
	return nil
}

func (g *Gateway) more(m *nats.Msg) {
	key, v, ok := read(g, m, stream.ParseMore)
	if !ok {
		return
	}
	if r := g.ours(key, v.Request); r != nil {
		if err := g.money.Cover(v.Request, g.session(r), v.Cover); err != nil {
			g.tell(key, g.failure(err, v.Request).Bytes())
			return
		}
		r.fund(g, true)
	}
}

func (g *Gateway) cancel(m *nats.Msg) {
	key, c, ok := read(g, m, stream.ParseCancel)
	if !ok {
		return
	}
	if r := g.ours(key, c.Request); r != nil {
		r.cancelled(g)
	}
}

func (g *Gateway) resume(m *nats.Msg) {
	key, v, ok := read(g, m, stream.ParseResume)
	if !ok {
		return
	}
	r := g.ours(key, v.Request)
	if r == nil { // of the process before this one, or over
		g.tell(key, (&stream.Fail{Request: v.Request, Code: stream.WorkerLost, Text: "the dispatcher passes no such request on"}).Bytes())
		return
	}
	if c, running := r.worker(); running {
		r.rewind(v.Seq)
		v.Node = g.cfg.Node
		g.send(c, stream.ResumeVerb, v)
	}
}

func (g *Gateway) part(m *nats.Msg) {
	key, p, ok := read(g, m, stream.ParsePart)
	if !ok {
		return
	}
	if r := g.ours(key, p.Request); r != nil {
		r.add(p)
	}
}
