// Package worker is one GPU machine at work: it dials a dispatcher, says which
// jobs it would take, runs them on an engine and delivers what it signed for.
// It believes the chain's proven state, and nobody else, about money and terms.
package worker

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/worker/answer"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Worker is one run of a worker. Its boot id and envelope key live as long as it.
type Worker struct {
	cfg   Config
	chain Chain
	log   *slog.Logger
	clock func() time.Time
	rand  io.Reader

	id      bus.ID
	boot    bus.Boot
	key     envelope.PrivateKey
	desk    *desk
	store   *store
	engine  *engineClient
	link    *link
	answers *answer.Service
	stats   stats
	record  atomic.Pointer[wrappers.WorkerRecord] // newest read
	slots   chan struct{}                         // one for each request the engine may have at a time
	lines   chan struct{}                         // one for each of these that batches may have
	jobs    sync.WaitGroup                        // at work
}

// Deps are what a worker is given. Chain is needed, the rest has defaults.
type Deps struct {
	Chain  Chain
	Logger *slog.Logger
	Clock  func() time.Time
	Blocks func() time.Time // chain.Clock: by it the age of proofs is judged; Clock where nil
	Random io.Reader
	HTTP   *http.Client  // to the engines
	Quoter attest.Quoter // states what this worker runs in; none is the open tier
	GPUs   uint8         // in confidential mode, which the statement shows
}

// New prepares a worker: it opens the state folder and draws the keys of this
// run, and talks to nobody yet.
func New(cfg Config, deps Deps) (*Worker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	deps = deps.withDefaults()
	w := &Worker{cfg: cfg, chain: deps.Chain, log: deps.Logger, clock: deps.Clock, rand: deps.Random,
		id: bus.ID(cfg.Key.Public().(ed25519.PublicKey)), desk: newDesk(deps.Clock), engine: newEngineClient(cfg, deps)}
	var err error
	if w.key, err = envelope.NewKeyPair(); err != nil {
		return nil, err
	}
	if w.store, err = openStore(cfg.Data); err != nil {
		return nil, err
	}
	w.log = w.log.With("worker", w.id.String()[:16])
	w.link = &link{cfg: cfg, id: w.id, log: w.log, pin: &pin{cfg: cfg, chain: deps.Chain, log: w.log}}
	if w.answers, err = w.newAnswers(deps); err != nil {
		return nil, err
	}
	w.boot = bus.Boot(w.answers.Boot())
	w.link.boot = w.boot
	return w, nil
}

// maxIdle is how many connections to an engine are kept for the next requests.
const maxIdle = 256

// engineBuffer is how many bytes go to an engine, and come from it, at a time: most
// prompts are one write.
const engineBuffer = 32 << 10

func (d Deps) withDefaults() Deps {
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Clock == nil {
		d.Clock = time.Now
	}
	if d.Blocks == nil {
		d.Blocks = d.Clock
	}
	if d.Random == nil {
		d.Random = rand.Reader
	}
	if d.HTTP == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost, t.Proxy = maxIdle, nil // prompts pass through nobody
		t.WriteBufferSize, t.ReadBufferSize = engineBuffer, engineBuffer
		d.HTTP = &http.Client{Transport: t}
	}
	return d
}

// Run serves until ctx ends: it goes on with the jobs that an earlier run
// accepted, answers offers and interactive requests, and reconnects for ever.
// Then jobs at work are left where they are, for the next run to finish, and
// answers that run are finished. An error says that the worker cannot serve as
// it is configured.
func (w *Worker) Run(ctx context.Context) error {
	standing, err := w.standing(ctx)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if err := w.mayServe(standing); err != nil {
		return err
	}
	w.setRecord(standing.Record)
	n := standing.Record.Concurrency
	w.slots, w.lines = make(chan struct{}, n), make(chan struct{}, n-n/4) // who waits for an answer waits for no batch
	kept, err := w.store.load()
	if err != nil {
		return err
	}
	if err := w.link.dial(); err != nil {
		return err
	}
	handlers := &gate{free: maxRequests}
	defer func() {
		w.link.stop()
		handlers.close()
		w.jobs.Wait()
		w.link.close()
	}()
	for _, k := range kept {
		w.desk.resume(k)
		w.start(ctx, k)
	}
	if err := w.listen(ctx, handlers); err != nil {
		return err
	}
	if err := w.listenStreams(); err != nil {
		return err
	}
	w.log.Info("worker is up", "boot", w.boot.String(), "jobs", len(kept))
	drained, over := context.WithCancel(context.WithoutCancel(ctx))
	var beats sync.WaitGroup
	beats.Go(func() { w.beat(drained) })
	err = w.answers.Run(ctx)
	over()
	beats.Wait()
	return err
}

// standing reads this worker's standing; while the chain does not answer, it tries again.
func (w *Worker) standing(ctx context.Context) (Standing, error) {
	for wait := newBackoff(w.cfg.Retry); ; {
		s, err := w.chain.Standing(ctx, w.cfg.Provider, w.id)
		if ctx.Err() != nil {
			return Standing{}, nil
		}
		if err == nil || cocoon.KindOf(err) != cocoon.Unreachable {
			return s, err
		}
		w.log.Warn("chain does not answer", "err", err)
		wait.sleep(ctx)
	}
}

// mayServe says what is wrong with keys or registration, before anything is promised.
func (w *Worker) mayServe(s Standing) error {
	if s.Record == nil {
		return cocoon.WithHint(cocoon.Conflict.Errorf("worker %s is not an active worker of provider %s", w.id, w.cfg.Provider),
			"register it first (cocoon provider register)")
	}
	if s.Operator != [32]byte(w.cfg.Operator.Public().(ed25519.PublicKey)) {
		return cocoon.WithHint(cocoon.Forbidden.Errorf("provider %s has another operator key", w.cfg.Provider),
			"its owner sets the key (cocoon provider operator)")
	}
	return nil
}
