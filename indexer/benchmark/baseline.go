package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/ton"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon/localnet"
)

// roundOf is how many masterchain blocks the baseline reads at a time.
const roundOf = 4

// masterShard is the shard of the masterchain.
const masterShard = -1 << 63

// baseline reads a chain as indexers that ask for each transaction do: in rounds
// of masterchain blocks with a barrier after each; for each block its list of
// transactions, a page after the other; then each transaction and the state of
// its account. It proves nothing, asks for all of a block at once, and writes
// nothing down, all of which is in its favour.
type baseline struct{ api *ton.APIClient }

func (s *segment) perTransaction(ctx context.Context, server *localnet.Server) (time.Duration, error) {
	var cfg liteclient.GlobalConfig
	if err := json.Unmarshal(server.Config(), &cfg); err != nil {
		return 0, err
	}
	pool := liteclient.NewConnectionPool()
	defer pool.Stop()
	if err := pool.AddConnectionsFromConfig(ctx, &cfg); err != nil {
		return 0, err
	}
	b := baseline{ton.NewAPIClient(pool, ton.ProofCheckPolicyUnsafe)}
	began := time.Now()
	for first := uint32(1); first <= s.head; first += roundOf {
		group, ctx := errgroup.WithContext(ctx)
		for seqno := first; seqno < first+roundOf && seqno <= s.head; seqno++ {
			group.Go(func() error { return b.master(ctx, seqno) })
		}
		if err := group.Wait(); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// master reads a masterchain block and the shard blocks it commits.
func (b baseline) master(ctx context.Context, seqno uint32) error {
	master, err := b.api.LookupBlock(ctx, -1, masterShard, seqno)
	if err != nil {
		return err
	}
	fresh, err := b.unseen(ctx, master)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, id := range append(fresh, master) {
		group.Go(func() error { return b.transactions(ctx, master, id) })
	}
	return group.Wait()
}

// unseen are the shard blocks between a masterchain block and the one before it.
func (b baseline) unseen(ctx context.Context, master *ton.BlockIDExt) (fresh []*ton.BlockIDExt, err error) {
	queue, err := b.api.GetBlockShardsInfo(ctx, master)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	if master.SeqNo > 1 {
		before, err := b.api.LookupBlock(ctx, -1, masterShard, master.SeqNo-1)
		if err != nil {
			return nil, err
		}
		tops, err := b.api.GetBlockShardsInfo(ctx, before)
		if err != nil {
			return nil, err
		}
		for _, id := range tops {
			seen[string(id.RootHash)] = true
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		id := queue[0]
		if id.SeqNo == 0 || seen[string(id.RootHash)] {
			continue
		}
		seen[string(id.RootHash)] = true
		fresh = append(fresh, id)
		data, err := b.api.GetBlockData(ctx, id)
		if err != nil {
			return nil, err
		}
		parents, err := ton.GetParentBlocks(&data.BlockInfo)
		if err != nil {
			return nil, err
		}
		queue = append(queue, parents...)
	}
	return fresh, nil
}

// transactions reads all of a block and the states they led to.
func (b baseline) transactions(ctx context.Context, master, id *ton.BlockIDExt) error {
	group, ctx := errgroup.WithContext(ctx)
	var after *ton.TransactionID3
	for more := true; more; {
		var list []ton.TransactionShortInfo
		var err error
		if list, more, err = b.api.GetBlockTransactionsV2(ctx, id, 100, after); err != nil {
			return err
		}
		for _, tx := range list {
			after = tx.ID3()
			group.Go(func() error {
				a := address.NewAddress(0, byte(id.Workchain), tx.Account)
				if _, err := b.api.GetTransaction(ctx, id, a, tx.LT); err != nil {
					return err
				}
				_, err := b.api.GetAccount(ctx, master, a)
				return err
			})
		}
	}
	return group.Wait()
}
