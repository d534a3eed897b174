package localnet

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// eventful is a chain with key blocks, splits, merges and accounts everywhere.
func eventful(t *testing.T) (*Chain, []*rich) {
	t.Helper()
	all, option := crowd(t, 6)
	wall := newWallClock()
	c := New(lasting{t}, option, func(c *Config) { c.Manual, c.Clock = true, wall.read })
	rnd := rand.New(rand.NewPCG(6, 6))
	for step, shards := range []int{1, 4, 2, 8, 1, 2} {
		wall.move(2 * time.Second)
		require.NoError(t, c.SetShards(shards))
		require.NoError(t, c.SetConfig(map[uint32]*cell.Cell{71: cell.BeginCell().MustStoreUInt(uint64(step), 32).EndCell()}))
		for _, r := range all {
			require.NoError(t, c.Push(r.send(t, coins(1), spread(0, byte(rnd.IntN(256)), 1), spread(-1, byte(step), 2))))
		}
		require.NoError(t, c.MineAll())
	}
	requireAudited(t, c)
	return c, all
}

func TestProofs_LeadFromAnyTrustedBlockToAnyOther(t *testing.T) {
	t.Parallel()
	c, all := eventful(t)
	masters := c.view().history[wholeMasterchain][1:]
	keys := 0
	for _, trusted := range masters {
		if trusted.key {
			keys++
		} else if trusted.id.SeqNo%5 != 0 {
			continue
		}
		api := connect(t, c, ton.ProofCheckPolicySecure)
		api.SetTrustedBlock(trusted.id)
		head, err := api.GetMasterchainInfo(t.Context())
		require.NoError(t, err, "forward from block %d, key: %t", trusted.id.SeqNo, trusted.key)
		require.Equal(t, c.Head(), head)
		a, err := api.GetAccount(t.Context(), head, all[0].WalletAddress())
		require.NoError(t, err)
		require.True(t, a.IsActive)
		for _, older := range masters {
			if older.id.SeqNo < trusted.id.SeqNo && (older.key || older.id.SeqNo%7 == 0) {
				require.NoError(t, api.VerifyProofChain(t.Context(), trusted.id, older.id), "back from block %d to %d", trusted.id.SeqNo, older.id.SeqNo)
			}
		}
	}
	require.Greater(t, keys, 6)
}

func TestProofs_ReachEveryShardBlockAndAccount(t *testing.T) {
	t.Parallel()
	c, all := eventful(t)
	api := connect(t, c, ton.ProofCheckPolicySecure)
	api.SetTrustedBlock(c.view().history[wholeMasterchain][1].id)
	shards := map[shardID]int{}
	for _, master := range c.view().history[wholeMasterchain][1:] {
		tops, err := api.GetBlockShardsInfo(t.Context(), master.id)
		require.NoError(t, err)
		require.Len(t, tops, len(master.tops))
		for _, id := range tops {
			shards[shardID{id.Workchain, uint64(id.Shard)}]++
			data, err := api.GetBlockData(t.Context(), id)
			require.NoError(t, err)
			parents, err := ton.GetParentBlocks(&data.BlockInfo)
			require.NoError(t, err)
			for _, p := range parents {
				_, err = c.Block(p)
				require.NoError(t, err, "%s follows %s", id.FileHash, p.FileHash)
			}
			list, _, err := api.GetBlockTransactionsV2(t.Context(), id, 100)
			require.NoError(t, err)
			for _, short := range list {
				_, err = api.GetTransaction(t.Context(), id, accountID(short.Account).in(id.Workchain).address(), short.LT)
				require.NoError(t, err)
			}
		}
		for _, r := range all[:2] {
			_, err = api.GetAccount(t.Context(), master.id, r.WalletAddress())
			require.NoError(t, err)
		}
	}
	require.Greater(t, len(shards), 8, "shards that lived at some time")
	for _, r := range all { // through splits and merges, back to the first
		a, err := api.GetAccount(t.Context(), c.Head(), r.WalletAddress())
		require.NoError(t, err)
		list, err := api.ListTransactions(t.Context(), r.WalletAddress(), 50, a.LastTxLT, a.LastTxHash)
		require.NoError(t, err)
		require.Len(t, list, int(r.seqno))
	}
}
