package chain

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/localnet"
)

func TestClient_HeadIsNeverStale(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c := dial(t, networkOf(t, local), Options{})
	for range 5 {
		require.NoError(t, local.Mine())
		mined := local.Head().SeqNo
		head, err := c.Head(t.Context())
		require.NoError(t, err)
		require.GreaterOrEqual(t, head.SeqNo, mined)
	}
}

func TestClient_WaitsForABlockToCome(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c := dial(t, networkOf(t, local), Options{})
	next := local.Head().SeqNo + 1
	found := make(chan *BlockID, 1)
	go func() {
		id, err := c.WaitSeqno(t.Context(), next)
		if err != nil {
			t.Error(err)
		}
		found <- id
	}()
	require.NoError(t, local.Mine())
	require.NoError(t, local.Mine())
	id := <-found
	require.Equal(t, next, id.SeqNo)
	again, err := c.LookupMaster(t.Context(), next)
	require.NoError(t, err)
	require.Equal(t, id, again)
	_, err = c.LookupMaster(t.Context(), next+100_000)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
}

func TestClient_BlocksLeadToTheirShards(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	require.NoError(t, local.Faucet(t.Context(), Address(cocoon.Account{5}), big.NewInt(1e9)))
	c := dial(t, networkOf(t, local), Options{})
	head, err := c.Head(t.Context())
	require.NoError(t, err)
	master, err := c.Block(t.Context(), head)
	require.NoError(t, err)
	require.Equal(t, head.SeqNo, master.BlockInfo.SeqNo)
	at, err := c.Time(t.Context(), head)
	require.NoError(t, err)
	require.Equal(t, int64(master.BlockInfo.GenUtime), at.Unix())

	tops, err := c.ShardTops(t.Context(), head)
	require.NoError(t, err)
	require.Len(t, tops, 1)
	shard, err := c.Block(t.Context(), tops[0])
	require.NoError(t, err)
	require.Equal(t, tops[0].SeqNo, shard.BlockInfo.SeqNo)

	_, err = c.ShardTops(t.Context(), tops[0])
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	_, err = c.Block(t.Context(), nil)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	data, err := c.BlockData(t.Context(), head)
	require.NoError(t, err)
	_, err = parseBlock(tops[0], data)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "a block that claims another place")
}

func FuzzParseBlock(f *testing.F) {
	local := localnet.New(f)
	head := local.Head()
	whole, err := local.Block(head)
	require.NoError(f, err)
	f.Add(whole)
	f.Add(emptyCell().ToBOC())
	f.Fuzz(func(t *testing.T, boc []byte) {
		root, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		b, err := parseBlock(head, root)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		require.Equal(t, head.SeqNo, b.BlockInfo.SeqNo)
	})
}
