package chain

import (
	"context"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// BlockData is the whole block of that id, checked against its root hash.
func (c *Client) BlockData(ctx context.Context, id *BlockID) (data *cell.Cell, err error) {
	if id == nil {
		return nil, errNoBlock
	}
	err = c.ask(ctx, "read "+blockName(id), c.opts.Timeout, func(ctx context.Context, api *ton.APIClient) (err error) {
		data, err = api.GetBlockDataAsCell(ctx, id)
		return err
	})
	return data, err
}

// Block is BlockData, parsed.
func (c *Client) Block(ctx context.Context, id *BlockID) (*tlb.Block, error) {
	data, err := c.BlockData(ctx, id)
	if err != nil {
		return nil, err
	}
	return parseBlock(id, data)
}

// parseBlock reads a block whose hash is checked: what is wrong with it is wrong
// with the chain, not with a server.
func parseBlock(id *BlockID, data *cell.Cell) (b *tlb.Block, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			b, err = nil, cocoon.Invalid.Errorf("%s is malformed: %v", blockName(id), broken)
		}
	}()
	b = new(tlb.Block)
	if err := tlb.Parse(b, data); err != nil {
		return nil, cocoon.Invalid.Errorf("%s is malformed: %w", blockName(id), err)
	}
	if workchain, shard := tlb.ConvertShardIdentToShard(b.BlockInfo.Shard); workchain != id.Workchain || int64(shard) != id.Shard || b.BlockInfo.SeqNo != id.SeqNo {
		return nil, cocoon.Invalid.Errorf("%s is block %d of another place", blockName(id), b.BlockInfo.SeqNo)
	}
	return b, nil
}

// ShardTops are the newest shard blocks that the masterchain block commits, read
// from the block's own data.
func (c *Client) ShardTops(ctx context.Context, master *BlockID) ([]*BlockID, error) {
	b, err := c.Block(ctx, master)
	if err != nil {
		return nil, err
	}
	if b.Extra == nil || b.Extra.Custom == nil {
		return nil, cocoon.Invalid.Errorf("%s names no shards", blockName(master))
	}
	tops, err := ton.LoadShardsFromHashes(b.Extra.Custom.ShardHashes, false)
	if err != nil {
		return nil, cocoon.Invalid.Errorf("shards of %s: %w", blockName(master), err)
	}
	return tops, nil
}

// header is the proven header of a block.
func (c *Client) header(ctx context.Context, id *BlockID) (tlb.BlockHeader, error) {
	if id == nil {
		return tlb.BlockHeader{}, errNoBlock
	}
	var h *tlb.BlockHeader
	err := c.ask(ctx, "read the header of "+blockName(id), c.opts.Timeout, func(ctx context.Context, api *ton.APIClient) (err error) {
		h, err = api.GetBlockHeader(ctx, id)
		return err
	})
	if err != nil {
		return tlb.BlockHeader{}, err
	}
	return *h, nil
}

func blockName(id *BlockID) string {
	if id.Workchain == -1 {
		return fmt.Sprintf("masterchain block %d", id.SeqNo)
	}
	return fmt.Sprintf("block %d of shard %d:%016x", id.SeqNo, id.Workchain, uint64(id.Shard))
}
