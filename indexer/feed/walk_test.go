package feed

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
)

// headers is a chain of nothing but block headers, which a split and a merge
// can be drawn with.
type headers map[blockKey]*tlb.Block

func (h headers) read(_ context.Context, id *ton.BlockIDExt) (Block, error) {
	if b := h[keyOf(id)]; b != nil {
		return Block{id, b}, nil
	}
	return Block{}, cocoon.NotFound.Errorf("block %d", id.SeqNo)
}

const (
	whole = uint64(1) << 63
	left  = whole >> 1
	right = whole | whole>>1
)

// add draws a block of that shard after parents, at a logical time that is its seqno.
func (h headers) add(shard uint64, seqno uint32, parents ...*ton.BlockIDExt) *ton.BlockIDExt {
	root := sha256.Sum256(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, shard), seqno))
	id := &ton.BlockIDExt{Workchain: 0, Shard: int64(shard), SeqNo: seqno, RootHash: root[:], FileHash: root[:]}
	b := &tlb.Block{}
	b.BlockInfo.SeqNo, b.BlockInfo.StartLt = seqno, uint64(seqno)
	b.BlockInfo.Shard = tlb.ShardIdent{PrefixBits: 0, WorkchainID: 0, ShardPrefix: 0}
	if shard != whole {
		b.BlockInfo.Shard = tlb.ShardIdent{PrefixBits: 1, WorkchainID: 0, ShardPrefix: shard &^ left}
	}
	b.BlockInfo.AfterSplit = shard != whole && uint64(parents[0].Shard) == whole
	b.BlockInfo.AfterMerge = len(parents) == 2
	b.BlockInfo.PrevRef.Prev1 = refOf(parents[0])
	if len(parents) == 2 {
		second := refOf(parents[1])
		b.BlockInfo.PrevRef.Prev2 = &second
	}
	h[keyOf(id)] = b
	return id
}

func refOf(id *ton.BlockIDExt) tlb.ExtBlkRef {
	return tlb.ExtBlkRef{SeqNo: id.SeqNo, RootHash: id.RootHash, FileHash: id.FileHash}
}

func TestNewBlocks_FollowSplitsAndMerges(t *testing.T) {
	t.Parallel()
	h := headers{}
	zero := &ton.BlockIDExt{Shard: -1 << 63, RootHash: make([]byte, 32), FileHash: make([]byte, 32)}
	a1 := h.add(whole, 1, zero)
	a2 := h.add(whole, 2, a1)
	l3, r3 := h.add(left, 3, a2), h.add(right, 3, a2)
	l4 := h.add(left, 4, l3)
	a5 := h.add(whole, 5, l4, r3)
	a6 := h.add(whole, 6, a5)

	for name, c := range map[string]struct{ tops, known, want []*ton.BlockIDExt }{
		"from the beginning":      {tops: []*ton.BlockIDExt{a2}, want: []*ton.BlockIDExt{a1, a2}},
		"over a split":            {tops: []*ton.BlockIDExt{l4, r3}, known: []*ton.BlockIDExt{a1}, want: []*ton.BlockIDExt{a2, l3, r3, l4}},
		"one shard stands still":  {tops: []*ton.BlockIDExt{l4, r3}, known: []*ton.BlockIDExt{l3, r3}, want: []*ton.BlockIDExt{l4}},
		"over a merge":            {tops: []*ton.BlockIDExt{a6}, known: []*ton.BlockIDExt{l3, r3}, want: []*ton.BlockIDExt{l4, a5, a6}},
		"over a split and merge":  {tops: []*ton.BlockIDExt{a5}, known: []*ton.BlockIDExt{a2}, want: []*ton.BlockIDExt{l3, r3, l4, a5}},
		"nothing between the two": {tops: []*ton.BlockIDExt{a6}, known: []*ton.BlockIDExt{a6}},
	} {
		found, err := newBlocks(t.Context(), c.tops, c.known, h.read)
		require.NoError(t, err, name)
		var got []blockKey
		for _, b := range found {
			got = append(got, keyOf(b.ID))
		}
		var want []blockKey
		for _, id := range c.want {
			want = append(want, keyOf(id))
		}
		require.Equal(t, want, got, name)
	}

	_, err := newBlocks(t.Context(), []*ton.BlockIDExt{a2}, []*ton.BlockIDExt{l4}, h.read)
	require.ErrorContains(t, err, "does not continue")
	delete(h, keyOf(l3))
	_, err = newBlocks(t.Context(), []*ton.BlockIDExt{a5}, []*ton.BlockIDExt{a2}, h.read)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
}
