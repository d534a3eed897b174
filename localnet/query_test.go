package localnet

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func ask[T any](t testing.TB, c *Chain, query tl.Serializable) T {
	t.Helper()
	answer := c.answer(t.Context(), query)
	require.IsType(t, *new(T), answer, "%v", answer)
	return answer.(T)
}

func TestQuery_ErrorsCarryTheCodesOfTheReferenceServer(t *testing.T) {
	t.Parallel()
	c, r := traffic(t)
	head, top := c.Head(), lastShard(c).id
	wallet := ton.AccountID{ID: r.WalletAddress().Data()}
	future := head.Copy()
	future.SeqNo += 10
	other := head.Copy()
	other.RootHash[0] ^= 1
	zero := c.view().zero().id
	wait := func(seqno, ms int32) ton.WaitMasterchainSeqno {
		return ton.WaitMasterchainSeqno{Seqno: seqno, Timeout: ms}
	}

	for name, q := range map[string]struct {
		query tl.Serializable
		code  int32
	}{
		"block of the future":      {ton.GetBlockData{ID: future}, codeNotFound},
		"block with other hashes":  {ton.GetBlockData{ID: other}, codeNotFound},
		"no block":                 {ton.GetBlockData{}, codeNotFound},
		"zerostate as a block":     {ton.GetBlockData{ID: zero}, codeNotFound},
		"header of the zerostate":  {ton.GetBlockHeader{ID: zero}, codeNotFound},
		"shards of a shard block":  {ton.GetAllShardsInfo{ID: top}, codeBadQuery},
		"config of a shard block":  {ton.GetConfigAll{BlockID: top}, codeBadQuery},
		"unknown workchain":        {ton.LookupBlock{Mode: 1, ID: &ton.BlockInfoShort{Workchain: 7, Shard: math.MinInt64, Seqno: 1}}, codeNotFound},
		"unknown seqno":            {ton.LookupBlock{Mode: 1, ID: &ton.BlockInfoShort{Shard: 1 << 62, Seqno: 1 << 20}}, codeNotFound},
		"lookup by nothing":        {ton.LookupBlock{ID: &ton.BlockInfoShort{Shard: math.MinInt64}}, codeBadQuery},
		"lookup without id":        {ton.LookupBlock{Mode: 1}, codeBadQuery},
		"lookup of the zerostate":  {ton.LookupBlock{Mode: 1, ID: &ton.BlockInfoShort{Shard: math.MinInt64}}, codeNotFound},
		"lookup of the future":     {ton.LookupBlock{Mode: 2, ID: &ton.BlockInfoShort{Shard: math.MinInt64}, LT: 1 << 62}, codeNotFound},
		"account of elsewhere":     {ton.GetAccountState{ID: head, Account: ton.AccountID{Workchain: 4, ID: make([]byte, 32)}}, codeBadQuery},
		"masterchain in shard":     {ton.GetAccountState{ID: top, Account: ton.AccountID{Workchain: -1, ID: make([]byte, 32)}}, codeBadQuery},
		"short account":            {ton.GetAccountState{ID: head, Account: ton.AccountID{ID: make([]byte, 31)}}, codeBadQuery},
		"bad method parameters":    {ton.RunSmcMethod{Mode: 4, ID: head, Account: wallet, Params: []byte("x")}, codeBadQuery},
		"transactions of nobody":   {ton.GetTransactions{Limit: 1}, codeBadQuery},
		"transaction not there":    {ton.GetTransactions{Limit: 1, AccID: &wallet, LT: 12345, TxHash: make([]byte, 32)}, codeBadQuery},
		"transaction of nobody":    {ton.GetOneTransaction{ID: top}, codeBadQuery},
		"transaction of elsewhere": {ton.GetOneTransaction{ID: head, AccID: &wallet, LT: 5}, codeBadQuery},
		"listing after nothing":    {ton.ListBlockTransactions{ID: top, Mode: listAfter, Count: 1}, codeBadQuery},
		"proof to a shard block":   {ton.GetBlockProof{Mode: 1, KnownBlock: head, TargetBlock: top}, codeBadQuery},
		"proof from nowhere":       {ton.GetBlockProof{}, codeNotFound},
		"shard proof of master":    {ton.GetShardBlockProof{ID: head}, codeBadQuery},
		"no such shard":            {ton.GetShardInfo{ID: head, Workchain: 2, Shard: math.MinInt64}, codeNotFound},
		"message of noise":         {ton.SendMessage{Body: []byte{1, 2}}, codeRefused},
		"no such question":         {ton.GetValidatorStats{ID: head}, codeUnknown},
		"not a question":           {ton.BlockID{}, codeUnknown},
		"nothing at all":           {nil, codeUnknown},
		"wait for too long":        {[]tl.Serializable{wait(1<<30, 1), ton.GetTime{}}, codeTimeout},
		"wait below zero":          {[]tl.Serializable{wait(1<<30, -5), ton.GetTime{}}, codeTimeout},
		"wait for nothing":         {[]tl.Serializable{wait(1, 1)}, codeUnknown},
		"two questions":            {[]tl.Serializable{ton.GetTime{}, ton.GetTime{}}, codeUnknown},
	} {
		require.Equal(t, q.code, ask[ton.LSError](t, c, q.query).Code, name)
	}
	require.Equal(t, int32(codeRefused), ask[ton.LSError](t, c, ton.SendMessage{Body: newRich(t, "stranger").send(t, coins(1), account(1))}).Code)
}

func TestQuery_LooksBlocksUp(t *testing.T) {
	t.Parallel()
	c, _ := traffic(t)
	for _, list := range [][]*block{shardBlocks(c), c.view().history[wholeMasterchain]} {
		for i, b := range list[1:] {
			in := &ton.BlockInfoShort{Workchain: b.id.Workchain, Shard: math.MinInt64}
			require.Equal(t, b.id, ask[ton.BlockHeader](t, c, ton.LookupBlock{Mode: 2, ID: in, LT: b.startLT + 1}).ID)
			require.Equal(t, b.id, ask[ton.BlockHeader](t, c, ton.LookupBlock{Mode: 2, ID: in, LT: list[i].endLT + 1}).ID)
			found := ask[ton.BlockHeader](t, c, ton.LookupBlock{Mode: 4, ID: in, UTime: b.utime}).ID
			require.LessOrEqual(t, found.SeqNo, b.id.SeqNo)
			require.Equal(t, b.utime, list[found.SeqNo].utime)
			in.Seqno = int32(b.id.SeqNo)
			require.Equal(t, b.id, ask[ton.BlockHeader](t, c, ton.LookupBlock{Mode: 1, ID: in}).ID)
		}
	}
}

func TestQuery_ListsTransactionsBothWays(t *testing.T) {
	t.Parallel()
	c, _ := traffic(t)
	b := slices.MaxFunc(shardBlocks(c), func(a, b *block) int { return len(a.txs) - len(b.txs) })
	require.Greater(t, len(b.txs), 3)
	hashes := func(mode, count uint32, after *ton.TransactionID3) (list []string) {
		for _, id := range ask[ton.BlockTransactions](t, c, ton.ListBlockTransactions{ID: b.id, Mode: mode | 7, Count: count, After: after}).TransactionIds {
			list = append(list, string(id.Hash))
		}
		return list
	}
	all := hashes(0, 100, nil)
	backwards := hashes(listReverse, 100, nil)
	require.Len(t, backwards, len(all))
	for i := range all {
		require.Equal(t, all[i], backwards[len(all)-1-i])
		here := &ton.TransactionID3{Account: b.txs[i].account[:], LT: b.txs[i].lt}
		require.Equal(t, all[i+1:], append([]string{}, hashes(listAfter, 100, here)...))
		require.Equal(t, backwards[len(all)-i:], append([]string{}, hashes(listAfter|listReverse, 100, here)...))
	}
	ext := ask[ton.BlockTransactionsExt](t, c, ton.ListBlockTransactionsExt{ID: b.id, Mode: listProof, Count: 2})
	require.True(t, ext.Incomplete)
	require.Len(t, ext.Transactions, 2)
	require.NotEmpty(t, ext.Proof)
	require.Empty(t, ask[ton.TransactionInfo](t, c, ton.GetOneTransaction{ID: b.id, AccID: &ton.AccountID{ID: make([]byte, 32)}, LT: 5}).Transaction)
}

func TestQuery_ProvesShardBlocks(t *testing.T) {
	t.Parallel()
	c, _ := traffic(t)
	for _, b := range shardBlocks(c)[1:] {
		answer := ask[ton.ShardBlockProof](t, c, ton.GetShardBlockProof{ID: b.id})
		proof, err := cell.FromBOC(answer.Links[0].Proof)
		require.NoError(t, err)
		master, err := ton.CheckBlockProof(proof, answer.MasterchainID.RootHash)
		require.NoError(t, err)
		tops, err := ton.LoadShardsFromHashes(master.Extra.Custom.ShardHashes, false)
		require.NoError(t, err)
		require.True(t, tops[0].Equals(answer.Links[0].ID))
		for i, link := range answer.Links[1:] {
			proof, err := cell.FromBOC(link.Proof)
			require.NoError(t, err)
			later, err := ton.CheckBlockProof(proof, answer.Links[i].ID.RootHash)
			require.NoError(t, err)
			parents, err := ton.GetParentBlocks(&later.BlockInfo)
			require.NoError(t, err)
			require.True(t, parents[0].Equals(link.ID))
		}
		require.True(t, answer.Links[len(answer.Links)-1].ID.Equals(b.id))
		require.LessOrEqual(t, len(answer.Links), 2, "two shard blocks to a masterchain block")
	}
	info := ask[ton.ShardInfo](t, c, ton.GetShardInfo{ID: c.Head(), Shard: math.MinInt64})
	require.True(t, info.ShardBlock.Equals(lastShard(c).id))
	var desc tlb.ShardDesc
	require.NoError(t, tlb.Parse(&desc, info.ShardDescription))
	require.Equal(t, info.ShardBlock.RootHash, desc.RootHash)
}

func TestQuery_AnswersTheRest(t *testing.T) {
	t.Parallel()
	c, r := traffic(t)
	head := c.Head()
	ext := ask[ton.MasterchainInfoExt](t, c, ton.GetMasterchainInfoExt{})
	require.True(t, ext.Last.Equals(head))
	require.EqualValues(t, protocolVersion, ask[ton.Version](t, c, ton.GetVersion{}).Version)
	require.Empty(t, ask[ton.LibraryResult](t, c, ton.GetLibraries{}).Result)
	require.NotEmpty(t, ask[ton.ConfigAll](t, c, ton.GetConfigParams{BlockID: head, Params: []int32{8, 9999}}).ConfigProof)
	state := ask[ton.BlockState](t, c, ton.GetState{ID: c.view().zero().id})
	require.Equal(t, c.view().zero().id.FileHash, state.FileHash, "a zerostate is what the global config names")

	run := func(a []byte, method string, params []byte) ton.RunMethodResult {
		return ask[ton.RunMethodResult](t, c, ton.RunSmcMethod{Mode: 4, ID: head, Account: ton.AccountID{ID: a}, MethodID: tlb.MethodNameHash(method), Params: params})
	}
	require.EqualValues(t, 0, run(r.WalletAddress().Data(), "seqno", nil).ExitCode, "no bytes are an empty stack")
	require.EqualValues(t, 11, run(r.WalletAddress().Data(), "no_such_method", nil).ExitCode)
	require.EqualValues(t, exitNoContract, run(account(20).Data(), "seqno", nil).ExitCode)
	require.EqualValues(t, exitNoContract, run(account(200).Data(), "seqno", nil).ExitCode)
}

// FuzzQuery feeds the bytes of queries, as they come over the wire.
func FuzzQuery(f *testing.F) {
	r := newRich(f, "rich")
	c := New(f, byHand, with(r.genesis(f)))
	require.NoError(f, c.Push(r.send(f, coins(1), account(20))))
	require.NoError(f, c.Mine())
	head, top := c.Head(), lastShard(c).id
	a := ton.AccountID{ID: r.WalletAddress().Data()}
	var stack tlb.Stack
	stack.Push(uint64(1))
	params, err := stack.ToCell()
	require.NoError(f, err)
	for _, q := range []tl.Serializable{
		ton.GetMasterchainInf{}, ton.GetMasterchainInfoExt{}, ton.GetVersion{}, ton.GetTime{}, ton.GetBlockData{ID: head}, ton.GetState{ID: top},
		ton.GetBlockHeader{ID: top, Mode: 255}, ton.LookupBlock{Mode: 4, ID: &ton.BlockInfoShort{Workchain: -1, Shard: math.MinInt64}, UTime: 5},
		ton.GetAllShardsInfo{ID: head}, ton.GetShardInfo{ID: head, Shard: math.MinInt64}, ton.GetShardBlockProof{ID: top}, ton.GetBlockProof{KnownBlock: head},
		ton.GetAccountState{ID: head, Account: a}, ton.RunSmcMethod{Mode: 255, ID: head, Account: a, MethodID: tlb.MethodNameHash("seqno"), Params: params.ToBOC()},
		ton.GetTransactions{Limit: 5, AccID: &a, LT: int64(lastShard(c).txs[0].lt), TxHash: lastShard(c).txs[0].hash},
		ton.GetOneTransaction{ID: top, AccID: &a, LT: 1}, ton.ListBlockTransactions{ID: top, Mode: 7 | listProof, Count: 9, WantProof: &ton.True{}},
		ton.ListBlockTransactionsExt{ID: top, Mode: listReverse, Count: 9, ReverseOrder: &ton.True{}, WantProof: &ton.True{}}, ton.GetConfigAll{BlockID: head}, ton.GetConfigParams{BlockID: head, Params: []int32{8}},
		ton.GetLibraries{}, ton.SendMessage{Body: []byte{1}},
	} {
		raw, err := tl.Serialize(q, true)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		query, ok := parseQuery(raw)
		if !ok {
			return
		}
		answer := c.answer(t.Context(), query)
		if e, bad := answer.(ton.LSError); bad {
			require.NotEqual(t, int32(codeInternal), e.Code, "a query panicked: %T", query)
		}
		_, err := tl.Serialize(answer, true)
		require.NoError(t, err, "every answer can be sent")
		c.pool.take()
	})
}

// parseQuery reads what a client may send; a wait would make the fuzzer wait.
func parseQuery(raw []byte) (query tl.Serializable, ok bool) {
	envelope, err := tl.Serialize(liteclient.LiteServerQuery{Data: tl.Raw(raw)}, true)
	if err != nil {
		return nil, false
	}
	var q tl.Serializable
	if _, err = tl.Parse(&q, envelope, true); err != nil {
		return nil, false
	}
	query = q.(liteclient.LiteServerQuery).Data
	_, many := query.([]tl.Serializable)
	return query, !many
}
