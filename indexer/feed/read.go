package feed

import (
	"context"

	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
)

// Master is a masterchain block by itself.
type Master struct {
	ID, Parent  *ton.BlockIDExt
	Time        uint32 // unix seconds
	EndLT       uint64
	ParentEndLT uint64            // EndLT of the one before
	Tops        []*ton.BlockIDExt // the newest block of each shard
}

// ReadMaster reads a masterchain block out of order. It is as proven as id.
func ReadMaster(ctx context.Context, c Chain, id *ton.BlockIDExt) (*Master, error) {
	data, _, err := c.BlockOf(ctx, id.SeqNo, id)
	if err != nil {
		return nil, err
	}
	parent, err := parentOf(Block{id, data})
	if err != nil {
		return nil, err
	}
	if data.BlockInfo.PrevRef.Prev1.EndLt >= data.BlockInfo.EndLt {
		return nil, cocoon.Invalid.Errorf("masterchain block %d ends before the one before it", id.SeqNo)
	}
	tops, err := shardTops(data)
	return &Master{ID: id, Parent: parent, Time: data.BlockInfo.GenUtime, EndLT: data.BlockInfo.EndLt,
		ParentEndLT: data.BlockInfo.PrevRef.Prev1.EndLt, Tops: tops}, err
}

// ReadBlock reads a block that a masterchain block commits.
func ReadBlock(ctx context.Context, c Chain, master uint32, id *ton.BlockIDExt) (Block, error) {
	data, _, err := c.BlockOf(ctx, master, id)
	return Block{id, data}, err
}

// ReadShards reads the blocks that a masterchain block commits and the one before
// it, with those tops, did not, as far as the given ones of its tops lead to them.
// They come in the order of an Item's.
func ReadShards(ctx context.Context, c Chain, m *Master, of, before []*ton.BlockIDExt) ([]Block, error) {
	return newBlocks(ctx, of, before, func(ctx context.Context, id *ton.BlockIDExt) (Block, error) { return ReadBlock(ctx, c, m.ID.SeqNo, id) })
}

// SortBlocks puts blocks that one masterchain block commits in the order of an Item's.
func SortBlocks(blocks []Block) { sortBlocks(blocks) }
