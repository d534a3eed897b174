package chain

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// MasterAfter is the first masterchain block that ends at or after a logical
// time: no block before it commits a transaction of that time. NotFound where the
// chain has not come so far.
func (c *Client) MasterAfter(ctx context.Context, lt uint64) (*BlockID, error) {
	q := question{what: fmt.Sprintf("look up the masterchain block after lt %d", lt), timeout: c.opts.Timeout}
	query := ton.LookupBlock{Mode: 2, ID: &ton.BlockInfoShort{Workchain: -1, Shard: math.MinInt64}, LT: lt}
	return ask(ctx, c, q, func(ctx context.Context, api *ton.APIClient) (*BlockID, error) {
		var answer tl.Serializable
		if err := api.Client().QueryLiteserver(ctx, query, &answer); err != nil {
			return nil, err
		}
		switch h := answer.(type) {
		case ton.BlockHeader:
			if err := firstAfter(h, lt); err != nil {
				return nil, err
			}
			return h.ID, c.prove(ctx, api, h.ID)
		case ton.LSError:
			return nil, h
		}
		return nil, fmt.Errorf("unexpected answer %T", answer)
	})
}

// errNotFirst is no lie: a server may look among its blocks in another way.
var errNotFirst = errors.New("not the first block that ends then")

// firstAfter checks by its header that a masterchain block ends at or after lt and
// the one before it does not.
func firstAfter(h ton.BlockHeader, lt uint64) error {
	if h.ID == nil || h.ID.Workchain != -1 || h.ID.Shard != math.MinInt64 {
		return errors.New("asked for a masterchain block, got another")
	}
	proof, err := cell.FromBOC(h.HeaderProof)
	if err != nil {
		return fmt.Errorf("header of %s: %w", blockName(h.ID), err)
	}
	b, err := ton.CheckBlockProof(proof, h.ID.RootHash)
	if err != nil {
		return fmt.Errorf("header of %s: %w", blockName(h.ID), err)
	}
	info := b.BlockInfo
	if workchain, shard := tlb.ConvertShardIdentToShard(info.Shard); workchain != -1 || int64(shard) != math.MinInt64 || info.SeqNo != h.ID.SeqNo {
		return fmt.Errorf("%s is block %d of another place", blockName(h.ID), info.SeqNo)
	}
	if info.PrevRef.Pruned {
		return fmt.Errorf("header of %s does not tell the block before it", blockName(h.ID))
	}
	if info.EndLt < lt || info.PrevRef.Prev1.EndLt >= lt {
		return fmt.Errorf("%w: %s ends at lt %d and the one before it at %d, asked for %d", errNotFirst, blockName(h.ID), info.EndLt, info.PrevRef.Prev1.EndLt, lt)
	}
	return nil
}
