package session

import (
	"context"
	"encoding/hex"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/trust"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// set is a lease with those of its candidates that may be trusted, in their
// places; nil where one may not.
type set struct {
	stream.LeaseSet
	peers   []*trust.Peer
	expires time.Time
}

// price is the most of each part that a candidate of s asks for, as the dispatcher
// reserves by.
func (s *set) price() (p cocoon.Price) {
	for _, c := range s.Candidates {
		p = dearest(p, c.Price)
	}
	return p
}

func dearest(a, b cocoon.Price) cocoon.Price {
	for _, pair := range []struct{ to, from *cocoon.Nano }{{&a.Prompt, &b.Prompt}, {&a.Cached, &b.Cached}, {&a.Completion, &b.Completion}, {&a.Reasoning, &b.Reasoning}} {
		if pair.to.Cmp(*pair.from) < 0 {
			*pair.to = *pair.from
		}
	}
	return a
}

// meet verifies the candidates of all sets, each once. The error says why one of
// them is not trusted, where none is.
func (l *leases) meet(answer stream.Leases, model cocoon.ModelID) (map[stream.Candidate]*trust.Peer, error) {
	peers := map[stream.Candidate]*trust.Peer{}
	var why error
	trusted := 0
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(8)
	for _, one := range answer.Sets {
		for _, c := range one.Candidates {
			mu.Lock()
			_, asked := peers[c]
			if !asked {
				peers[c] = nil
			}
			mu.Unlock()
			if asked || !c.Price.Within(l.s.cfg.Caps) {
				continue
			}
			g.Go(func() error {
				p, err := l.s.deps.Trust.Peer(l.s.life, c, model, l.s.keysOf(c.Worker, c.Boot))
				if err != nil {
					l.s.log.Info("candidate refused", "worker", hex.EncodeToString(c.Worker[:]), "error", err)
				}
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					why = err
					return nil
				}
				peers[c] = p
				trusted++
				return nil
			})
		}
	}
	_ = g.Wait() // none of them fails
	if trusted > 0 || why == nil {
		return peers, nil
	}
	return peers, untrusted(len(peers), why)
}

// accept is a set with somebody to encrypt to, nil where there is nobody.
func (l *leases) accept(one stream.LeaseSet, peers map[stream.Candidate]*trust.Peer, expires uint32) *set {
	s := &set{LeaseSet: one, peers: make([]*trust.Peer, len(one.Candidates)), expires: time.Unix(int64(expires), 0)}
	for i, c := range one.Candidates {
		s.peers[i] = peers[c]
	}
	s.peers = l.s.deps.Trust.Policy().Distinct(s.peers)
	for _, p := range s.peers {
		if p != nil {
			return s
		}
	}
	return nil
}

// prepare makes the contexts that the sets will need.
func (l *leases) prepare(sets []*set) {
	need := map[stream.Candidate]int{}
	by := map[stream.Candidate]*trust.Peer{}
	for _, s := range sets {
		for i, c := range s.Candidates {
			if p := s.peers[i]; p != nil {
				need[c]++
				by[c] = p
			}
		}
	}
	for c, n := range need {
		if l.s.life.Err() != nil {
			return
		}
		if err := by[c].Prepare(c.KeyID, n); err != nil {
			l.s.log.Warn("encryption not prepared", "error", err)
		}
	}
}

// keysOf asks a run of a worker for its keys.
func (s *Session) keysOf(worker [32]byte, boot stream.Boot) func(context.Context) (stream.Keys, error) {
	return func(ctx context.Context) (stream.Keys, error) {
		node, _, err := s.place()
		if err != nil {
			return stream.Keys{}, err
		}
		return ask(ctx, s.link, node, stream.KeysVerb, stream.KeysOf{Worker: worker, Boot: boot}, stream.ParseKeys)
	}
}
