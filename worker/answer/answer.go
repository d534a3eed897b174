// Package answer is a worker's side of interactive requests: it takes orders of
// dispatchers that hold the rules, opens the prompt, has an engine answer and
// sends the answer in frames that the client alone can read, and a receipt that
// the session key of this run signs. docs/worker.md describes it.
package answer

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// Service answers requests. Handle is given what dispatchers say, Run does what
// is not an answer to that.
type Service struct {
	cfg     Config
	deps    Deps
	w       [32]byte
	started [2]time.Time // by both clocks
	session *attest.Session
	keys    *keys
	proofs  *proofs
	bills   *bills
	claims  *claims
	outbox  *outbox
	rates   rates

	ctx  context.Context // of all attempts
	kill context.CancelCauseFunc
	work sync.WaitGroup // attempts that are not billed, and other work of handlers
	acks sync.WaitGroup // what came with acknowledgements

	mu       sync.Mutex
	draining bool
	closed   bool
	attempts map[stream.RequestID]*attempt // at work, or whose frames are kept
	seen     map[[32]byte]time.Time        // routes taken, until they have expired for certain
	swept    time.Time                     // when seen was
	bodies   int                           // bytes of bodies that arrive
}

// Slots are how many requests the engine may have at a time.
type Slots interface {
	// Take reports whether there was a free one, which Free gives back.
	Take() bool
	Free()
}

// Deps are what a Service is given. Logger, Clock, Blocks, Random, HTTP, Quoter
// and Done have defaults.
type Deps struct {
	Chain  Chain
	Send   func(subject string, data []byte) error // an error says that nobody listens
	Engine func(model cocoon.ModelID) string       // base URL of who answers for it, "" for nobody
	Slots  Slots
	Quoter attest.Quoter                                    // states what runs here; none is the open tier
	GPUs   uint8                                            // in confidential mode, that Quoter shows; claims name their number
	Done   func(ok bool, tokens uint64, took time.Duration) // told of every answer

	Logger *slog.Logger
	Clock  func() time.Time
	Blocks func() time.Time // chain.Clock: by it the age of blocks is judged, and keys and evidence live; Clock where nil
	Random io.Reader
	HTTP   *http.Client // to engines
}

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
		d.HTTP = &http.Client{}
	}
	engines := *d.HTTP
	engines.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // prompts go nowhere else
	d.HTTP = &engines
	if d.Quoter == nil {
		d.Quoter = attest.NoTEE{}
	}
	if d.Done == nil {
		d.Done = func(bool, uint64, time.Duration) {}
	}
	return d
}

// Why an attempt ends before its time.
var (
	errCancelled = errors.New("cancelled by the client")
	errUnsent    = errors.New("frames could not be sent")
	errOverdue   = errors.New("the answer takes too long")
	errStopped   = errors.New("the worker stops")
)

// New prepares a Service: it draws the keys of this run, which are never stored,
// and talks to nobody.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Chain == nil || deps.Send == nil || deps.Engine == nil || deps.Slots == nil {
		return nil, cocoon.Invalid.Errorf("answering needs a chain, a link, engines and slots")
	}
	s := &Service{cfg: cfg, deps: deps.withDefaults(), w: [32]byte(cfg.Key.Public().(ed25519.PublicKey)),
		attempts: map[stream.RequestID]*attempt{}, seen: map[[32]byte]time.Time{}}
	deps = s.deps
	var err error
	if s.session, err = attest.NewSession(deps.Random, attest.Identity{GlobalID: cfg.GlobalID, Vault: cfg.Provider, Worker: s.w, GPUs: deps.GPUs}); err != nil {
		return nil, err
	}
	s.started = [2]time.Time{deps.Clock(), deps.Blocks()}
	s.ctx, s.kill = context.WithCancelCause(context.Background())
	s.proofs = newProofs(cfg, deps)
	s.keys = &keys{cfg: cfg, w: s.w, session: s.session, quoter: deps.Quoter, clock: deps.Blocks, block: s.proofs.recent, ids: map[uint32][32]byte{}}
	s.bills = &bills{cfg: cfg, scope: receipt.Scope{GlobalID: cfg.GlobalID, Provider: cfg.Provider, Worker: s.w, Boot: s.session.Boot()},
		sign: func(u receipt.Usage) (receipt.SignedUsage, error) { return u.Sign(s.session.Signer()) },
		send: deps.Send, clock: deps.Clock, settled: make(chan struct{}, 1), by: map[cocoon.Account]*tab{}}
	s.outbox = &outbox{w: s.w, send: deps.Send, bills: s.bills}
	s.claims = &claims{dir: filepath.Join(cfg.Data, "earned"), globalID: cfg.GlobalID, provider: cfg.Provider}
	return s, s.keys.rotate()
}

// Boot is the id of this run.
func (s *Service) Boot() stream.Boot { return s.session.Boot() }

// Verbs are what Handle is to be called for.
func Verbs() []stream.Verb {
	return []stream.Verb{stream.OrderVerb, stream.PartVerb, stream.SliceVerb, stream.CancelVerb, stream.ResumeVerb, stream.AckVerb, stream.BookVerb, stream.KeysVerb}
}

// Handle takes a message of a dispatcher. Messages are given one after the other,
// as they came; respond may be called later, once at most. Handle waits for
// nobody, and keeps message.
func (s *Service) Handle(verb stream.Verb, message []byte, respond func([]byte)) {
	var err error
	switch verb {
	case stream.OrderVerb:
		s.order(message, respond)
	case stream.PartVerb:
		err = s.part(message, respond)
	case stream.SliceVerb:
		err = s.slice(message)
	case stream.CancelVerb:
		err = s.cancel(message)
	case stream.ResumeVerb:
		err = s.resume(message)
	case stream.AckVerb:
		err = s.ack(message)
	case stream.BookVerb:
		err = s.proofs.takeBook(message)
	case stream.KeysVerb:
		s.later(func() { s.show(respond) })
	}
	if err != nil {
		s.deps.Logger.Info("message refused", "verb", string(verb), "err", err)
	}
}

// later does f in a goroutine of its own, unless the worker stops.
func (s *Service) later(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.work.Go(f)
	}
}

func (s *Service) find(id stream.RequestID) *attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts[id]
}

func (s *Service) slice(raw []byte) error {
	m, err := stream.ParseSlice(raw)
	if a := s.find(m.Request); err == nil && a != nil {
		a.cover.grow(uint64(m.Tokens))
	}
	return err
}

func (s *Service) cancel(raw []byte) error {
	m, err := stream.ParseCancel(raw)
	if a := s.find(m.Request); err == nil && a != nil {
		a.stop(errCancelled)
	}
	return err
}

func (s *Service) resume(raw []byte) error {
	m, err := stream.ParseResume(raw)
	if err == nil && m.Node == "" {
		err = cocoon.Invalid.Errorf("resume names no node")
	}
	if err != nil {
		return err
	}
	if a := s.find(m.Request); a != nil {
		s.bills.heard(a.order.Rewards, m.Node)
		if p := a.post.Load(); p != nil {
			p.resume(m.Node, m.Seq)
		}
	}
	return nil
}

func (s *Service) ack(raw []byte) error {
	m, err := stream.ParseAck(raw)
	if err == nil {
		err = s.bills.acked(m)
	}
	if err != nil || len(m.Earned) == 0 {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.acks.Go(func() { // while the worker drains, too
		d, err := s.proofs.state(s.ctx, m.Rewards)
		var more cocoon.Nano
		if err == nil {
			more, err = s.claims.take(m.Earned, m.Rewards, d)
		}
		if err == nil {
			err = s.bills.promised(m.Rewards, more)
		}
		if err != nil {
			s.deps.Logger.Warn("earned receipt not kept", "err", err)
		}
	})
	return nil
}

// show answers with the keys of this run.
func (s *Service) show(respond func([]byte)) {
	raw, err := s.keys.show(s.ctx)
	if err != nil {
		s.deps.Logger.Warn("cannot show the keys of this run", "err", err)
		raw = (&stream.Fail{Code: stream.Busy, Wait: 1000, Text: "worker has no evidence yet"}).Bytes()
	}
	respond(raw)
}

// Run follows the chain and repeats receipts until ctx ends. Then it drains: no
// more orders, the answers that run within a limit, their receipts within another.
func (s *Service) Run(ctx context.Context) error {
	var both sync.WaitGroup
	follow, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	both.Go(func() { s.proofs.run(follow) })
	both.Go(func() { s.repeat(follow) })
	<-ctx.Done()
	s.drain()
	stop()
	both.Wait()
	return nil
}

// repeat shows receipts again until they are acknowledged, and rotates keys.
func (s *Service) repeat(ctx context.Context) {
	ticker := time.NewTicker(max(s.cfg.Repeat/2, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.bills.show()
			if err := s.keys.rotate(); err != nil {
				s.deps.Logger.Error("cannot rotate keys", "err", err)
			}
		}
	}
}

func (s *Service) drain() {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	late := time.AfterFunc(s.cfg.Drain, func() { s.kill(errStopped) })
	s.work.Wait()
	late.Stop()
	limit := time.NewTimer(s.cfg.Handover)
	defer limit.Stop()
	for s.bills.open() > 0 {
		select {
		case <-s.bills.settled:
			continue
		case <-limit.C:
			s.deps.Logger.Warn("receipts are lost: their dispatcher did not acknowledge them", "receipts", s.bills.open())
		}
		break
	}
	s.mu.Lock()
	s.closed = true
	kept := slices.Collect(maps.Values(s.attempts))
	s.mu.Unlock()
	for _, a := range kept {
		if p := a.post.Load(); p != nil {
			p.quit()
		}
	}
	s.acks.Wait()
	if err := s.bills.close(); err != nil {
		s.deps.Logger.Warn("what is not promised may not be kept", "err", err)
	}
	s.kill(errStopped)
}

// Load is what a dispatcher chooses by.
type Load struct {
	Key              uint32 // newest to encrypt to, as requests name it
	Running, Waiting int    // answers; those among them without a token yet
	Prefill, Decode  uint32 // tokens a second of late, the latter of one answer; 0 before any
	Draining         bool
}

// Load is that of this moment.
func (s *Service) Load() Load {
	prefill, decode := s.rates.perSecond()
	l := Load{Key: s.keys.newest(), Prefill: uint32(prefill), Decode: uint32(decode)}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.Draining = s.draining
	for _, a := range s.attempts {
		switch a.state.Load() {
		case waiting:
			l.Waiting++
			l.Running++
		case begun:
			l.Running++
		}
	}
	return l
}
