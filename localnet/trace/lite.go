package trace

import (
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// Lite reads blocks through liteservers. They are believed which blocks there
// are; what is in a block is checked against its hash.
type Lite struct{ api ton.APIClientWrapped }

// NewLite is the chain behind api, of any network.
func NewLite(api ton.APIClientWrapped) *Lite { return &Lite{api} }

// Tops are the newest masterchain block and the shard blocks it commits.
func (l *Lite) Tops(ctx context.Context) ([]*ton.BlockIDExt, error) {
	master, err := l.api.GetMasterchainInfo(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the newest block: %w", ended(ctx, err))
	}
	shards, err := l.api.GetBlockShardsInfo(ctx, master)
	if err != nil {
		return nil, fmt.Errorf("read the shards of masterchain block %d: %w", master.SeqNo, ended(ctx, err))
	}
	return append([]*ton.BlockIDExt{master}, shards...), nil
}

// codeNotFound is the liteserver's error for a block it does not have.
const codeNotFound = 651

// Lookup is the first block of the shard that ends at or after lt.
func (l *Lite) Lookup(ctx context.Context, workchain int32, shard int64, lt uint64) (*ton.BlockIDExt, error) {
	var answer tl.Serializable
	query := ton.LookupBlock{Mode: 2, ID: &ton.BlockInfoShort{Workchain: workchain, Shard: shard}, LT: lt}
	err := l.api.Client().QueryLiteserver(ctx, query, &answer)
	if err != nil {
		return nil, fmt.Errorf("look up the block of shard %d:%016x at lt %d: %w", workchain, uint64(shard), lt, ended(ctx, err))
	}
	switch a := answer.(type) {
	case ton.BlockHeader:
		return a.ID, nil
	case ton.LSError:
		if a.Code == codeNotFound {
			return nil, fmt.Errorf("%w in shard %d:%016x at lt %d: %w", ErrNoBlock, workchain, uint64(shard), lt, a)
		}
		return nil, fmt.Errorf("look up the block of shard %d:%016x at lt %d: %w", workchain, uint64(shard), lt, a)
	}
	return nil, fmt.Errorf("look up a block: unexpected answer %T", answer)
}

// Block is the block of that id, checked against its root hash.
func (l *Lite) Block(ctx context.Context, id *ton.BlockIDExt) (*cell.Cell, error) {
	c, err := l.api.GetBlockDataAsCell(ctx, id)
	var ls ton.LSError
	if errors.As(err, &ls) && ls.Code == codeNotFound {
		err = fmt.Errorf("%w: %w", ErrNoBlock, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read block %d of shard %d:%016x: %w", id.SeqNo, id.Workchain, uint64(id.Shard), ended(ctx, err))
	}
	return c, nil
}

// ended is why ctx ended, where it has: the client speaks of a timeout then.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
