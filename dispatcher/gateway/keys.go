package gateway

import (
	"bytes"
	"context"
	"errors"
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
	kept  atomic.Bool // there is something on disk
	raw   []byte      // nil before it was asked, or looked up
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

// ready tells whether the keys of a run are there, and nobody has to be asked.
func (k *keyring) ready(of Run) bool {
	e := k.entry(of)
	return e.kept.Load() && !e.stale.Load()
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

// keysFrom asks a run for its keys, unless it has done so no longer than age ago, and
// keeps them: of a run that has ended they are as it showed them last.
func (g *Gateway) keysFrom(ctx context.Context, of Run, age time.Duration) (raw []byte, c receipt.SignedCertificate, err error) {
	e := g.keys.entry(of)
	e.once.Lock()
	defer e.once.Unlock()
	if e.raw == nil {
		if err = e.recall(ctx, g, of); err != nil {
			return nil, c, err
		}
	}
	if e.raw != nil && !e.stale.Load() && (age == anyAge || g.now().Sub(e.asked) < age) {
		return e.raw, e.cert, nil
	}
	e.stale.Store(false) // who forgets from here on is heard
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Parts)
	defer cancel()
	answer, err := g.conn.RequestWithContext(ctx, stream.ToWorker(of.Worker, of.Boot, stream.KeysVerb), nil)
	if errors.Is(err, nats.ErrNoResponders) && e.raw != nil {
		return e.raw, e.cert, nil
	}
	if err != nil {
		return nil, c, cocoon.Unreachable.Errorf("ask worker %x for its keys: %w", of.Worker[:4], err)
	}
	if stream.KindOf(answer.Data) == "fail" {
		f, err := stream.ParseFail(answer.Data)
		return nil, c, errors.Join(err, f)
	}
	if c, err = certificateOf(answer.Data, of); err != nil {
		return nil, c, err
	}
	if e.raw != nil && e.cert.SessionKey != c.SessionKey { // the worker's key can certify any; evidence binds the first
		e.stale.Store(true)
		return nil, c, cocoon.Forbidden.Errorf("worker %x shows a second session key for one boot", of.Worker[:4])
	}
	if !bytes.Equal(e.raw, answer.Data) {
		if err = g.money.Keep(ctx, of, answer.Data); err != nil {
			return nil, c, err
		}
	}
	e.raw, e.cert, e.asked = answer.Data, c, g.now()
	e.kept.Store(true)
	return e.raw, e.cert, nil
}

// recall looks up what a process before this one was shown.
func (e *keysEntry) recall(ctx context.Context, g *Gateway, of Run) error {
	raw, err := g.money.Kept(ctx, of)
	if err != nil || raw == nil {
		return err
	}
	c, err := certificateOf(raw, of)
	if err == nil {
		e.raw, e.cert = raw, c
		e.kept.Store(true)
	}
	return err
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
		if cocoon.KindOf(err) == cocoon.Forbidden {
			err = &stream.Fail{Code: stream.WrongKey, Text: err.Error()}
		}
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
func (g *Gateway) receipt(worker [32]byte, raw []byte) error {
	u, err := receipt.ParseUsage(raw)
	if err != nil {
		return err
	}
	if u.Worker != worker || u.Rewards != g.cfg.Rewards {
		return cocoon.Forbidden.Errorf("a receipt is not its own")
	}
	b, r := bill{u, bytes.Clone(raw)}, g.find(stream.RequestID(u.Content.Request))
	if ours, _ := r.awaits(u); ours && (r.fails(g, b) || r.recall(g)) {
		return nil
	}
	g.bookLater(b)
	return nil
}

// acks are how far the receipts of each run are booked.
type acks struct {
	mu   sync.Mutex
	runs map[Run]uint32
}

func (a *acks) note(of Run, number uint32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs[of] = max(a.runs[of], number)
}

// of is 0 where nothing of a run is booked by this process.
func (a *acks) of(run Run) uint32 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.runs[run]
}

// keep forgets runs that are not up.
func (a *acks) keep(up map[Run]cocoon.Account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.runs, func(of Run, _ uint32) bool { return gone(up, of) })
}

func gone(up map[Run]cocoon.Account, of Run) bool {
	_, is := up[of]
	return !is
}

// publish tells runs what the dispatcher owes, the new ones at once; what their
// provider was promised they may have missed.
func (g *Gateway) publish(told map[Run]time.Time) {
	now, up := g.money.Time(), g.workers.Runs()
	var book []byte
	promised := map[cocoon.Account][]receipt.SignedEarned{}
	for of, provider := range up {
		if now.Sub(told[of]) < g.cfg.Book {
			continue
		}
		var err error
		if book == nil {
			if book, err = g.money.Book(); err != nil {
				g.log.Error("book not signed", "err", err)
				return
			}
		}
		if _, asked := promised[provider]; !asked {
			if promised[provider], err = g.money.Promised(g.ctx, provider); err != nil {
				g.log.Error("earnings not all signed", "err", err)
			}
		}
		if err := g.conn.Publish(stream.ToWorker(of.Worker, of.Boot, stream.BookVerb), book); err != nil {
			g.log.Warn("worker not told", "err", err)
			return
		}
		g.tellEarned(of, promised[provider])
		told[of] = now
	}
	maps.DeleteFunc(told, func(of Run, _ time.Time) bool { return gone(up, of) })
	g.acks.keep(up)
}

// promise tells workers what their providers are owed, where that is due.
func (g *Gateway) promise() {
	list, err := g.money.Earned(g.ctx)
	if err != nil {
		g.log.Error("earnings not signed", "err", err)
	}
	if len(list) == 0 {
		return
	}
	due := map[cocoon.Account][]receipt.SignedEarned{}
	for _, e := range list {
		due[e.Provider] = append(due[e.Provider], e)
	}
	for of, provider := range g.workers.Runs() {
		g.tellEarned(of, due[provider])
	}
}

// tellEarned gives a run what its provider was promised.
func (g *Gateway) tellEarned(of Run, list []receipt.SignedEarned) {
	for _, e := range list {
		g.send(stream.Candidate{Worker: of.Worker, Boot: of.Boot}, stream.AckVerb, stream.Ack{Rewards: g.cfg.Rewards, Boot: of.Boot, Number: g.acks.of(of), Earned: e.Bytes()})
	}
}
