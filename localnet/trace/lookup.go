package trace

import (
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/ton"
)

// missing tells a block that has not come yet from one that nobody keeps any more.
func (r *Reader) missing(ctx context.Context, account *address.Address, lt uint64) error {
	top, err := r.topOf(ctx, account)
	if err != nil {
		return err
	}
	b, err := r.load(ctx, top)
	if err != nil {
		return err
	}
	if b.info.EndLt < lt {
		return errPending
	}
	return errFar
}

// around is the block of the account's shard that holds lt, or the next.
func (r *Reader) around(ctx context.Context, account *address.Address, lt uint64) (*block, error) {
	id, err := r.Blocks.Lookup(ctx, account.Workchain(), narrow(account), lt)
	if errors.Is(err, ErrNoBlock) {
		// this liteserver may know shards by their exact names only
		var top *ton.BlockIDExt
		if top, err = r.topOf(ctx, account); err == nil {
			id, err = r.Blocks.Lookup(ctx, account.Workchain(), top.Shard, lt)
		}
	}
	if err != nil {
		return nil, err
	}
	if id.Workchain != account.Workchain() || !holds(id.Shard, account) {
		return nil, fmt.Errorf("asked for a block of %s, got one of shard %d:%016x", account.StringRaw(), id.Workchain, uint64(id.Shard))
	}
	return r.load(ctx, id)
}

// topOf is the newest block of the shard that has the account.
func (r *Reader) topOf(ctx context.Context, account *address.Address) (*ton.BlockIDExt, error) {
	tops, err := r.Blocks.Tops(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range tops {
		if id.Workchain == account.Workchain() && holds(id.Shard, account) {
			return id, nil
		}
	}
	return nil, fmt.Errorf("%w: nobody keeps workchain %d", ErrNoBlock, account.Workchain())
}

// load is the block of that id, which is kept.
func (r *Reader) load(ctx context.Context, id *ton.BlockIDExt) (*block, error) {
	b := r.read[string(id.RootHash)]
	if b != nil {
		return b, nil
	}
	b, err := r.fetch(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.read == nil {
		r.read = map[string]*block{}
	}
	r.read[string(id.RootHash)] = b
	return b, nil
}

// fetch is load without keeping anything.
func (r *Reader) fetch(ctx context.Context, id *ton.BlockIDExt) (*block, error) {
	c, err := r.Blocks.Block(ctx, id)
	if err != nil {
		return nil, err
	}
	return parseBlock(id, c)
}

// narrow is the narrowest shard there may be that has the account.
func narrow(a *address.Address) int64 {
	if a.Workchain() == address.MasterchainID {
		return fullShard
	}
	return int64(prefix(a)&^0xf | 8)
}
