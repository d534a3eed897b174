package localnet

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tonkeeper/tongo/boc"
	tongotlb "github.com/tonkeeper/tongo/tlb"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func newIDOf(t testing.TB, raw []byte) *ton.BlockIDExt {
	t.Helper()
	root, err := cell.FromBOC(raw)
	require.NoError(t, err)
	return newID(wholeBasechain, 0, root, raw)
}

// requireSound checks every block of a chain as a stranger would.
func requireSound(t testing.TB, c *Chain) {
	t.Helper()
	v := c.view()
	for shard, list := range v.history {
		for _, b := range list {
			if b.root != nil {
				requireSoundBlock(t, v, b)
				require.Equal(t, shard, b.shard)
			}
		}
	}
	supply := allCoins(t, v, v.zero())
	for _, b := range v.history[wholeMasterchain] {
		now := allCoins(t, v, b)
		for _, top := range b.tops {
			now.Sub(now, top.made)
		}
		now.Sub(now, b.made)
		require.Equal(t, supply.String(), now.String(), "coins in balances, fees and queues at masterchain block %d", b.id.SeqNo)
		supply = allCoins(t, v, b)
	}
}

// allCoins are those of accounts, fees and messages on their way as of a
// masterchain block. A message that was brought in already is nobody's.
func allCoins(t testing.TB, v view, master *block) *big.Int {
	t.Helper()
	blocks, total := []*block{master}, new(big.Int)
	for _, top := range master.tops {
		blocks = append(blocks, top.block)
	}
	for _, b := range blocks {
		balance, err := totalBalance(b.accounts)
		require.NoError(t, err)
		total = sum(total, balance)
		if b.shard == wholeMasterchain {
			total = sum(total, b.validatorFees)
		}
		for _, l := range b.queue {
			if !brought(v, master, l, blocks) {
				total = sum(total, l.msg.Amount.Nano(), l.stamp.fee.Nano())
			}
		}
	}
	return total
}

// brought tells whether the shard that a message goes to has it already.
func brought(v view, master *block, l letter, blocks []*block) bool {
	ended := func(seqno uint32, p place) uint64 {
		if seqno == master.id.SeqNo {
			return master.endLTOf(p)
		}
		return v.ended(seqno, p)
	}
	return slices.ContainsFunc(blocks, func(b *block) bool { return b.shard.contains(l.next()) && b.marks.processed(l, ended) })
}

// queued is the value of all messages that wait in the queue after a block.
func queued(t testing.TB, b *block) *big.Int {
	t.Helper()
	var state tlb.ShardStateUnsplit
	require.NoError(t, tlb.Parse(&state, b.state))
	queue, marks, err := loadQueue(b.shard.workchain, state.OutMsgQueueInfo)
	require.NoError(t, err)
	require.Len(t, queue, len(b.queue))
	require.ElementsMatch(t, marks, b.marks)
	total := new(big.Int)
	for i, l := range queue {
		require.Equal(t, l.envelope.Hash(), b.queue[i].envelope.Hash(), "the queue in memory is that of the state")
		total = sum(total, l.msg.Amount.Nano(), l.stamp.fee.Nano())
	}
	return total
}

// requireSoundBlock parses a block with another library and adds it up.
func requireSoundBlock(t testing.TB, v view, b *block) {
	t.Helper()
	name := fmt.Sprintf("block %d of shard %s", b.id.SeqNo, b.shard)
	base := baseOf(t, v, b)
	previous := base.previous[0]
	require.Equal(t, newIDOf(t, b.boc).FileHash, b.id.FileHash, name)
	require.Greater(t, b.startLT, previous.endLT, name)
	require.GreaterOrEqual(t, b.utime, previous.utime, name)

	cells, err := boc.DeserializeBoc(b.boc)
	require.NoError(t, err, name)
	var block tongotlb.Block
	require.NoError(t, tongotlb.Unmarshal(cells[0], &block), name)
	if !b.flags.afterMerge {
		require.Equal(t, previous.id.RootHash, block.Info.PrevRef.PrevBlkInfo.Prev.RootHash[:], name)
	}
	in, err := block.Extra.InMsgDescr()
	require.NoError(t, err, name)
	out, err := block.Extra.OutMsgDescr()
	require.NoError(t, err, name)
	txs := block.AllTransactions()
	require.Len(t, txs, len(b.txs), name)
	sent, ticks := 0, 0
	for _, tx := range txs {
		if tx.Description.SumType == "TransTickTock" {
			ticks++
		}
		require.True(t, tx.Lt > b.startLT && tx.Lt < b.endLT, name)
		sent += int(tx.OutMsgCnt)
	}
	require.Len(t, in.Keys(), len(txs)-ticks, "every transaction has a message that came in: %s", name)
	require.GreaterOrEqual(t, len(out.Keys()), sent, name)

	f := block.ValueFlow
	from := sum(grams(f.FromPrevBlk), grams(f.Imported), grams(f.FeesImported), grams(f.Created), grams(f.Minted), grams(f.Recovered))
	to := sum(grams(f.ToNextBlk), grams(f.Exported), grams(f.FeesCollected))
	if f.Burned != nil {
		to = sum(to, grams(*f.Burned))
	}
	require.Equal(t, from.String(), to.String(), name)
	before, err := totalBalance(base.accounts)
	require.NoError(t, err)
	after, err := totalBalance(b.accounts)
	require.NoError(t, err)
	require.Equal(t, []string{before.String(), after.String()}, []string{grams(f.FromPrevBlk).String(), grams(f.ToNextBlk).String()}, name)

	update := b.root.MustPeekRef(2)
	require.NoError(t, cell.ValidateMerkleUpdate(update), name)
	state, _, err := cell.ApplyMerkleUpdate(base.state(), update)
	require.NoError(t, err, name)
	require.Equal(t, b.state.Hash(), state.Hash(), name)
	var parsed tongotlb.ShardStateUnsplit
	cells, err = boc.DeserializeBoc(b.state.ToBOC())
	require.NoError(t, err, name)
	require.NoError(t, tongotlb.Unmarshal(cells[0], &parsed), name)
}

// baseOf is what a block began from.
func baseOf(t testing.TB, v view, b *block) *base {
	t.Helper()
	if b.flags.afterMerge {
		var h tlb.BlockHeader
		require.NoError(t, tlb.Parse(&h, b.root.MustPeekRef(0)))
		left, right := v.history.find(b.shard.child(false), h.PrevRef.Prev1.SeqNo), v.history.find(b.shard.child(true), h.PrevRef.Prev2.SeqNo)
		require.Equal(t, [][]byte{h.PrevRef.Prev1.RootHash, h.PrevRef.Prev2.RootHash}, [][]byte{left.id.RootHash, right.id.RootHash})
		base, err := join(left, right, nil)
		require.NoError(t, err)
		return base
	}
	if b.flags.afterSplit {
		base, err := half(v.history.find(b.shard.parent(), b.id.SeqNo-1), b.shard.isRight(), nil)
		require.NoError(t, err)
		return base
	}
	return after(v.history.find(b.shard, b.id.SeqNo-1), nil)
}

func grams(c tongotlb.CurrencyCollection) *big.Int {
	return new(big.Int).SetUint64(uint64(c.Grams))
}

func TestBlocks_AreSoundUnderTraffic(t *testing.T) {
	t.Parallel()
	r := newRich(t, "rich")
	c := New(t, byHand, with(r.genesis(t), contract(t, 7, passOn, account(8)), contract(t, 8, passOn, account(9))))
	for i := range 12 {
		require.NoError(t, c.Push(r.send(t, coins(1), account(7), account(byte(i)+20), account(7))))
		require.NoError(t, c.Mine())
	}
	requireSound(t, c)
	require.Positive(t, balance(t, c, account(9)).Sign())
}

func TestBlocks_SpreadWaitingMessagesOverShardBlocks(t *testing.T) {
	t.Parallel()
	var all []*rich
	options := []func(*Config){byHand, func(c *Config) { c.ShardBlocks = 3 }}
	for i := range 7 {
		r := newRich(t, fmt.Sprint("rich", i))
		all, options = append(all, r), append(options, with(r.genesis(t)))
	}
	c := New(t, options...)
	before := c.view()
	for i, r := range all {
		require.NoError(t, c.Push(r.send(t, coins(1), account(byte(i)+20))))
	}
	require.NoError(t, c.Mine())
	after := c.view()
	require.Equal(t, before.head.id.SeqNo+1, after.head.id.SeqNo)
	require.Len(t, after.history[wholeBasechain], len(before.history[wholeBasechain])+3, "three basechain blocks under one masterchain block")
	for _, b := range after.history[wholeBasechain][len(before.history[wholeBasechain]):] {
		require.NotEmpty(t, b.txs, "each has a part of the messages")
	}
	require.NoError(t, c.Mine())
	require.Len(t, shardBlocks(c), len(after.history[wholeBasechain])+1, "an empty round needs one block")
	requireSound(t, c)

	// a client that walks back from shard tops finds each transaction once
	api := connect(t, c, ton.ProofCheckPolicyFast)
	seen := map[string]int{}
	master, err := api.GetMasterchainInfo(t.Context())
	require.NoError(t, err)
	tops, err := api.GetBlockShardsInfo(t.Context(), master)
	require.NoError(t, err)
	for id := tops[0]; id.SeqNo > 0; {
		block, err := api.GetBlockData(t.Context(), id)
		require.NoError(t, err)
		txs, err := block.ListTransactions()
		require.NoError(t, err)
		for _, tx := range txs {
			seen[string(tx.Hash)]++
		}
		parents, err := ton.GetParentBlocks(&block.BlockInfo)
		require.NoError(t, err)
		id = parents[0]
	}
	require.Len(t, seen, len(transactions(t, c)))
	require.Len(t, seen, 14, "seven wallets and seven receivers")
	for _, times := range seen {
		require.Equal(t, 1, times)
	}
}

func TestBlocks_DeliverInTheOrderOfSending(t *testing.T) {
	t.Parallel()
	r := newRich(t, "rich")
	c := New(t, byHand, with(r.genesis(t), contract(t, 7, passOn, account(8)), contract(t, 8, passOn, account(9))))
	require.NoError(t, c.Push(r.send(t, coins(1), account(7), account(8), account(7), account(8))))
	require.NoError(t, c.Mine())
	last, received := map[string]uint64{}, 0
	for _, tx := range transactions(t, c) {
		if tx.IO.In.MsgType != tlb.MsgTypeInternal {
			continue
		}
		received++
		in := tx.IO.In.AsInternal()
		require.Greater(t, tx.LT, in.CreatedLT)
		require.Greater(t, in.CreatedLT, last[in.DstAddr.String()], "messages to one account are processed as they were sent")
		last[in.DstAddr.String()] = in.CreatedLT
	}
	require.Equal(t, 4+2+4, received)
}

func TestBlocks_LeaveWhatIsTooMuchToTheNext(t *testing.T) {
	t.Parallel()
	r := newRich(t, "rich")
	c := New(t, byHand, with(r.genesis(t), contract(t, 7, passOn, account(8)), contract(t, 8, passOn, account(7))))
	c.making.Lock()
	c.deliveries = 10
	c.making.Unlock()
	require.NoError(t, c.Push(r.send(t, coins(1), account(7), account(7))))
	for range 6 {
		require.NoError(t, c.Mine())
		require.LessOrEqual(t, len(lastShard(c).txs), 11)
		require.Positive(t, queued(t, lastShard(c)).Sign(), "two messages fly back and forth")
		requireSound(t, c)
	}
	other := newRich(t, "rich")
	other.seqno = 1
	require.NoError(t, c.Push(other.send(t, coins(2), account(33))))
	for range 2 {
		require.NoError(t, c.Mine())
	}
	require.Equal(t, coins(2), balance(t, c, account(33)), "others are not kept waiting")
	type mark struct {
		from string
		lt   uint64
	}
	seen := map[mark]bool{}
	for _, tx := range transactions(t, c) {
		if tx.IO.In.MsgType != tlb.MsgTypeInternal {
			continue
		}
		m := mark{tx.IO.In.AsInternal().SrcAddr.String(), tx.IO.In.AsInternal().CreatedLT}
		require.False(t, seen[m], "nothing is delivered twice")
		seen[m] = true
	}
}

func TestBlocks_TellTransactionsOfAMissingAccountApart(t *testing.T) {
	t.Parallel()
	r := newRich(t, "rich")
	c := New(t, byHand, with(r.genesis(t), contract(t, 7, passOnBouncing, account(8)), contract(t, 8, passOnBouncing, account(9))))
	c.making.Lock()
	c.deliveries = 9
	c.making.Unlock()
	// account 9 does not exist and stays so: everything bounces
	require.NoError(t, c.Push(r.send(t, coins(1), account(7), account(7), account(8), account(8))))
	for range 20 {
		require.NoError(t, c.Mine())
	}
	requireSound(t, c)
	last, count := uint64(0), 0
	for _, b := range shardBlocks(c) {
		for _, tx := range b.txs {
			if tx.account == accountID(account(9).Data()) {
				require.Greater(t, tx.lt, last)
				last, count = tx.lt, count+1
			}
		}
	}
	require.Greater(t, count, 20)
}

func TestBlocks_RefuseTheDeletionExecutorsDisagreeAbout(t *testing.T) {
	t.Parallel()
	r := newRich(t, "rich")
	c := New(t, byHand, with(r.genesis(t), contract(t, 7, deleteAndFail, account(9)), contract(t, 8, deleteSelf, account(9))))
	before := balance(t, c, r.WalletAddress())
	require.NoError(t, c.Push(r.send(t, coins(1), account(7))))
	require.NoError(t, c.Mine())
	require.Equal(t, before, balance(t, c, r.WalletAddress()), "what would lead there is left out")
	r.seqno = 0
	require.NoError(t, c.Push(r.send(t, coins(1), account(8))), "a plain deletion is fine")
	require.NoError(t, c.Mine())
	require.Zero(t, balance(t, c, account(8)).Sign())
	require.NoError(t, c.Push(r.send(t, coins(1), account(8))), "and the address lives on")
	require.NoError(t, c.Mine())
	require.Positive(t, balance(t, c, account(8)).Sign())
	requireSound(t, c)
}

func TestBlockLog_KnowsEveryMasterBlock(t *testing.T) {
	t.Parallel()
	c := New(t, byHand)
	for range 5 {
		require.NoError(t, c.Mine())
	}
	v := c.view()
	var state tlb.ShardStateUnsplit
	require.NoError(t, tlb.Parse(&state, v.head.state))
	var extra tlb.McStateExtra
	require.NoError(t, tlb.Parse(&extra, state.McStateExtra))
	var info tlb.McStateExtraBlockInfo
	require.NoError(t, tlb.Parse(&info, extra.Info))
	require.EqualValues(t, firstKey, info.LastKeyBlock.SeqNo)
	for _, b := range v.history[wholeMasterchain][:v.head.id.SeqNo] {
		value, err := info.PrevBlocks.LoadValueByIntKey(big.NewInt(int64(b.id.SeqNo)))
		require.NoError(t, err)
		var entry tlb.KeyExtBlkRef
		require.NoError(t, tlb.LoadFromCell(&entry, value))
		require.Equal(t, b.ref(), entry.BlkRef)
		require.Equal(t, b.key, entry.IsKey)
	}
}
