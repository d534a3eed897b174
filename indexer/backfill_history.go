package indexer

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"

	"github.com/xssnick/tonutils-go/tlb"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// step is one transaction of one of our contracts, known by its hash and not yet
// by its block.
type step struct {
	account cocoon.Account
	link
}

// past are the transactions of an account that the log lacks, newest first.
type past struct {
	standing
	links  []link
	births []*tlb.Transaction // those that made it active
}

// histories are the transactions that the log lacks of our contracts, from the
// birth of each on, oldest first.
func (b *backfill) histories(ctx context.Context, found []standing) ([]step, error) {
	pasts := make([]past, len(found))
	var mu sync.Mutex
	read := 0
	g, under := errgroup.WithContext(ctx)
	g.SetLimit(asked)
	for i, s := range found {
		g.Go(func() (err error) {
			pasts[i], err = b.history(under, s)
			mu.Lock()
			defer mu.Unlock()
			read++
			b.progress("histories", float64(read)/float64(len(found)))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var steps []step
	rewards := map[cocoon.Account]wrappers.Kind{}
	for _, p := range pasts {
		if p.kind == wrappers.KindRewards && !p.known && b.wasBorn(p, nil) > 0 {
			rewards[p.account] = p.kind
		}
	}
	for _, p := range pasts {
		since := uint64(0)
		if !p.known {
			if since = b.wasBorn(p, rewards); since == 0 {
				continue
			}
		}
		b.ours[p.account] = true
		for _, l := range p.links {
			if l.lt >= since {
				steps = append(steps, step{p.account, l})
			}
		}
	}
	slices.SortFunc(steps, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.lt, b.lt), slices.Compare(a.account[:], b.account[:]))
	})
	return steps, nil
}

// history walks from where an account stands back to what the log has last of it,
// or to its first transaction. Each is what the one after it says it follows.
func (b *backfill) history(ctx context.Context, s standing) (past, error) {
	p := past{standing: s}
	end, err := b.store.lastLink(ctx, s.account)
	if err != nil {
		return p, err
	}
	for at := s.last; at != end; {
		if at.lt <= end.lt {
			return p, incomplete("the history of %s does not lead to transaction %x, which the log has last of it", s.account, end.tx)
		}
		list, err := asking(ctx, b.Indexer, func() ([]*tlb.Transaction, error) {
			return b.archive.Transactions(ctx, s.account, at.lt, at.tx, 16)
		})
		if err != nil {
			return p, notKept(err)
		}
		for _, tx := range list {
			if at == end {
				break
			}
			if tx.LT != at.lt || [32]byte(tx.Hash) != at.tx {
				return p, incomplete("transaction %x of %s is another one: %x", at.tx, s.account, tx.Hash)
			}
			p.links = append(p.links, at)
			if tx.OrigStatus != tlb.AccountStatusActive && tx.EndStatus == tlb.AccountStatusActive {
				p.births = append(p.births, tx)
			}
			at, _ = linksOf(tx)
		}
	}
	return p, nil
}

// lastLink is the newest transaction of a in the log; zero where there is none.
func (s *store) lastLink(ctx context.Context, a cocoon.Account) (l link, err error) {
	var tx []byte
	err = s.read.QueryRowContext(ctx, `SELECT lt, tx FROM links WHERE account = ?`, a[:]).Scan(&l.lt, &tx)
	if errors.Is(err, sql.ErrNoRows) {
		return link{}, nil
	}
	copy(l.tx[:], tx)
	return l, s.explain(err)
}

// wasBorn is the logical time of the birth of one of our contracts, 0 where it is
// none. Rewards contracts are taken to be there before whatever names them; what
// was born too early is left out when its block is read.
func (b *backfill) wasBorn(p past, rewards map[cocoon.Account]wrappers.Kind) uint64 {
	for _, tx := range slices.Backward(p.births) {
		if b.recognise(&batch{born: rewards}, p.account, tx) != nil {
			return tx.LT
		}
	}
	return 0
}
