package indexer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// samples is how many ways down the accounts of each shard are tried to guess how
// many there are.
const samples = 16

// worth tells whether going through all accounts asks for less than reading every
// block: a network can have more accounts than the log lacks blocks.
func (b *backfill) worth(ctx context.Context) (bool, error) {
	if b.cfg.fillAnyway {
		return true, nil
	}
	shards := len(b.prefixes())
	blocks := float64(b.head.ID.SeqNo-b.at.seqno) * float64(1+shards)
	if blocks < float64(2*samples*shards) {
		return false, nil // a guess alone is half of that
	}
	accounts, err := b.guess(ctx)
	if err != nil || 2*accounts < blocks {
		return err == nil, err
	}
	b.log.Info("backfill: not worth it, every block is read", "accounts", math.Round(accounts), "blocks", blocks)
	return false, nil
}

// guess is about how many accounts the basechain has. Of a tree whose forks part
// its leaves by chance, one leaf lies k forks down where there are 2^k, on average.
func (b *backfill) guess(ctx context.Context) (accounts float64, err error) {
	var mu sync.Mutex
	g, under := errgroup.WithContext(ctx)
	g.SetLimit(asked)
	for _, p := range b.prefixes() {
		for n := range uint32(samples) {
			g.Go(func() error {
				branch, err := asking(under, b.Indexer, func() (chain.Branch, error) { return b.archive.Branch(under, b.head.ID, p.Toward(b.dart(n))) })
				mu.Lock()
				defer mu.Unlock()
				if branch.Leaf != nil || len(branch.Open) > 0 {
					accounts += math.Exp2(float64(len(branch.Open))) / samples
				}
				return notKept(err)
			})
		}
	}
	return accounts, g.Wait()
}

// dart is an address that nobody chose.
func (b *backfill) dart(n uint32) cocoon.Account {
	return sha256.Sum256(binary.BigEndian.AppendUint32(append([]byte{}, b.head.ID.RootHash...), n))
}
