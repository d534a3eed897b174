package dispatcher

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// relay sends messages to contracts, each named by what it is to bring about,
// and not again while the last one may still be on its way. The contracts make
// a second one harmless; it would only cost its fee.
type relay struct {
	deps Deps
	log  *slog.Logger

	mu   sync.Mutex
	sent map[string]*sending
	done sync.WaitGroup
}

// sending is what was sent under one name.
type sending struct {
	busy  bool
	seqno uint32 // masterchain block indexed when it had left
	times int
}

// patience is how many masterchain blocks a message may take to have its effect.
const patience = 8

func newRelay(deps Deps, log *slog.Logger) *relay {
	return &relay{deps: deps, log: log, sent: map[string]*sending{}}
}

// once builds and sends a message in the background, unless that one is under
// way. It returns how often it was sent before.
func (r *relay) once(ctx context.Context, name string, build func(context.Context) (chain.Message, error)) int {
	head := r.deps.Feed.Head().Seqno
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sent[name]
	if s == nil {
		s = &sending{}
		r.sent[name] = s
	}
	if s.busy || s.times > 0 && head < s.seqno+patience {
		return s.times
	}
	s.busy = true
	r.done.Go(func() { r.send(ctx, name, s, build) })
	return s.times
}

func (r *relay) send(ctx context.Context, name string, s *sending, build func(context.Context) (chain.Message, error)) {
	m, err := build(ctx)
	if err == nil {
		_, err = r.deps.Sender.Send(ctx, m)
	}
	switch {
	case err == nil:
		r.log.Info("sent", "op", name, "to", m.To, "amount_nano", m.Amount.Text())
	case ctx.Err() == nil:
		r.log.Warn("cannot send", "op", name, "error", err, "hint", cocoon.HintOf(err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.busy = false
	if err == nil || errors.Is(err, chain.ErrOutcomeUnknown) {
		s.seqno = r.deps.Feed.Head().Seqno
		s.times++
	}
}

// forget drops what was sent under these names: their matter is closed.
func (r *relay) forget(names ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		if s := r.sent[name]; s != nil && !s.busy {
			delete(r.sent, name)
		}
	}
}

// wait returns once nothing is being sent.
func (r *relay) wait() { r.done.Wait() }

// message is body to a contract, with the value its get-method asks for.
func message[T any](to cocoon.Account, value cocoon.Nano, body T) (chain.Message, error) {
	c, err := wrappers.Cell(body)
	return chain.Message{To: to, Amount: value, Bounce: true, Body: c}, err
}
