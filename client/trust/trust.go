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

// Now is the time by which keys and proofs are judged.
func (t *Trust) Now() time.Time { return t.cfg.Now() }

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
