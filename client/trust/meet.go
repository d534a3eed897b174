package trust

import (
	"context"
	"fmt"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

// known is a run whose keys were verified, now or before.
func (t *Trust) known(ctx context.Context, provider cocoon.Account, worker [32]byte, boot stream.Boot, p proven, fetch func(context.Context) (stream.Keys, error)) (*Peer, error) {
	r := run{worker, boot}
	now := t.cfg.Now()
	t.mu.Lock()
	peer, no := t.peers[r], t.refused[r]
	t.mu.Unlock()
	if peer != nil && peer.Provider == provider && peer.stands(now) {
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

// stands reports whether p is as good as when it was met. From FreshProof on it is
// judged anew, lest an image that was suspended meanwhile still counts; where the
// chain does not answer, not all the time.
func (p *Peer) stands(now time.Time) bool {
	return now.Before(p.NotAfter) && (now.Sub(p.proven) < FreshProof || now.Sub(p.met) < askedAgain)
}

func (t *Trust) note(r run, peer *Peer, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.peers)+len(t.refused) > mostPeers { // boots come and go
		clear(t.peers)
		clear(t.refused)
	}
	if err != nil {
		delete(t.peers, r)
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
	peer := &Peer{Provider: provider, Owner: p.state.Birth.Owner, Worker: r.worker, Boot: r.boot, Session: cert.SessionKey, met: t.cfg.Now(), proven: v.Proven, keys: map[uint32]*pool{}}
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
