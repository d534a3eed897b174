package gateway

import (
	"context"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/receipt"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// run is one run of a worker.
type run struct {
	worker [32]byte
	boot   stream.Boot
}

// keyring holds what runs of workers have shown of their keys. Daemons check all
// of it themselves; a gateway needs the key that signs receipts.
type keyring struct {
	mu   sync.Mutex
	runs map[run]*keysEntry
}

const maxRuns = 1 << 15 // whose keys are remembered

type keysEntry struct {
	once    sync.Mutex // one question at a time
	raw     []byte
	session [32]byte
}

// entry is that of a run; any one is forgotten where there are too many.
func (k *keyring) entry(of run) *keysEntry {
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
func (k *keyring) forget(of run) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.runs, of)
}

// keysFrom asks a run for its keys, once.
func (g *Gateway) keysFrom(ctx context.Context, of run) (raw []byte, session [32]byte, err error) {
	e := g.keys.entry(of)
	e.once.Lock()
	defer e.once.Unlock()
	if e.raw != nil {
		return e.raw, e.session, nil
	}
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Parts)
	defer cancel()
	answer, err := g.conn.RequestWithContext(ctx, stream.ToWorker(of.worker, of.boot, stream.KeysVerb), nil)
	if err != nil {
		return nil, session, cocoon.Unreachable.Errorf("ask worker %x for its keys: %w", of.worker[:4], err)
	}
	if session, err = sessionOf(answer.Data, of); err != nil {
		return nil, session, err
	}
	e.raw, e.session = answer.Data, session
	return e.raw, e.session, nil
}

// sessionOf is the key that signs a run's receipts, as its worker certified.
func sessionOf(raw []byte, of run) (session [32]byte, err error) {
	k, err := stream.ParseKeys(raw)
	if err != nil {
		return session, err
	}
	c, err := receipt.ParseCertificate(k.Certificate)
	if err != nil {
		return session, err
	}
	if k.Worker != of.worker || k.Boot != of.boot || stream.Boot(c.Boot) != of.boot || c.Provider != k.Provider {
		return session, cocoon.Invalid.Errorf("worker %x shows the keys of another run", of.worker[:4])
	}
	return c.SessionKey, c.Verify(of.worker)
}

// keysOf passes a run's keys on.
func (g *Gateway) keysOf(m *nats.Msg) {
	_, want, ok := read(g, m, stream.ParseKeysOf)
	if !ok {
		return
	}
	g.later(func() {
		of := run{want.Worker, want.Boot}
		raw, _, err := g.keysFrom(g.ctx, of)
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
	boot := stream.Boot(u.Boot)
	_, session, err := g.keysFrom(g.ctx, run{u.Worker, boot})
	if err != nil {
		return err
	}
	if err = u.Verify(session); err != nil {
		return err
	}
	id := stream.RequestID(u.Content.Request)
	r := g.find(id)
	charge := r != nil && r.charges(u)
	if err = g.money.Commit(g.ctx, u, charge); err != nil {
		return err
	}
	if charge {
		r.billed(g, raw)
	}
	ack := g.money.Ack(u.Worker, boot)
	ack.Rewards = g.cfg.Rewards
	g.send(stream.Candidate{Worker: u.Worker, Boot: boot}, stream.AckVerb, ack)
	return nil
}
