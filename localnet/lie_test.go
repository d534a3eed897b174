package localnet

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tonkeeper/tongo/liteapi"
	tongoton "github.com/tonkeeper/tongo/ton"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// verdict is what became of a lie.
type verdict string

const (
	refused  verdict = "refused"  // the client says that something is wrong
	believed verdict = "believed" // the client says what is not so
	ignored  verdict = "ignored"  // the client does not look at what was changed
	unasked  verdict = "unasked"  // the client does not ask what the lie is about
)

type lieCase struct {
	lie      Lie
	about    string
	ask      asking
	verdicts [3]verdict
}

// Columns are what tonutils-go makes of it: unsafe, fast, secure. What breaks a
// proof is refused under secure. The rest no proof of a liteserver can show:
// who needs to know asks otherwise, or another server.
var lieTable = []lieCase{
	{LieHead, "head", askHead, [3]verdict{believed, believed, refused}},
	{LieSignature, "head", askHead, [3]verdict{unasked, unasked, refused}},
	{LieSigner, "head", askHead, [3]verdict{unasked, unasked, refused}},
	{LieState, "account", askAccount, [3]verdict{believed, refused, refused}},
	{LieState, "method", askSeqno, [3]verdict{believed, refused, refused}},
	{LieBalance, "account", askAccount, [3]verdict{refused, refused, refused}},
	// tonutils-go takes a proof that does not reach the account for one of its absence
	{LieAbsent, "account", askAccount, [3]verdict{believed, believed, believed}},
	// no client runs the method again: the proof is of the state it ran on
	{LieResult, "method", askSeqno, [3]verdict{believed, believed, believed}},
	{LieProof, "head", askHead, [3]verdict{unasked, unasked, refused}},
	{LieProof, "account", askAccount, [3]verdict{ignored, refused, refused}},
	{LieProof, "method", askSeqno, [3]verdict{unasked, refused, refused}},
	{LieProof, "header", askHeader, [3]verdict{refused, refused, refused}},
	{LieProof, "shards", askShards, [3]verdict{ignored, refused, refused}},
	{LieProof, "config", askConfig(), [3]verdict{refused, refused, refused}},
	{LieProof, "list", askList, [3]verdict{unasked, refused, refused}},
	{LieProof, "transaction", askOne, [3]verdict{ignored, refused, refused}},
	{LieBlock, "block", askBlock, [3]verdict{refused, refused, refused}},
	{LieHeader, "header", askHeader, [3]verdict{refused, refused, refused}},
	// a block by its number is the server's word; of the masterchain, VerifyProofChain proves it
	{LieLookup, "lookup", askLookup, [3]verdict{believed, believed, believed}},
	{LieShards, "shards", askShards, [3]verdict{believed, refused, refused}},
	{LieConfig, "config", askConfig(), [3]verdict{refused, refused, refused}},
	{LieConfig, "parameters", askConfig(21, 8), [3]verdict{refused, refused, refused}},
	{LieTransaction, "list", askList, [3]verdict{believed, refused, refused}},
	{LieTransaction, "transaction", askOne, [3]verdict{believed, refused, refused}},
	{LieTransaction, "history", askHistory, [3]verdict{refused, refused, refused}},
	{LieGap, "history", askHistory, [3]verdict{refused, refused, refused}},
	// a list that ends early proves each that is in it: only the block itself tells
	{LieOmit, "list", askList, [3]verdict{believed, believed, believed}},
	{LieOmit, "transaction", askOne, [3]verdict{believed, believed, believed}},
	{LieOmit, "history", askHistory, [3]verdict{believed, believed, believed}},
}

func TestLie_WhatBreaksAProofIsRefusedBySecure(t *testing.T) {
	t.Parallel()
	c, s := stage(t)
	order := []ton.ProofCheckPolicy{ton.ProofCheckPolicyUnsafe, ton.ProofCheckPolicyFast, ton.ProofCheckPolicySecure}
	for _, row := range lieTable {
		for i, policy := range order {
			t.Run(fmt.Sprintf("%s/%s/%s", row.lie, row.about, [...]string{"unsafe", "fast", "secure"}[i]), func(t *testing.T) {
				t.Parallel()
				server := serve(t, c, Faults{Lie: row.lie})
				truth, err := row.ask(t.Context(), connect(t, c, policy), s)
				require.NoError(t, err)
				said, err := row.ask(t.Context(), connectTo(t, server.Config(), policy), s)
				require.Equal(t, row.verdicts[i], judge(server, truth, said, err), "%v", err)
			})
		}
	}
}

func judge(server *Server, truth, said string, err error) verdict {
	switch {
	case server.Stats().Lied == 0:
		return unasked
	case err != nil:
		return refused
	case said == truth:
		return ignored
	}
	return believed
}

func TestLie_TheTruthAfterItIsGoodAgain(t *testing.T) {
	t.Parallel()
	c, s := stage(t)
	server := serve(t, c, Faults{Lie: LieSignature})
	api := connectTo(t, server.Config(), ton.ProofCheckPolicySecure)
	_, err := api.GetMasterchainInfo(t.Context())
	require.ErrorContains(t, err, "incorrect signature")
	require.NoError(t, server.SetFaults(Faults{Lie: LieSigner}))
	_, err = api.GetMasterchainInfo(t.Context())
	require.ErrorContains(t, err, "unknown validator")
	require.NoError(t, server.SetFaults(Faults{}))
	require.NoError(t, c.Mine())
	s.head, err = api.GetMasterchainInfo(t.Context())
	require.NoError(t, err)
	_, err = askAccount(t.Context(), api, s)
	require.NoError(t, err)
}

func TestLie_SomeAnswersOnlyWhereTheRateSaysSo(t *testing.T) {
	t.Parallel()
	c, s := stage(t)
	server := serve(t, c, Faults{Lie: LieState, LieRate: 0.5, Only: []string{"getAccountState"}})
	api := connectTo(t, server.Config(), ton.ProofCheckPolicySecure)
	bad := 0
	for range 50 {
		if _, err := askAccount(t.Context(), api, s); err != nil {
			bad++
		}
		_, err := askSeqno(t.Context(), api, s)
		require.NoError(t, err, "the lie is told of accounts only")
	}
	require.Greater(t, bad, 0)
	require.Less(t, bad, 50)
	require.Equal(t, bad, server.Stats().Lied)
}

// tongo's fast policy proves blocks, and takes all else on the server's word.
func TestLie_WhatTongoMakesOfIt(t *testing.T) {
	t.Parallel()
	c, s := stageUntil(t, lasting{t})
	who := tongoton.MustParseAccountID(s.WalletAddress().StringRaw())
	for lie, row := range map[Lie]struct {
		want verdict
		ask  func(*liteapi.Client) (any, error)
	}{
		LieBlock:   {refused, func(api *liteapi.Client) (any, error) { return api.GetBlock(t.Context(), tongoID(s.top)) }},
		LieState:   {believed, func(api *liteapi.Client) (any, error) { return api.GetAccountState(t.Context(), who) }},
		LieBalance: {believed, func(api *liteapi.Client) (any, error) { return api.GetAccountState(t.Context(), who) }},
		LieShards:  {believed, func(api *liteapi.Client) (any, error) { return api.GetAllShardsInfo(t.Context(), tongoID(s.head)) }},
		LieOmit:    {believed, func(api *liteapi.Client) (any, error) { return api.GetLastTransactions(t.Context(), who, 5) }},
		LieProof:   {ignored, func(api *liteapi.Client) (any, error) { return api.GetAllShardsInfo(t.Context(), tongoID(s.head)) }},
	} {
		server := serve(t, c, Faults{Lie: lie})
		truth, err := row.ask(connectTongo(t, c))
		require.NoError(t, err)
		said, err := row.ask(connectTongoTo(t, server.Config()))
		require.Equal(t, row.want, judge(server, fmt.Sprintf("%+v", truth), fmt.Sprintf("%+v", said), err), "%s: %v", lie, err)
	}
}

func TestFaults_AnyQueryHasAnAnswerThatCanBeSent(t *testing.T) {
	t.Parallel()
	c, s := stage(t)
	a := ton.AccountID{ID: s.WalletAddress().Data()}
	queries := []tl.Serializable{nil, []tl.Serializable{}, tl.Raw{1}, ton.GetMasterchainInf{}, ton.GetMasterchainInfoExt{}, ton.GetVersion{}, ton.GetTime{},
		ton.GetBlockProof{}, ton.LookupBlock{}, ton.GetTransactions{}, ton.GetOneTransaction{}, ton.SendMessage{}, ton.GetLibraries{},
		ton.GetTransactions{Limit: 9, AccID: &a, LT: int64(s.account.LastTxLT), TxHash: s.account.LastTxHash},
		ton.GetOneTransaction{ID: s.top, AccID: &a, LT: int64(s.account.LastTxLT)}, ton.GetOneTransaction{ID: s.top, AccID: &a, LT: 1}}
	for _, id := range []*ton.BlockIDExt{nil, c.view().history[wholeMasterchain][0].id, c.view().history[wholeMasterchain][1].id, shardBlocks(c)[1].id, s.head, s.top} {
		queries = append(queries, ton.GetBlockData{ID: id}, ton.GetState{ID: id}, ton.GetBlockHeader{ID: id}, ton.GetAllShardsInfo{ID: id},
			ton.GetShardInfo{ID: id, Shard: math.MinInt64}, ton.GetShardBlockProof{ID: id}, ton.GetBlockProof{KnownBlock: id, TargetBlock: s.head, Mode: 1},
			ton.GetBlockProof{KnownBlock: s.head, TargetBlock: id, Mode: 1}, ton.GetAccountState{ID: id}, ton.GetAccountState{ID: id, Account: a},
			ton.RunSmcMethod{Mode: 255, ID: id, Account: a, MethodID: tlb.MethodNameHash("seqno")}, ton.ListBlockTransactions{ID: id, Mode: 7 | listProof, Count: 9, WantProof: &ton.True{}},
			ton.ListBlockTransactionsExt{ID: id, Mode: listProof, Count: 9, WantProof: &ton.True{}}, ton.GetConfigAll{BlockID: id}, ton.GetConfigParams{BlockID: id, Params: []int32{8, 99}})
	}
	all := []Faults{{LagBlocks: 2}, {ShardLag: 2}, {Lie: LieState, LagBlocks: 2, ShardLag: 2}}
	for _, lie := range Lies() {
		all = append(all, Faults{Lie: lie})
	}
	for _, f := range all {
		server := serve(t, c, f)
		for _, q := range queries {
			answer := server.answer(t.Context(), server.admit(q))
			require.NotNil(t, answer, "%+v: %T", f, q)
			_, err := tl.Serialize(answer, true)
			require.NoError(t, err, "%+v: %T", f, q)
		}
	}
}

func TestLie_SpoilsTheProofOfAShardBlock(t *testing.T) {
	t.Parallel()
	c, s := stage(t)
	server := serve(t, c, Faults{})
	for _, f := range []Faults{{}, {Lie: LieProof}} {
		require.NoError(t, server.SetFaults(f))
		answer := put[ton.ShardBlockProof](t, server, ton.GetShardBlockProof{ID: s.top})
		link := answer.Links[len(answer.Links)-1]
		root := answer.MasterchainID.RootHash
		if len(answer.Links) > 1 {
			root = answer.Links[len(answer.Links)-2].ID.RootHash
		}
		proof, err := cell.FromBOC(link.Proof)
		require.NoError(t, err)
		_, err = ton.CheckBlockProof(proof, root)
		require.Equal(t, f.Lie != "", err != nil, "%v", err)
	}
}

func TestLie_EachHasATest(t *testing.T) {
	t.Parallel()
	for _, lie := range Lies() {
		listed := slices.ContainsFunc(lieTable, func(row lieCase) bool { return row.lie == lie })
		require.True(t, listed || lie == LieSent, "%s", lie)
	}
}

func TestLie_AMessageConfirmedAndForgottenIsInNoBlock(t *testing.T) {
	t.Parallel()
	c, s := stage(t)
	server := serve(t, c, Faults{Lie: LieSent})
	api := connectTo(t, server.Config(), ton.ProofCheckPolicySecure)
	message := s.send(t, coins(1), account(99))
	send := func() {
		var external tlb.ExternalMessage
		root, err := cell.FromBOC(message)
		require.NoError(t, err)
		require.NoError(t, tlb.Parse(&external, root))
		require.NoError(t, api.SendExternalMessage(t.Context(), &external))
		require.NoError(t, c.Mine())
	}
	send()
	require.Zero(t, balance(t, c, account(99)).Sign())
	require.Equal(t, 1, server.Stats().Lied)
	require.NoError(t, server.SetFaults(Faults{}))
	send()
	require.Positive(t, balance(t, c, account(99)).Sign())
}

func TestLie_LeavesTheChainAsItIs(t *testing.T) {
	t.Parallel()
	c, s := stage(t)
	for _, row := range lieTable {
		server := serve(t, c, Faults{Lie: row.lie})
		_, _ = row.ask(t.Context(), connectTo(t, server.Config(), ton.ProofCheckPolicyFast), s)
	}
	requireSound(t, c)
	api := connect(t, c, ton.ProofCheckPolicySecure)
	for _, row := range lieTable {
		_, err := row.ask(t.Context(), api, s)
		require.NoError(t, err, row.about)
	}
}

func serve(t *testing.T, c *Chain, f Faults) *Server {
	t.Helper()
	s, err := c.Serve(f)
	require.NoError(t, err)
	return s
}

// stage is a chain with some history, and what to ask about it.
func stage(t *testing.T) (*Chain, scene) {
	t.Helper()
	return stageUntil(t, t)
}

func stageUntil(t *testing.T, until TB) (*Chain, scene) {
	t.Helper()
	c, r := trafficUntil(t, until)
	s := scene{rich: r, head: c.Head()}
	api := connect(t, c, ton.ProofCheckPolicyFast)
	var err error
	s.account, err = api.GetAccount(t.Context(), s.head, r.WalletAddress())
	require.NoError(t, err)
	for _, b := range shardBlocks(c) {
		if _, ok := b.transaction(accountID(r.WalletAddress().Data()), s.account.LastTxLT); ok {
			s.top = b.id
		}
	}
	require.NotNil(t, s.top)
	return c, s
}
