package gateway

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// keyring holds what runs of workers have shown of their keys. Daemons check all
// of it themselves; a gateway needs the key that signs receipts.
type keyring struct {
	mu   sync.Mutex
	runs map[Run]*keysEntry
}

const maxRuns = 1 << 15 // whose keys are remembered

type keysEntry struct {
	once  sync.Mutex // one question at a time
	stale atomic.Bool
	raw   []byte // nil before it was asked
	asked time.Time
	cert  receipt.SignedCertificate
}

// entry is that of a run; any one is forgotten where there are too many.
func (k *keyring) entry(of Run) *keysEntry {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.runs[of]
	if e == nil {
		for old := range k.runs {
			if len(k.runs) < maxRuns {
				break
			}
			delete(k.runs, old)
		}
		e = &keysEntry{}
		k.runs[of] = e
	}
	return e
}

// forget asks again next time: keys rotate.
func (k *keyring) forget(of Run) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.runs[of]; e != nil {
		e.stale.Store(true)
	}
}

const (
	anyAge   = time.Duration(1<<63 - 1)
	freshAge = 10 * time.Second // of keys that are passed on: they rotate, and evidence is renewed
)

// keysFrom asks a run for its keys, unless it has done so no longer than age ago.
func (g *Gateway) keysFrom(ctx context.Context, of Run, age time.Duration) (raw []byte, c receipt.SignedCertificate, err error) {
	e := g.keys.entry(of)
	e.once.Lock()
	defer e.once.Unlock()
	if now := g.now(); e.raw != nil && !e.stale.Load() && now.Sub(e.asked) < age && now.Unix() < int64(e.cert.NotAfter) {
		return e.raw, e.cert, nil
	}
	e.stale.Store(false) // who forgets from here on is heard
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Parts)
	defer cancel()
	answer, err := g.conn.RequestWithContext(ctx, stream.ToWorker(of.Worker, of.Boot, stream.KeysVerb), nil)
	if err != nil {
		return nil, c, cocoon.Unreachable.Errorf("ask worker %x for its keys: %w", of.Worker[:4], err)
	}
	if c, err = certificateOf(answer.Data, of); err != nil {
		return nil, c, err
	}
	if e.raw != nil && e.cert.SessionKey != c.SessionKey { // the worker's key can certify any; evidence binds the first
		e.stale.Store(true)
		return nil, c, cocoon.Forbidden.Errorf("worker %x shows a second session key for one boot", of.Worker[:4])
	}
	e.raw, e.cert, e.asked = answer.Data, c, g.now()
	return e.raw, e.cert, nil
}

// certificateOf is what a run's worker has certified.
func certificateOf(raw []byte, of Run) (c receipt.SignedCertificate, err error) {
	k, err := stream.ParseKeys(raw)
	if err != nil {
		return c, err
	}
	if c, err = receipt.ParseCertificate(k.Certificate); err != nil {
		return c, err
	}
	if k.Worker != of.Worker || k.Boot != of.Boot || stream.Boot(c.Boot) != of.Boot || c.Provider != k.Provider {
		return c, cocoon.Invalid.Errorf("worker %x shows the keys of another run", of.Worker[:4])
	}
	return c, c.Verify(of.Worker)
}

// keysOf passes a run's keys on.
func (g *Gateway) keysOf(m *nats.Msg) {
	_, want, ok := read(g, m, stream.ParseKeysOf)
	if !ok {
		return
	}
	g.later(func() {
		of := Run{want.Worker, want.Boot}
		raw, _, err := g.keysFrom(g.ctx, of, freshAge)
		if err != nil {
			g.refuse(m, err)
			return
		}
		if err = m.Respond(raw); err != nil {
			g.log.Warn("daemon not answered", "err", err)
		}
	})
}

// receipt takes a worker's bill.
func (g *Gateway) receipt(m *nats.Msg) {
	worker, err := workerOf(m.Subject)
	if err != nil {
		return
	}
	u, err := receipt.ParseUsage(m.Data)
	if err != nil || u.Worker != worker || u.Rewards != g.cfg.Rewards {
		g.log.Warn("worker shows a receipt that is not its own", "worker", worker[:4], "err", err)
		return
	}
	raw := append([]byte{}, m.Data...)
	g.later(func() {
		if err := g.book(u, raw); err != nil {
			g.log.Warn("receipt not taken", "worker", u.Worker[:4], "number", u.Number, "err", err)
		}
	})
}

// book has a receipt on disk, and then tells both sides.
func (g *Gateway) book(u receipt.SignedUsage, raw []byte) error {
	of := Run{u.Worker, stream.Boot(u.Boot)}
	_, cert, err := g.keysFrom(g.ctx, of, anyAge)
	if err != nil {
		return err
	}
	r := g.find(stream.RequestID(u.Content.Request))
	ours, bytes := r.awaits(u)
	booked, err := g.money.Commit(g.ctx, u, cert, bytes)
	if err != nil {
		return err
	}
	switch {
	case ours && booked.Void == "":
		r.billed(g, raw)
	case ours && !booked.Again:
		g.log.Warn("worker's bill is void", "worker", u.Worker[:4], "request", r.route.Request, "why", booked.Void)
		r.void(g)
	case r == nil && booked.Payer != [32]byte{}:
		g.tell(booked.Payer, stream.Final{Request: stream.RequestID(u.Content.Request), Receipt: raw}.Bytes())
	}
	g.acks.note(u.Provider, of, booked.Ack)
	g.send(stream.Candidate{Worker: of.Worker, Boot: of.Boot}, stream.AckVerb, stream.Ack{Rewards: g.cfg.Rewards, Boot: of.Boot, Number: booked.Ack})
	return nil
}

// acks are how far the receipts of each provider's runs are booked.
type acks struct {
	mu   sync.Mutex
	runs map[cocoon.Account]map[Run]uint32
}

// maxAcked is how many runs of one provider are told of what it is owed.
const maxAcked = 512

func (a *acks) note(provider cocoon.Account, of Run, number uint32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	runs := a.runs[provider]
	if runs == nil || len(runs) > maxAcked {
		runs = map[Run]uint32{} // those that work are back with their next receipt
		a.runs[provider] = runs
	}
	runs[of] = number
}

// of are the runs of a provider, copied.
func (a *acks) of(provider cocoon.Account) map[Run]uint32 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.runs[provider])
}

// bookEvery is how often a run hears of the book; it believes one for 5 minutes.
const bookEvery = time.Minute

// publish tells runs what the dispatcher owes, the new ones at once.
func (g *Gateway) publish(told map[Run]time.Time) {
	now := g.now()
	var book []byte
	up := map[Run]bool{}
	for _, of := range g.workers.Runs() {
		if up[of] = true; now.Sub(told[of]) < bookEvery {
			continue
		}
		if book == nil {
			var err error
			if book, err = g.money.Book(); err != nil {
				g.log.Error("book not signed", "err", err)
				return
			}
		}
		if err := g.conn.Publish(stream.ToWorker(of.Worker, of.Boot, stream.BookVerb), book); err != nil {
			g.log.Warn("worker not told", "err", err)
			return
		}
		told[of] = now
	}
	maps.DeleteFunc(told, func(of Run, _ time.Time) bool { return !up[of] })
}

// promise tells workers what their providers are owed, where that is due.
func (g *Gateway) promise() {
	list, err := g.money.Earned(g.ctx)
	if err != nil {
		g.log.Error("earnings not signed", "err", err)
	}
	for _, e := range list {
		for of, number := range g.acks.of(e.Provider) {
			g.send(stream.Candidate{Worker: of.Worker, Boot: of.Boot}, stream.AckVerb, stream.Ack{Rewards: g.cfg.Rewards, Boot: of.Boot, Number: number, Earned: e.Bytes()})
		}
	}
}
