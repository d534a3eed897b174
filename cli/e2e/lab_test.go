package e2e_test

import (
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/worker/engine"
)

// The models, each with engines that behave in a way of their own.
const (
	chat  = "lab/chat"  // answers at once
	slow  = "lab/slow"  // long answers, a token every few milliseconds
	busy  = "lab/busy"  // each engine answers 429 once
	full  = "lab/full"  // and here always
	cut   = "lab/cut"   // the engine is gone after four tokens
	odd   = "lab/odd"   // valid server-sent events of unusual form
	dull  = "lab/dull"  // half a second until the first token
	kill  = "lab/kill"  // of processes that die
	wired = "lab/wired" // of a worker whose wire breaks
	late  = "lab/late"  // of a worker that a test starts
)

const wiredAnswer = 400 // tokens

// lab is a market whose engines break in every way.
type lab struct {
	*world
	slow    *engine.Engine // of both owners
	gates   *gates
	wire    *wire
	victims map[string]*exec.Cmd // the workers behind the gates, by owner
	late    func()               // starts the worker of late
	close   func()               // ends the dispatcher
}

// newLab has one dispatcher, which has let in every worker.
func newLab(t *testing.T) *lab {
	t.Helper()
	w := newWorld(t, chat, slow, busy, full, cut, odd, dull, kill, wired, late)
	l := &lab{world: w, gates: newGates("alice", "bob")}
	var err error
	l.slow, err = engine.Open(engine.Config{Answer: 60_000, Cost: engine.Cost{Step: 2 * time.Millisecond, Prefill: 1e6}})
	require.NoError(t, err)
	h, alice, bob := w.house(), w.provider(), w.provider()
	both, dying := []string{chat, slow, busy, full, cut, odd, dull}, []string{kill}
	a0, a1, b0 := w.register(alice, both), w.register(alice, []string{chat}), w.register(bob, both)
	_, l.close = h.serve()
	w.work(h, alice, a0, l.engines("alice"))
	w.work(h, alice, a1, map[string]http.Handler{chat: engine.New(chat)})
	w.work(h, bob, b0, l.engines("bob"))
	l.wire = newWire(t, h.address)
	w.work(h, bob, w.register(bob, []string{wired}), map[string]http.Handler{wired: w.broken(engine.Config{Answer: wiredAnswer, Cost: engine.Cost{Step: 5 * time.Millisecond, Prefill: 1e6}})}, l.wire.url())
	b2 := w.register(bob, []string{late})
	l.late = func() { w.work(h, bob, b2, map[string]http.Handler{late: engine.New(late)}) }
	l.victims = map[string]*exec.Cmd{
		"alice": w.process(h, alice, w.register(alice, dying), kill, l.gates.door("alice", w.broken(engine.Config{Answer: 20}, "hang=3@2"))),
		"bob":   w.process(h, bob, w.register(bob, dying), kill, l.gates.door("bob", w.broken(engine.Config{Answer: 20}, "hang=3@2"))),
	}
	return l
}

// engines are those of an owner's first worker.
func (l *lab) engines(owner string) map[string]http.Handler {
	all := map[string]http.Handler{
		chat: engine.New(chat), slow: l.slow, busy: l.broken(engine.Config{}, "429@1"), full: l.broken(engine.Config{}, "429"),
		cut: l.broken(engine.Config{Answer: 20}, "cut=4"), odd: l.broken(engine.Config{}, "sse-split", "sse-comments"),
		dull: l.broken(engine.Config{Cost: engine.Cost{Prefill: 2}}),
	}
	if owner == "alice" {
		all[odd] = l.broken(engine.Config{}, "sse-crlf", "sse-split")
	}
	return all
}
