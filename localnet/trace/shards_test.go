package trace

import (
	"bytes"
	"context"
	"math/big"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// network is a chain whose blocks are made by hand, so that shards can split and
// merge. It looks blocks up by the prefix of an account, as archives do.
type network struct {
	t      testing.TB
	blocks []*made
	tops   []*ton.BlockIDExt
}

type made struct {
	id   *ton.BlockIDExt
	end  uint64
	cell *cell.Cell
}

func (n *network) Tops(context.Context) ([]*ton.BlockIDExt, error) { return n.tops, nil }

func (n *network) Lookup(_ context.Context, workchain int32, shard int64, lt uint64) (*ton.BlockIDExt, error) {
	prefix := make([]byte, 32)
	new(big.Int).SetUint64(uint64(shard)).FillBytes(prefix[:8])
	account := address.NewAddress(0, 0, prefix)
	for _, b := range n.blocks {
		if b.id.Workchain == workchain && b.end >= lt && holds(b.id.Shard, account) {
			return b.id, nil
		}
	}
	return nil, ErrNoBlock
}

func (n *network) Block(_ context.Context, id *ton.BlockIDExt) (*cell.Cell, error) {
	for _, b := range n.blocks {
		if bytes.Equal(b.id.RootHash, id.RootHash) {
			return b.cell, nil
		}
	}
	return nil, ErrNoBlock
}

// add makes a block that ends right after its last transaction. Two parents are
// of a merge, one of a wider shard is of a split.
func (n *network) add(workchain int32, shard uint64, end uint64, parents []*ton.BlockIDExt, txs ...*Transaction) *ton.BlockIDExt {
	n.t.Helper()
	id := &ton.BlockIDExt{Workchain: workchain, Shard: int64(shard), SeqNo: parents[0].SeqNo + 1}
	var h tlb.BlockHeader
	h.NotMaster = workchain != address.MasterchainID
	h.SeqNo, h.GenUtime, h.EndLt = id.SeqNo, genesis, end
	h.Shard = tlb.ShardIdent{PrefixBits: int8(63 - bits.TrailingZeros64(shard)), WorkchainID: workchain, ShardPrefix: shard & (shard - 1)}
	h.MasterRef = &tlb.ExtBlkRef{RootHash: make([]byte, 32), FileHash: make([]byte, 32)}
	h.AfterSplit, h.AfterMerge = parents[0].Shard != id.Shard && len(parents) == 1, len(parents) == 2
	h.PrevRef.Prev1 = refOf(parents[0])
	if h.AfterMerge {
		second := refOf(parents[1])
		h.PrevRef.Prev2 = &second
	}
	extra := cell.BeginCell().MustStoreUInt(0x4a33f6fd, 32).MustStoreRef(empty()).MustStoreRef(empty()).MustStoreRef(n.accounts(txs)).
		MustStoreSlice(make([]byte, 64), 512).MustStoreBoolBit(false).EndCell()
	c := cell.BeginCell().MustStoreUInt(0x11ef55aa, 32).MustStoreInt(-239, 32).
		MustStoreRef(cellOf(n.t, h)).MustStoreRef(empty()).MustStoreRef(empty()).MustStoreRef(extra).EndCell()
	id.RootHash, id.FileHash = c.Hash(), c.Hash()
	n.blocks = append(n.blocks, &made{id, end, c})
	return id
}

func refOf(id *ton.BlockIDExt) tlb.ExtBlkRef {
	return tlb.ExtBlkRef{SeqNo: id.SeqNo, RootHash: id.RootHash, FileHash: id.FileHash}
}

// accounts is the ShardAccountBlocks of transactions on different accounts.
func (n *network) accounts(txs []*Transaction) *cell.Cell {
	n.t.Helper()
	blocks, err := tlb.NewShardAccountBlocksAugDict()
	require.NoError(n.t, err)
	for _, t := range txs {
		list, err := tlb.NewAccountTransactionsAugDict()
		require.NoError(n.t, err)
		require.NoError(n.t, list.SetIntKey(new(big.Int).SetUint64(t.LT), cell.BeginCell().MustStoreRef(t.Cell).EndCell()))
		inline, err := list.InlineCell()
		require.NoError(n.t, err)
		block := cell.BeginCell().MustStoreUInt(5, 4).MustStoreSlice(t.AccountAddr, 256).MustStoreBuilder(inline.ToBuilder()).MustStoreRef(empty()).EndCell()
		require.NoError(n.t, blocks.Set(cell.BeginCell().MustStoreSlice(t.AccountAddr, 256).EndCell(), block))
	}
	c, err := blocks.ToCell()
	require.NoError(n.t, err)
	return c
}

var (
	genesisBlock  = ton.BlockIDExt{Shard: fullShard, RootHash: make([]byte, 32), FileHash: make([]byte, 32)}
	masterGenesis = ton.BlockIDExt{Workchain: -1, Shard: fullShard, RootHash: make([]byte, 32), FileHash: make([]byte, 32)}
)

// journey is a message that goes on from the left shard to the right one, to the
// masterchain and home, while the shards split and merge again.
func journey(t testing.TB) (n *network, s *stage, txs []*Transaction) {
	t.Helper()
	s = newStage(t)
	left, right, master := account(1), account(0xc1), address.NewAddress(0, 255, account(0x55).Data())
	home := account(0x21)
	forward := func(a *address.Address) *cell.Cell { return list(t, send(t, 64, to(t, a, "0", false, nil))) }
	s.put(left, "10", acts, list(t, send(t, 1, to(t, right, "1", true, nil))))
	s.put(right, "1", acts, forward(master))
	s.put(master, "1", acts, forward(home))
	txs = s.run(external(left, empty()))
	require.Len(t, txs, 4)

	n = &network{t: t}
	end := func(i int) uint64 { return txs[i].LT + uint64(txs[i].OutMsgCount) + 1 }
	whole := n.add(0, 1<<63, end(0), []*ton.BlockIDExt{&genesisBlock}, txs[0])
	west := n.add(0, 1<<62, end(1), []*ton.BlockIDExt{whole})
	east := n.add(0, 3<<62, end(1), []*ton.BlockIDExt{whole}, txs[1])
	top := n.add(-1, 1<<63, end(2), []*ton.BlockIDExt{&masterGenesis}, txs[2])
	late := n.add(0, 1<<63, end(3), []*ton.BlockIDExt{west, east}, txs[3])
	n.tops = []*ton.BlockIDExt{top, late}
	return n, s, txs
}

func TestReader_FollowsThroughShardsAndWorkchains(t *testing.T) {
	t.Parallel()
	n, _, txs := journey(t)
	for i, tx := range txs {
		r := &Reader{Blocks: n}
		found, err := r.Find(t.Context(), tx.Hash)
		require.NoError(t, err)
		require.Equal(t, tx.Hash, found.Hash)
		byTime, err := r.At(t.Context(), tx.Account, tx.LT)
		require.NoError(t, err)
		require.Equal(t, tx.Hash, byTime.Hash)
		root, err := r.Trace(t.Context(), found)
		require.NoError(t, err)
		at := 0
		root.Each(func(node *Node) bool {
			require.Equal(t, txs[at].Hash, node.Transaction.Hash)
			require.Equal(t, txs[at].Account.StringRaw(), node.Transaction.Account.StringRaw())
			at++
			return true
		})
		require.Equal(t, len(txs), at, "from transaction %d", i)
	}
}

func TestReader_DoesNotMixUpWorkchains(t *testing.T) {
	t.Parallel()
	n, _, txs := journey(t)
	r := &Reader{Blocks: n}
	last, err := r.Last(t.Context(), txs[2].Account)
	require.NoError(t, err)
	require.Equal(t, txs[2].Hash, last.Hash)
	_, err = r.Last(t.Context(), address.NewAddress(0, 0, txs[2].AccountAddr))
	require.ErrorIs(t, err, ErrNotFound)
}

func TestReader_ShowsAMessageOnItsWayAsPending(t *testing.T) {
	t.Parallel()
	n, _, txs := journey(t)
	n.blocks = n.blocks[:3] // the masterchain has not taken it
	n.tops = []*ton.BlockIDExt{n.add(-1, 1<<63, txs[0].LT, []*ton.BlockIDExt{&masterGenesis}), n.blocks[1].id, n.blocks[2].id}
	r := &Reader{Blocks: n}
	root, err := r.Trace(t.Context(), txs[1])
	require.NoError(t, err)
	var last *Node
	root.Each(func(node *Node) bool { last = node; return true })
	require.Equal(t, Pending, last.End)
	require.Contains(t, root.Text(names), "→ -1:55000…0055  pending")
}
