package trace

import (
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// States are a chain's accounts and configuration at a block, and its libraries.
// A ton.APIClient is one; liteservers keep old states for a while only.
type States interface {
	GetAccount(ctx context.Context, block *ton.BlockIDExt, a *address.Address) (*tlb.Account, error)
	GetBlockchainConfig(ctx context.Context, block *ton.BlockIDExt, onlyParams ...int32) (*tlb.BlockchainConfig, error)
	GetLibraries(ctx context.Context, hashes ...[]byte) ([]*cell.Cell, error)
}

// Replay executes t again on the account as it was before, which takes the
// account's earlier transactions in the same block. What the code reads of earlier
// blocks is missing, and libraries are those of today; the log says where something
// else came out.
func (r *Reader) Replay(ctx context.Context, s States, t *Transaction, keep int) (*Run, error) {
	b, err := r.around(ctx, t.Account, t.LT)
	if err != nil {
		return nil, fmt.Errorf("find the block of transaction %x: %w", t.Hash, err)
	}
	before, err := b.accountBefore(ctx, s, t.Account)
	if err != nil {
		return nil, fmt.Errorf("read the account before transaction %x: %w", t.Hash, err)
	}
	moment, err := b.context(ctx, s, before, t)
	if err != nil {
		return nil, fmt.Errorf("read the configuration at transaction %x: %w", t.Hash, err)
	}
	for _, earlier := range b.of(t.Account) {
		if earlier.LT >= t.LT {
			break
		}
		res, err := execute(moment, before, earlier, nil)
		if err != nil {
			return nil, fmt.Errorf("execute transaction %x, which came before: %w", earlier.Hash, err)
		}
		before = res.NextAccount
	}
	return Replay(moment, before, t, keep)
}

// context is what t saw of the chain in this block.
func (b *block) context(ctx context.Context, s States, before *tvm.PreparedAccount, t *Transaction) (*tvm.BlockContext, error) {
	master, err := b.master()
	if err != nil {
		return nil, err
	}
	params, err := s.GetBlockchainConfig(ctx, master)
	if err != nil {
		return nil, err
	}
	config, err := tvm.PrepareBlockchainConfig(params.Root)
	if err != nil {
		return nil, err
	}
	libs, err := libraries(ctx, s, before, t)
	if err != nil {
		return nil, err
	}
	return config.NewBlockContext(tvm.BlockOptions{Now: b.info.GenUtime, BlockLT: int64(b.info.StartLt), RandSeed: b.seed, GlobalID: b.global, Libraries: libs})
}

// master is the masterchain block whose configuration counts here.
func (b *block) master() (*ton.BlockIDExt, error) {
	if !b.info.NotMaster {
		return b.parents[0], nil
	}
	ref := b.info.MasterRef
	if ref == nil {
		return nil, errors.New("the block names no masterchain block")
	}
	return &ton.BlockIDExt{Workchain: address.MasterchainID, Shard: fullShard, SeqNo: ref.SeqNo, RootHash: ref.RootHash, FileHash: ref.FileHash}, nil
}

// accountBefore is the account as the block before left it.
func (b *block) accountBefore(ctx context.Context, s States, a *address.Address) (*tvm.PreparedAccount, error) {
	for _, p := range b.parents {
		if !holds(p.Shard, a) {
			continue
		}
		found, err := s.GetAccount(ctx, p, a)
		if err != nil {
			return nil, err
		}
		return prepare(found, a)
	}
	return nil, ErrNoBlock
}

func prepare(found *tlb.Account, a *address.Address) (*tvm.PreparedAccount, error) {
	if found.State == nil || !found.State.IsValid {
		return tvm.PrepareAccount(&tlb.ShardAccount{Account: cell.BeginCell().MustStoreUInt(0, 1).EndCell(), LastTransHash: make([]byte, 32)}, a)
	}
	root, err := tlb.ToCell(found.State)
	if err != nil {
		return nil, err
	}
	shard := &tlb.ShardAccount{Account: root, LastTransHash: found.LastTxHash, LastTransLT: found.LastTxLT}
	return tvm.PrepareParsedAccount(shard, found.State, a)
}
