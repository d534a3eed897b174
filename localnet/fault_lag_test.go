package localnet

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tonkeeper/tongo/liteclient"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
)

// put asks a server as its protocol does.
func put[T any](t *testing.T, s *Server, query tl.Serializable) T {
	t.Helper()
	answer := s.answer(t.Context(), s.admit(query))
	require.IsType(t, *new(T), answer, "%v", answer)
	return answer.(T)
}

func TestFaults_ALaggingServerKnowsNothingNewer(t *testing.T) {
	t.Parallel()
	c, s := stage(t)
	const lag = 3
	server := serve(t, c, Faults{LagBlocks: lag})
	api := connectTo(t, server.Config(), ton.ProofCheckPolicySecure)
	masters := c.view().history[wholeMasterchain]
	behind := masters[len(masters)-1-lag]
	head, err := api.GetMasterchainInfo(t.Context())
	require.NoError(t, err)
	require.True(t, behind.id.Equals(head))
	ext := put[ton.MasterchainInfoExt](t, server, ton.GetMasterchainInfoExt{})
	require.True(t, behind.id.Equals(ext.Last))
	require.Equal(t, behind.utime, ext.LastUTime)
	require.Equal(t, behind.state.Hash(), ext.StateRootHash)

	// at its own head it is a good server
	old, err := api.GetAccount(t.Context(), head, s.WalletAddress())
	require.NoError(t, err)
	require.Less(t, old.LastTxLT, s.account.LastTxLT)
	_, err = api.ListTransactions(t.Context(), s.WalletAddress(), 10, old.LastTxLT, old.LastTxHash)
	require.NoError(t, err)
	proof := put[ton.PartialBlockProof](t, server, ton.GetBlockProof{KnownBlock: masters[1].id})
	require.True(t, behind.id.Equals(proof.To), "what is newest to it")

	// beyond it says what the reference server says
	known := fmt.Sprintf(" (last known masterchain block: %d)", head.SeqNo)
	unsynced := fmt.Sprintf(" (possibly out of sync: shard_client_seqno=%d ls_seqno=%d)", head.SeqNo, head.SeqNo)
	wallet := ton.AccountID{ID: s.WalletAddress().Data()}
	for _, q := range []struct {
		query tl.Serializable
		code  int32
		text  string
	}{
		{ton.GetBlockData{ID: s.head}, codeNotFound, "block handle not in db" + known},
		{ton.GetAllShardsInfo{ID: s.head}, codeNotFound, "cannot load block " + nameOf(s.head) + " : block handle not in db" + known},
		{ton.GetBlockHeader{ID: s.top}, codeNotFound, "block handle not in db" + unsynced},
		{ton.LookupBlock{Mode: 1, ID: &ton.BlockInfoShort{Workchain: -1, Shard: math.MinInt64, Seqno: int32(s.head.SeqNo)}}, codeNotFound,
			fmt.Sprintf("cannot find block (-1,8000000000000000) seqno=%d: seqno not in db%s", s.head.SeqNo, known)},
		{ton.LookupBlock{Mode: 2, ID: &ton.BlockInfoShort{Shard: math.MinInt64}, LT: s.account.LastTxLT}, codeNotFound,
			fmt.Sprintf("cannot find block (0,8000000000000000) lt=%d: lt not in db%s", s.account.LastTxLT, unsynced)},
		{ton.GetTransactions{Limit: 1, AccID: &wallet, LT: int64(s.account.LastTxLT), TxHash: s.account.LastTxHash}, codeBadQuery,
			"cannot compute block with specified transaction: lt not in db" + unsynced},
		{ton.GetBlockProof{Mode: 1, KnownBlock: head, TargetBlock: s.head}, codeBadQuery,
			"client knows block " + nameOf(s.head) + " newer than the reference masterchain block " + nameOf(head)},
	} {
		require.Equal(t, ton.LSError{Code: q.code, Text: q.text}, put[ton.LSError](t, server, q.query), "%T", q.query)
	}
	require.NoError(t, server.SetFaults(Faults{}))
	healed, err := api.GetMasterchainInfo(t.Context())
	require.NoError(t, err)
	require.True(t, s.head.Equals(healed))
}

func TestFaults_AServerLagsNoFurtherThanTheFirstBlock(t *testing.T) {
	t.Parallel()
	c, _ := traffic(t)
	server := serve(t, c, Faults{LagBlocks: 1 << 31, ShardLag: 1 << 31})
	require.EqualValues(t, 1, put[ton.MasterchainInfo](t, server, ton.GetMasterchainInf{}).Last.SeqNo)
	wait := []tl.Serializable{ton.WaitMasterchainSeqno{Seqno: 2, Timeout: 1}, ton.GetTime{}}
	require.EqualValues(t, codeTimeout, put[ton.LSError](t, server, wait).Code)
}

func TestFaults_ALaggingShardClientHasNotAppliedTheBlocks(t *testing.T) {
	t.Parallel()
	c, s := stageUntil(t, lasting{t})
	const lag = 2
	server := serve(t, c, Faults{ShardLag: lag})
	api := connectTo(t, server.Config(), ton.ProofCheckPolicySecure)
	head, err := api.GetMasterchainInfo(t.Context())
	require.NoError(t, err)
	require.True(t, s.head.Equals(head), "the masterchain is all there")
	_, err = api.GetBlockData(t.Context(), head)
	require.NoError(t, err)
	shards, err := api.GetBlockShardsInfo(t.Context(), head)
	require.NoError(t, err, "what the masterchain says of the shards, too")
	require.Equal(t, nameOf(c.view().head.tops[0].block.id), nameOf(shards[0]))
	require.True(t, shards[0].Equals(put[ton.ShardInfo](t, server, ton.GetShardInfo{ID: head, Shard: math.MinInt64}).ShardBlock))

	top := shards[0]
	why := fmt.Sprintf("block %s is not applied (possibly out of sync: shard_client_seqno=%d ls_seqno=%d)", shortID(top), head.SeqNo-lag, head.SeqNo)
	_, err = api.GetBlockData(t.Context(), top)
	require.Equal(t, error(ton.LSError{Code: codeNotFound, Text: why}), err)
	_, err = api.GetAccount(t.Context(), head, s.WalletAddress())
	require.Equal(t, error(ton.LSError{Code: codeNotFound, Text: "cannot load block " + nameOf(top) + " : " + why}), err)
	_, err = api.RunGetMethod(t.Context(), head, s.WalletAddress(), "seqno")
	require.ErrorIs(t, err, ton.LSError{Code: codeNotFound})
	tongo := connectTongoTo(t, server.Config())
	_, err = tongo.GetBlock(t.Context(), tongoID(top))
	var theirs liteclient.LiteServerErrorC
	require.ErrorAs(t, err, &theirs)
	require.Equal(t, why, theirs.Message)

	applied := c.view().history[wholeMasterchain][head.SeqNo-lag]
	_, err = api.GetAccount(t.Context(), applied.id, s.WalletAddress())
	require.NoError(t, err)
	proof := put[ton.PartialBlockProof](t, server, ton.GetBlockProof{KnownBlock: c.view().history[wholeMasterchain][1].id})
	require.True(t, applied.id.Equals(proof.To), "what is newest to the shard client")
	_, err = api.GetBlockData(t.Context(), applied.tops[0].block.id)
	require.NoError(t, err)
}

func TestFaults_WaitsAreForTheLaggingView(t *testing.T) {
	t.Parallel()
	c, s := stage(t)
	for _, f := range []Faults{{LagBlocks: 1}, {ShardLag: 1}, {LagBlocks: 1, ShardLag: 1}} {
		server := serve(t, c, f)
		reached := c.Head().SeqNo - f.LagBlocks - f.ShardLag
		api := connectTo(t, server.Config(), ton.ProofCheckPolicyFast)
		master := c.view().history[wholeMasterchain][reached].id
		_, err := api.WaitForBlock(reached).GetAccount(t.Context(), master, s.WalletAddress())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err = api.WaitForBlock(reached+1).GetAccount(ctx, master, s.WalletAddress())
		cancel()
		require.Error(t, err)
		got := make(chan error, 1)
		go func() {
			_, err := api.WaitForBlock(reached+1).GetAccount(t.Context(), master, s.WalletAddress())
			got <- err
		}()
		require.NoError(t, c.Mine())
		require.NoError(t, <-got)
	}
}

func TestShards_IntersectWhenOneIsPartOfTheOther(t *testing.T) {
	t.Parallel()
	const full, left, right, leftmost = 1 << 63, 1 << 62, 3 << 62, 1 << 61
	for _, pair := range [][2]uint64{{full, full}, {full, left}, {full, right}, {left, leftmost}, {full, leftmost}, {right, right}} {
		require.True(t, intersect(pair[0], pair[1]) && intersect(pair[1], pair[0]), "%x", pair)
	}
	for _, pair := range [][2]uint64{{left, right}, {right, leftmost}} {
		require.False(t, intersect(pair[0], pair[1]) || intersect(pair[1], pair[0]), "%x", pair)
	}
}
