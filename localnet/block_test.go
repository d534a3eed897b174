package localnet

import (
	"bytes"
	"fmt"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tonkeeper/tongo/boc"
	tongotlb "github.com/tonkeeper/tongo/tlb"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func newIDOf(t testing.TB, raw []byte) *ton.BlockIDExt {
	t.Helper()
	root, err := cell.FromBOC(raw)
	require.NoError(t, err)
	return newID(0, 0, root, raw)
}

// requireSound checks every block of a chain as a stranger would.
func requireSound(t testing.TB, c *Chain) {
	t.Helper()
	v := c.view()
	supply := new(big.Int)
	for _, list := range [][]*block{v.shard, v.master} {
		for i, b := range list[1:] {
			requireSoundBlock(t, list[i], b)
		}
	}
	total, err := totalBalance(v.shard[0].accounts)
	require.NoError(t, err)
	supply.Add(supply, total)
	for _, b := range v.master[1:] {
		now, err := totalBalance(b.top.accounts)
		require.NoError(t, err)
		now = sum(now, b.validatorFees, queued(t, b.top))
		require.Equal(t, supply.String(), now.String(), "coins in balances, fees and queue at masterchain block %d", b.id.SeqNo)
	}
}

// queued is the value of all messages that wait in the queue after a block.
func queued(t testing.TB, b *block) *big.Int {
	t.Helper()
	var state tlb.ShardStateUnsplit
	require.NoError(t, tlb.Parse(&state, b.state))
	box, err := loadOutbox(state.OutMsgQueueInfo)
	require.NoError(t, err)
	items, err := box.queue.Range(false, false)
	require.NoError(t, err)
	total := new(big.Int)
	for _, item := range items {
		var m tlb.EnqueuedMsg
		require.NoError(t, tlb.LoadFromCell(&m, item.Value))
		var e tlb.MsgEnvelope
		require.NoError(t, tlb.Parse(&e, m.Msg))
		var im tlb.InternalMessage
		require.NoError(t, tlb.Parse(&im, e.Msg))
		total = sum(total, im.Amount.Nano(), e.FwdFeeRemaining.Nano())
	}
	return total
}

// requireSoundBlock parses a block with another library and adds it up.
func requireSoundBlock(t testing.TB, previous, b *block) {
	t.Helper()
	name := fmt.Sprintf("block %d of workchain %d", b.id.SeqNo, b.id.Workchain)
	require.Equal(t, newIDOf(t, b.boc).FileHash, b.id.FileHash, name)
	require.Greater(t, b.startLT, previous.endLT, name)
	require.GreaterOrEqual(t, b.utime, previous.utime, name)

	cells, err := boc.DeserializeBoc(b.boc)
	require.NoError(t, err, name)
	var block tongotlb.Block
	require.NoError(t, tongotlb.Unmarshal(cells[0], &block), name)
	require.Equal(t, previous.id.RootHash, block.Info.PrevRef.PrevBlkInfo.Prev.RootHash[:], name)
	in, err := block.Extra.InMsgDescr()
	require.NoError(t, err, name)
	out, err := block.Extra.OutMsgDescr()
	require.NoError(t, err, name)
	txs := block.AllTransactions()
	require.Len(t, txs, len(b.txs), name)
	require.Len(t, in.Keys(), len(txs), "every transaction has a message that came in: %s", name)
	sent := 0
	for _, tx := range txs {
		require.True(t, tx.Lt > b.startLT && tx.Lt < b.endLT, name)
		sent += int(tx.OutMsgCnt)
	}
	require.GreaterOrEqual(t, len(out.Keys()), sent, name)

	f := block.ValueFlow
	from := sum(grams(f.FromPrevBlk), grams(f.Imported), grams(f.FeesImported), grams(f.Created), grams(f.Minted), grams(f.Recovered))
	to := sum(grams(f.ToNextBlk), grams(f.Exported), grams(f.FeesCollected))
	require.Equal(t, from.String(), to.String(), name)
	before, err := totalBalance(previous.accounts)
	require.NoError(t, err)
	after, err := totalBalance(b.accounts)
	require.NoError(t, err)
	require.Equal(t, []string{before.String(), after.String()}, []string{grams(f.FromPrevBlk).String(), grams(f.ToNextBlk).String()}, name)

	update := b.root.MustPeekRef(2)
	require.NoError(t, cell.ValidateMerkleUpdate(update), name)
	state, _, err := cell.ApplyMerkleUpdate(previous.state, update)
	require.NoError(t, err, name)
	require.Equal(t, b.state.Hash(), state.Hash(), name)
	var parsed tongotlb.ShardStateUnsplit
	cells, err = boc.DeserializeBoc(b.state.ToBOC())
	require.NoError(t, err, name)
	require.NoError(t, tongotlb.Unmarshal(cells[0], &parsed), name)
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
	require.Len(t, after.master, len(before.master)+1)
	require.Len(t, after.shard, len(before.shard)+3, "three basechain blocks under one masterchain block")
	for _, b := range after.shard[len(before.shard):] {
		require.NotEmpty(t, b.txs, "each has a part of the messages")
	}
	require.NoError(t, c.Mine())
	require.Len(t, c.view().shard, len(after.shard)+1, "an empty round needs one block")
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
		require.LessOrEqual(t, len(c.view().lastShard().txs), 11)
		require.Positive(t, queued(t, c.view().lastShard()).Sign(), "two messages fly back and forth")
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
	for _, b := range c.view().shard {
		for _, tx := range b.txs {
			if tx.account == accountID(account(9).Data()) {
				require.Greater(t, tx.lt, last)
				last, count = tx.lt, count+1
			}
		}
	}
	require.Greater(t, count, 20)
}

func TestBlocks_RefuseMessagesOutOfTheBasechain(t *testing.T) {
	t.Parallel()
	r, elsewhere := newRich(t, "rich"), address.NewAddress(0, 255, bytes.Repeat([]byte{1}, 32))
	c := New(t, byHand, with(r.genesis(t), contract(t, 7, passOn, account(8)), contract(t, 8, passOn, elsewhere)))
	before := balance(t, c, r.WalletAddress())
	require.ErrorIs(t, c.Push(r.send(t, coins(1), elsewhere)), errForeign)
	r.seqno = 0
	require.ErrorIs(t, c.Push(r.send(t, coins(1), account(7))), errForeign, "however far down the line")
	require.NoError(t, c.Mine())
	require.Equal(t, before, balance(t, c, r.WalletAddress()), "a refusal changes nothing")

	// the block maker keeps out what gets past the gate, and the rest goes on
	r.seqno = 0
	bad, err := cell.FromBOC(r.send(t, coins(1), account(7)))
	require.NoError(t, err)
	require.NoError(t, c.pool.add(bad))
	r.seqno = 0
	require.NoError(t, c.Push(r.send(t, coins(2), account(50))))
	require.NoError(t, c.Mine())
	require.Positive(t, balance(t, c, account(50)).Sign())
	require.Equal(t, coins(1), balance(t, c, account(7)))

	// what comes out of the queue stays in the queue
	c.making.Lock()
	c.deliveries = 1
	c.making.Unlock()
	require.NoError(t, c.pool.add(bad2(t, r)))
	for range 4 {
		require.NoError(t, c.Mine())
		requireSound(t, c)
	}
	require.Positive(t, queued(t, c.view().lastShard()).Sign())
}

// bad2 is the second transfer of a wallet to a contract that sends it on.
func bad2(t testing.TB, r *rich) *cell.Cell {
	t.Helper()
	r.seqno = 1
	c, err := cell.FromBOC(r.send(t, coins(1), account(7)))
	require.NoError(t, err)
	return c
}

func TestBlocks_RefuseTheDeletionExecutorsDisagreeAbout(t *testing.T) {
	t.Parallel()
	r := newRich(t, "rich")
	c := New(t, byHand, with(r.genesis(t), contract(t, 7, deleteAndFail, account(9)), contract(t, 8, deleteSelf, account(9))))
	require.ErrorIs(t, c.Push(r.send(t, coins(1), account(7))), errDestroyed)
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
	require.NoError(t, tlb.Parse(&state, v.last().state))
	var extra tlb.McStateExtra
	require.NoError(t, tlb.Parse(&extra, state.McStateExtra))
	var info tlb.McStateExtraBlockInfo
	require.NoError(t, tlb.Parse(&info, extra.Info))
	require.EqualValues(t, keyBlock, info.LastKeyBlock.SeqNo)
	for _, b := range v.master[:len(v.master)-1] {
		value, err := info.PrevBlocks.LoadValueByIntKey(big.NewInt(int64(b.id.SeqNo)))
		require.NoError(t, err)
		var entry tlb.KeyExtBlkRef
		require.NoError(t, tlb.LoadFromCell(&entry, value))
		require.Equal(t, b.ref(), entry.BlkRef)
		require.Equal(t, b.key, entry.IsKey)
	}
}
