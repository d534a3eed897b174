package indexer

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/indexer/feed"
	"github.com/cocoon-network/cocoon/wrappers"
)

// asked is how much of the chain is asked for at the same time.
const asked = 32

// standing is where an account that runs our code stands at the head.
type standing struct {
	account cocoon.Account
	last    link
	kind    wrappers.Kind // of its code; of the log where it is in it
	known   bool          // to the log
}

// survey goes through all accounts of the basechain at the head: nothing else
// shows a contract that sent nothing to another of ours yet. Accounts that nothing
// happened to since the log ends cannot have become contracts since, and only
// their place is read.
func (b *backfill) survey(ctx context.Context) ([]standing, error) {
	since, err := b.newerThan(ctx)
	if err != nil {
		return nil, err
	}
	s := &survey{backfill: b, newer: since}
	open := b.prefixes()
	for _, p := range open {
		s.weights = append(s.weights, 1/float64(uint64(1)<<p.Len))
	}
	for len(open) > 0 {
		if open, err = s.round(ctx, open); err != nil {
			return nil, err
		}
	}
	return s.found, b.missesNone(s.found)
}

// newerThan is a logical time before all that the log lacks.
func (b *backfill) newerThan(ctx context.Context) (since uint64, err error) {
	if b.floor == nil {
		return 0, nil
	}
	for _, id := range b.floor.Tops {
		if id.SeqNo == 0 {
			return 0, nil
		}
		top, err := asking(ctx, b.Indexer, func() (feed.Block, error) { return feed.ReadBlock(ctx, b.archive, b.floor.ID.SeqNo, id) })
		if err != nil {
			return 0, err
		}
		if lt := top.Data.BlockInfo.StartLt; since == 0 || lt < since {
			since = lt
		}
	}
	return since, nil
}

// survey is one walk through the accounts of a state.
type survey struct {
	*backfill
	newer   uint64    // than this is what can have become a contract
	weights []float64 // share of the addresses below each open prefix
	done    float64   // share of them that is through

	mu    sync.Mutex
	found []standing
	next  []chain.Prefix
	heavy []float64 // weights of next
}

// round asks for all prefixes that are open, and returns those that open with it.
func (s *survey) round(ctx context.Context, open []chain.Prefix) ([]chain.Prefix, error) {
	s.next, s.heavy = nil, nil
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(asked)
	for i, p := range open {
		g.Go(func() error {
			branch, err := asking(ctx, s.Indexer, func() (chain.Branch, error) { return s.archive.Branch(ctx, s.head.ID, p) })
			if err != nil {
				return notKept(err)
			}
			s.take(branch, s.weights[i])
			return nil
		})
	}
	err := g.Wait()
	s.weights = s.heavy
	return s.next, err
}

// take notes what a branch shows.
func (s *survey) take(branch chain.Branch, weight float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := branch.Open
	switch leaf := branch.Leaf; {
	case leaf == nil:
	case s.wants(branch):
		next = append(next, chain.Prefix{From: leaf.Account, Len: 8 * len(leaf.Account)})
	default:
		s.judge(branch)
	}
	for _, p := range next {
		s.next, s.heavy = append(s.next, p), append(s.heavy, weight/float64(len(next)))
	}
	if len(next) == 0 {
		s.done += weight
	}
	s.progress("accounts", s.done)
}

// wants tells whether the whole of an account has to be seen, and was not.
func (s *survey) wants(branch chain.Branch) bool {
	_, known := s.known[branch.Leaf.Account]
	return !known && branch.Account == nil && branch.Leaf.LastLT >= s.newer
}

// judge keeps a contract of the log, an account that runs our code, and our
// registry whatever became of it.
func (s *survey) judge(branch chain.Branch) {
	found := standing{account: branch.Leaf.Account, last: link{branch.Leaf.LastLT, branch.Leaf.LastHash}}
	if found.kind, found.known = s.known[found.account]; !found.known {
		var ours bool
		if found.kind, ours = codeOf(branch.Account); !ours && found.account != s.cfg.Registry {
			return
		}
	}
	s.found = append(s.found, found)
}

// codeOf is the kind of contract whose code an account runs. a may be nil.
func codeOf(a *chain.Account) (wrappers.Kind, bool) {
	if a == nil || a.State != chain.Active {
		return "", false
	}
	artifact, ok := contracts.ByCodeHash(a.Code.Hash())
	if !ok {
		return "", false
	}
	return wrappers.Kind(artifact.Name), true
}

// missesNone checks that all contracts in the log are still there.
func (b *backfill) missesNone(found []standing) error {
	there := map[cocoon.Account]bool{}
	for _, s := range found {
		there[s.account] = true
	}
	for a := range b.known {
		if !there[a] {
			return incomplete("contract %s of the log is no account any more", a)
		}
	}
	return nil
}

// incomplete is the end of a backfill that cannot vouch for its log.
func incomplete(format string, args ...any) error {
	return cocoon.WithHint(cocoon.Conflict.Errorf(format, args...), "read every block instead: run without backfill")
}
