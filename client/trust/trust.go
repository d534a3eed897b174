package trust

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Config of a Trust.
type Config struct {
	GlobalID int32
	Policy   Policy
	Chain    Chain
	Judge    Judge
	Now      func() time.Time
}

// Trust knows peers. It is safe for concurrent use.
type Trust struct {
	cfg   Config
	calls singleflight.Group

	mu        sync.Mutex
	providers map[cocoon.Account]proven
	peers     map[run]*Peer
	refused   map[run]refusal
}

type proven struct {
	state wrappers.Provider
	at    time.Time // of the block
	asked time.Time
}

// refusal keeps a worker that was refused from being asked for its keys all the time.
type refusal struct {
	err error
	at  time.Time
}

const (
	refusedFor = 10 * time.Second
	askedAgain = 10 * time.Second // after proven state was not to be had
	mostPeers  = 10_000
)

// New knows nobody yet.
func New(cfg Config) *Trust {
	return &Trust{cfg: cfg, providers: map[cocoon.Account]proven{}, peers: map[run]*Peer{}, refused: map[run]refusal{}}
}

// Policy is what the owner of the client wants.
func (t *Trust) Policy() Policy { return t.cfg.Policy }

// Peer is the candidate of a lease, if it may be shown a prompt for model now.
// fetch asks the worker for its keys, once a run.
func (t *Trust) Peer(ctx context.Context, c stream.Candidate, model cocoon.ModelID, fetch func(context.Context) (stream.Keys, error)) (*Peer, error) {
	p, err := t.provider(ctx, c.Provider)
	if err != nil {
		return nil, err
	}
	if err = t.cfg.Policy.mayServe(c.Provider, p.state, c.Worker, model); err != nil {
		return nil, err
	}
	peer, err := t.known(ctx, c.Provider, c.Worker, c.Boot, p, fetch)
	if err != nil {
		return nil, err
	}
	if peer.keys[c.KeyID] == nil && t.outgrown(peer) { // its keys are replaced as time passes
		if peer, err = t.known(ctx, c.Provider, c.Worker, c.Boot, p, fetch); err != nil {
			return nil, err
		}
	}
	_, err = peer.valid(c.KeyID, t.cfg.Now())
	return peer, err
}

// outgrown forgets a peer that was not just met.
func (t *Trust) outgrown(p *Peer) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cfg.Now().Sub(p.met) < refusedFor {
		return false
	}
	delete(t.peers, run{p.Worker, p.Boot})
	return true
}

// Signer is the session key of a run of a worker, for a receipt that nobody else
// remembers.
func (t *Trust) Signer(ctx context.Context, provider cocoon.Account, worker [32]byte, boot stream.Boot, fetch func(context.Context) (stream.Keys, error)) ([32]byte, error) {
	p, err := t.provider(ctx, provider)
	if err != nil {
		return [32]byte{}, err
	}
	peer, err := t.known(ctx, provider, worker, boot, p, fetch)
	if err != nil {
		return [32]byte{}, err
	}
	return peer.Session, nil
}

// known is a run whose keys were verified, now or before.
func (t *Trust) known(ctx context.Context, provider cocoon.Account, worker [32]byte, boot stream.Boot, p proven, fetch func(context.Context) (stream.Keys, error)) (*Peer, error) {
	r := run{worker, boot}
	now := t.cfg.Now()
	t.mu.Lock()
	peer, no := t.peers[r], t.refused[r]
	t.mu.Unlock()
	if peer != nil && peer.Provider == provider && now.Before(peer.NotAfter) {
		return peer, nil
	}
	if no.err != nil && now.Sub(no.at) < refusedFor {
		return nil, no.err
	}
	v, err, _ := t.calls.Do(fmt.Sprintf("%x%x%s", worker, boot, provider), func() (any, error) {
		peer, err := t.meet(ctx, provider, r, p, fetch)
		t.note(r, peer, err)
		return peer, err
	})
	if err != nil {
		return nil, err
	}
	return v.(*Peer), nil
}

func (t *Trust) note(r run, peer *Peer, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.peers)+len(t.refused) > mostPeers { // boots come and go
		clear(t.peers)
		clear(t.refused)
	}
	if err != nil {
		t.refused[r] = refusal{err, t.cfg.Now()}
		return
	}
	delete(t.refused, r)
	t.peers[r] = peer
}

// meet asks a run for its keys and verifies them.
func (t *Trust) meet(ctx context.Context, provider cocoon.Account, r run, p proven, fetch func(context.Context) (stream.Keys, error)) (*Peer, error) {
	k, err := fetch(ctx)
	if err != nil {
		return nil, err
	}
	if k.Provider != provider || k.Worker != r.worker || k.Boot != r.boot {
		return nil, cocoon.Forbidden.Errorf("asked for the keys of worker %x, came those of another", r.worker[:4])
	}
	cert, err := certified(k, t.cfg.GlobalID, t.cfg.Now())
	if err != nil {
		return nil, err
	}
	v, err := t.cfg.Judge.Judge(ctx, k.Evidence, Subject{p.state.Birth.Registry, provider, r.worker, r.boot, cert.SessionKey, gpusOf(p.state, r.worker), p.at, t.cfg.Policy.Tier})
	if err != nil {
		return nil, fmt.Errorf("evidence of worker %x: %w", r.worker[:4], err)
	}
	if v.Session != cert.SessionKey || len(v.Keys) == 0 {
		return nil, cocoon.Forbidden.Errorf("the evidence of worker %x is of another session than its certificate", r.worker[:4])
	}
	peer := &Peer{Provider: provider, Owner: p.state.Birth.Owner, Worker: r.worker, Boot: r.boot, Session: cert.SessionKey, met: t.cfg.Now(), keys: map[uint32]*pool{}}
	if peer.NotAfter = time.Unix(int64(cert.NotAfter), 0); v.NotAfter.Before(peer.NotAfter) {
		peer.NotAfter = v.NotAfter
	}
	for _, k := range v.Keys {
		peer.keys[KeyID(k.Public)] = &pool{key: k.Public, notBefore: k.NotBefore, notAfter: k.NotAfter}
	}
	return peer, nil
}

// gpusOf is how many GPUs a worker is registered with.
func gpusOf(p wrappers.Provider, worker [32]byte) int {
	for _, w := range p.Workers {
		if w.Key == worker {
			return int(w.GPUs)
		}
	}
	return 0
}

// provider is proven state of at most MaxProof, asked for anew from FreshProof on.
func (t *Trust) provider(ctx context.Context, a cocoon.Account) (proven, error) {
	now := t.cfg.Now()
	t.mu.Lock()
	p, ok := t.providers[a]
	t.mu.Unlock()
	if ok && (now.Sub(p.at) < FreshProof || now.Sub(p.at) < MaxProof && now.Sub(p.asked) < askedAgain) {
		return p, nil
	}
	v, err, _ := t.calls.Do(a.String(), func() (any, error) {
		state, at, err := t.cfg.Chain.Provider(ctx, a)
		t.mu.Lock()
		defer t.mu.Unlock()
		if err == nil && !at.Before(p.at) {
			p = proven{state, at, now}
		} else {
			p.asked = now
		}
		if err == nil || ok {
			t.providers[a] = p
		}
		return p, err
	})
	p = v.(proven)
	switch {
	case err != nil && (!ok || cocoon.KindOf(err) == cocoon.NotFound):
		return proven{}, fmt.Errorf("read provider %s: %w", a, err)
	case now.Sub(p.at) >= MaxProof:
		return proven{}, cocoon.Unreachable.Errorf("provider %s: what is proven of it is %s old, %s is too much", a, now.Sub(p.at).Round(time.Second), MaxProof)
	}
	return p, nil
}
