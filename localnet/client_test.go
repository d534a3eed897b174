package localnet

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tonkeeper/tongo/liteapi"
	tongoton "github.com/tonkeeper/tongo/ton"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/ton/wallet"
)

func TestClient_WalletsDeployAndSendUnmodified(t *testing.T) {
	t.Parallel()
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := New(t)
			for policyName, policy := range policies {
				api := connect(t, c, policy)
				w := openWallet(t, api, policyName, version)
				require.NoError(t, c.Faucet(t.Context(), w.WalletAddress(), coins(10)))
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				tx, block, err := w.SendWaitTransaction(ctx, wallet.SimpleMessageAutoBounce(account(9), tlb.MustFromTON("3"), nil))
				cancel()
				require.NoError(t, err, policyName)
				require.NotZero(t, block.SeqNo)
				list, err := api.ListTransactions(t.Context(), w.WalletAddress(), 10, tx.LT, tx.Hash)
				require.NoError(t, err)
				require.Len(t, list, 2, "the faucet's transfer and the deployment")
			}
			require.Positive(t, balance(t, c, account(9)).Cmp(coins(8)))
			requireSound(t, c)
		})
	}
}

// traffic makes a chain with some history.
func traffic(t *testing.T) (*Chain, *rich) {
	t.Helper()
	return trafficUntil(t, t)
}

// trafficUntil is traffic on a chain that closes with what until cleans up.
func trafficUntil(t *testing.T, until TB) (*Chain, *rich) {
	t.Helper()
	r := newRich(t, "rich")
	c := New(until, byHand, with(r.genesis(t), contract(t, 7, passOn, account(8)), contract(t, 8, passOn, account(9))))
	other := newRich(t, "rich")
	for i := range 8 {
		require.NoError(t, c.Push(r.send(t, coins(1), account(7), account(byte(20+i)))))
		other.seqno = uint32(i)
		require.NoError(t, c.Push(other.send(t, coins(2), account(30)))) // of the two only one will be accepted
		require.NoError(t, c.Mine())
	}
	return c, r
}

func TestClients_ReadTheSameChain(t *testing.T) {
	t.Parallel()
	c, r := trafficUntil(t, lasting{t})
	tongo := connectTongo(t, c)
	head := c.Head()
	for name, policy := range policies {
		api := connect(t, c, policy)
		master, err := api.GetMasterchainInfo(t.Context())
		require.NoError(t, err, name)
		require.True(t, head.Equals(master), name)
		info, err := tongo.GetMasterchainInfo(t.Context())
		require.NoError(t, err)
		require.Equal(t, head.RootHash, info.Last.RootHash[:])

		for _, a := range []*address.Address{r.WalletAddress(), account(7), account(8), account(20), account(200)} {
			requireSameAccount(t, c, api, tongo, a)
		}
		requireSameBlocks(t, c, api, tongo)
		requireSameHistory(t, c, api, tongo, r.WalletAddress())
		requireSameConfig(t, api, tongo, master)
		result, err := api.RunGetMethod(t.Context(), master, r.WalletAddress(), "seqno")
		require.NoError(t, err, name)
		require.Equal(t, int64(8), result.MustInt(0).Int64(), name)
	}
}

func requireSameAccount(t *testing.T, c *Chain, api *ton.APIClient, tongo *liteapi.Client, a *address.Address) {
	t.Helper()
	ours, err := api.GetAccount(t.Context(), c.Head(), a)
	require.NoError(t, err)
	theirs, err := tongo.GetAccountState(t.Context(), tongoton.MustParseAccountID(a.StringRaw()))
	require.NoError(t, err)
	if ours.State == nil {
		require.EqualValues(t, "AccountNone", theirs.Account.SumType)
		require.Zero(t, balance(t, c, a).Sign())
		return
	}
	require.Equal(t, balance(t, c, a), ours.State.Balance.Nano())
	require.EqualValues(t, balance(t, c, a).Uint64(), theirs.Account.Account.Storage.Balance.Grams)
	require.Equal(t, ours.LastTxLT, theirs.LastTransLt)
	require.Equal(t, ours.LastTxHash, theirs.LastTransHash[:])
}

func requireSameBlocks(t *testing.T, c *Chain, api *ton.APIClient, tongo *liteapi.Client) {
	t.Helper()
	for _, list := range [][]*block{shardBlocks(c)[1:], c.view().history[wholeMasterchain][1:]} {
		for _, b := range list {
			id, err := api.LookupBlock(t.Context(), b.id.Workchain, math.MinInt64, b.id.SeqNo)
			require.NoError(t, err)
			require.True(t, b.id.Equals(id))
			parsed, err := api.GetBlockData(t.Context(), id)
			require.NoError(t, err)
			ours, err := parsed.ListTransactions()
			require.NoError(t, err)
			header, err := api.GetBlockHeader(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, parsed.BlockInfo.GenUtime, header.GenUtime)
			block, err := tongo.GetBlock(t.Context(), tongoID(b.id))
			require.NoError(t, err)
			theirs := map[string]bool{}
			for _, tx := range block.AllTransactions() {
				h := tx.Hash()
				theirs[string(h[:])] = true
			}
			require.Len(t, theirs, len(ours))
			for _, tx := range ours {
				require.True(t, theirs[string(tx.Hash)])
			}
			requireSameListing(t, api, tongo, b)
			if b.id.Workchain == -1 {
				requireSameShards(t, api, tongo, b)
			}
		}
	}
}

func requireSameListing(t *testing.T, api *ton.APIClient, tongo *liteapi.Client, b *block) {
	t.Helper()
	var after *ton.TransactionID3
	var listed []ton.TransactionShortInfo
	for more := true; more; { // by pages of two
		page, next, err := api.GetBlockTransactionsV2(t.Context(), b.id, 2, after)
		require.NoError(t, err)
		listed, more = append(listed, page...), next
		if more {
			after = page[len(page)-1].ID3()
		}
	}
	theirs, more, err := tongo.ListBlockTransactions(t.Context(), tongoID(b.id), 7, 100, nil)
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, theirs, len(b.txs))
	require.Len(t, listed, len(b.txs))
	for i, tx := range b.txs {
		require.Equal(t, tx.hash, listed[i].Hash)
		require.Equal(t, tx.hash, theirs[i].Hash[:])
		one, err := api.GetTransaction(t.Context(), b.id, tx.account.in(0).address(), tx.lt)
		require.NoError(t, err)
		require.Equal(t, tx.hash, one.Hash)
	}
}

func requireSameShards(t *testing.T, api *ton.APIClient, tongo *liteapi.Client, b *block) {
	t.Helper()
	ours, err := api.GetBlockShardsInfo(t.Context(), b.id)
	require.NoError(t, err)
	theirs, err := tongo.GetAllShardsInfo(t.Context(), tongoID(b.id))
	require.NoError(t, err)
	require.Len(t, ours, 1)
	require.True(t, b.tops[0].block.id.Equals(ours[0]))
	require.Equal(t, []tongoton.BlockIDExt{tongoID(b.tops[0].block.id)}, theirs)
}

func requireSameHistory(t *testing.T, c *Chain, api *ton.APIClient, tongo *liteapi.Client, a *address.Address) {
	t.Helper()
	acc, err := api.GetAccount(t.Context(), c.Head(), a)
	require.NoError(t, err)
	ours, err := api.ListTransactions(t.Context(), a, 100, acc.LastTxLT, acc.LastTxHash)
	require.NoError(t, err)
	theirs, err := tongo.GetLastTransactions(t.Context(), tongoton.MustParseAccountID(a.StringRaw()), 100)
	require.NoError(t, err)
	require.Len(t, ours, 8)
	require.Len(t, theirs, 8)
	for i, tx := range ours {
		h := theirs[len(theirs)-1-i].Hash()
		require.Equal(t, tx.Hash, h[:])
	}
}

func requireSameConfig(t *testing.T, api *ton.APIClient, tongo *liteapi.Client, master *ton.BlockIDExt) {
	t.Helper()
	config, err := api.GetBlockchainConfig(t.Context(), master)
	require.NoError(t, err)
	some, err := api.GetBlockchainConfig(t.Context(), master, 8, 21, 34)
	require.NoError(t, err)
	require.Equal(t, config.Get(21).Hash(), some.Get(21).Hash())
	theirs, err := tongo.GetConfigAll(t.Context(), 0)
	require.NoError(t, err)
	converted, _, err := tongoton.ConvertBlockchainConfig(theirs, true)
	require.NoError(t, err)
	require.EqualValues(t, DefaultGlobalVersion, converted.ConfigParam8.GlobalVersion.Version)
	id, err := tongo.GetNetworkGlobalID(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, DefaultGlobalID, id)
}

func tongoID(id *ton.BlockIDExt) tongoton.BlockIDExt {
	return tongoton.BlockIDExt{BlockID: tongoton.BlockID{Workchain: id.Workchain, Shard: uint64(id.Shard), Seqno: id.SeqNo},
		RootHash: tongoton.Bits256(id.RootHash), FileHash: tongoton.Bits256(id.FileHash)}
}

func TestClient_ProvesAnyBlockFromAnyOther(t *testing.T) {
	t.Parallel()
	c, _ := traffic(t)
	blocks := c.view().history[wholeMasterchain][1:]
	api := connect(t, c, ton.ProofCheckPolicySecure)
	for _, from := range blocks {
		for _, to := range blocks {
			if from != to {
				require.NoError(t, api.VerifyProofChain(t.Context(), from.id, to.id), "from %d to %d", from.id.SeqNo, to.id.SeqNo)
			}
		}
	}
}

func TestClient_WaitsForABlockWithoutAsking(t *testing.T) {
	t.Parallel()
	c := New(t, byHand)
	api := connect(t, c, ton.ProofCheckPolicyFast)
	next := c.Head().SeqNo + 1
	got := make(chan error, 1)
	go func() {
		_, err := api.WaitForBlock(next).GetMasterchainInfo(t.Context())
		got <- err
	}()
	require.NoError(t, c.Mine())
	require.NoError(t, <-got)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := api.WaitForBlock(next + 1).GetMasterchainInfo(ctx)
	require.Error(t, err)
}

func TestClient_SeesTimeAdvance(t *testing.T) {
	t.Parallel()
	c := New(t, byHand)
	api := connect(t, c, ton.ProofCheckPolicyFast)
	before, err := api.GetTime(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.Advance(24*time.Hour))
	after, err := api.GetTime(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, after-before, uint32(86400))
	header, err := api.GetBlockHeader(t.Context(), c.Head())
	require.NoError(t, err)
	require.GreaterOrEqual(t, header.GenUtime-before, uint32(86400-1))
}
