package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// BlockData is the whole block of that id, checked against its root hash.
func (c *Client) BlockData(ctx context.Context, id *BlockID) (*cell.Cell, error) {
	data, err := c.blockData(ctx, question{part: partOf(id)}, id)
	return data.root, err
}

// rawBlock is a block that is checked but not parsed.
type rawBlock struct {
	root *cell.Cell
	size int // in bytes, as it was served
}

func (c *Client) blockData(ctx context.Context, q question, id *BlockID) (rawBlock, error) {
	if id == nil {
		return rawBlock{}, errNoBlock
	}
	q.what, q.timeout = "read "+blockName(id), c.opts.Timeout
	return ask(ctx, c, q, func(ctx context.Context, api *ton.APIClient) (rawBlock, error) {
		var answer tl.Serializable
		if err := api.Client().QueryLiteserver(ctx, ton.GetBlockData{ID: id}, &answer); err != nil {
			return rawBlock{}, err
		}
		switch b := answer.(type) {
		case ton.BlockData:
			root, err := cell.FromBOC(b.Payload)
			if err == nil && !bytes.Equal(root.Hash(), id.RootHash) {
				err = errors.New("it is another block")
			}
			return rawBlock{root, len(b.Payload)}, err
		case ton.LSError:
			return rawBlock{}, b
		}
		return rawBlock{}, fmt.Errorf("unexpected answer %T", answer)
	})
}

// Block is BlockData, parsed.
func (c *Client) Block(ctx context.Context, id *BlockID) (*tlb.Block, error) {
	data, err := c.BlockData(ctx, id)
	if err != nil {
		return nil, err
	}
	return parseBlock(id, data)
}

// BlockOf is Block for who knows the seqno of the masterchain block that commits
// it: servers that do not reach so far are asked last. Size is that of the block
// as it was served, in bytes.
func (c *Client) BlockOf(ctx context.Context, master uint32, id *BlockID) (b *tlb.Block, size int, err error) {
	data, err := c.blockData(ctx, question{part: partOf(id), seqno: master}, id)
	if err != nil {
		return nil, 0, err
	}
	b, err = parseBlock(id, data.root)
	return b, data.size, err
}

func partOf(id *BlockID) part {
	if id != nil && id.Workchain != -1 {
		return shards
	}
	return masterchain
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
	q := question{what: "read the header of " + blockName(id), timeout: c.opts.Timeout, part: partOf(id)}
	h, err := ask(ctx, c, q, func(ctx context.Context, api *ton.APIClient) (*tlb.BlockHeader, error) {
		return api.GetBlockHeader(ctx, id)
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
