package sandboxtests

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/wrappers"
)

// crowdBooks reads every transaction of a local chain out of its blocks and
// keeps an account of each contract, and of all there is.
type crowdBooks struct {
	t      *testing.T
	chain  *localnet.Chain
	client *chain.Client
	ours   map[cocoon.Account]*page
	supply *big.Int // at the beginning
	fees   *big.Int // of every transaction and message so far
	done   map[string]int
	held   map[cocoon.Account]int64

	seqno       uint32 // of the newest basechain block read
	blocks, txs int
}

// page is one contract's account, in nanoTON.
type page struct {
	kind                       wrappers.Kind
	payees                     []cocoon.Account // nobody else may be sent anything; none for anybody
	received, sent, fees, home int64            // home: what rules paid out, change apart
}

// crowdBalance is where all the money of the chain is in the end.
type crowdBalance struct {
	Supply   string `json:"supply_nano"`
	Held     string `json:"held_nano"`
	Fees     string `json:"fees_nano"`
	Received string `json:"contracts_received_nano"`
	Sent     string `json:"contracts_sent_nano"`
	Burnt    string `json:"contracts_fees_nano"`
	Kept     string `json:"contracts_hold_nano"`
}

func newCrowdBooks(t *testing.T, c *localnet.Chain, client *chain.Client) *crowdBooks {
	t.Helper()
	b := &crowdBooks{t: t, chain: c, client: client, ours: map[cocoon.Account]*page{}, fees: new(big.Int), done: map[string]int{}}
	b.seqno = b.top().SeqNo
	b.supply = b.count()
	return b
}

// open begins the account of a contract.
func (b *crowdBooks) open(a cocoon.Account, kind wrappers.Kind, payees ...cocoon.Account) {
	b.ours[a] = &page{kind: kind, payees: payees}
}

// count takes stock of all accounts and returns their sum.
func (b *crowdBooks) count() *big.Int {
	b.t.Helper()
	sum := new(big.Int)
	b.held = map[cocoon.Account]int64{}
	b.chain.Accounts(func(a *address.Address, nano *big.Int) bool {
		if a.Workchain() != 0 {
			return true
		}
		id, err := chain.AccountOf(a)
		require.NoError(b.t, err)
		sum.Add(sum, nano)
		b.held[id] = nano.Int64()
		return true
	})
	return sum
}

// top is the newest basechain block that the masterchain commits to.
func (b *crowdBooks) top() *chain.BlockID {
	b.t.Helper()
	tops, err := b.client.ShardTops(b.t.Context(), b.chain.Head())
	require.NoError(b.t, err)
	require.Len(b.t, tops, 1)
	return tops[0]
}

// catchUp books every block since the last that was read, newest first.
func (b *crowdBooks) catchUp() {
	b.t.Helper()
	newest := b.top()
	for id := newest; id.SeqNo > b.seqno; {
		boc, err := b.chain.Block(id)
		require.NoError(b.t, err)
		root, err := cell.FromBOC(boc)
		require.NoError(b.t, err)
		var block tlb.Block
		require.NoError(b.t, tlb.Parse(&block, root))
		txs, err := block.ListTransactions()
		require.NoError(b.t, err)
		for _, tx := range txs {
			b.book(tx)
		}
		b.blocks, b.txs = b.blocks+1, b.txs+len(txs)
		before := block.BlockInfo.PrevRef.Prev1
		id = &chain.BlockID{Workchain: id.Workchain, Shard: id.Shard, SeqNo: before.SeqNo, RootHash: before.RootHash, FileHash: before.FileHash}
	}
	b.seqno = newest.SeqNo
}

// book adds one transaction, of whomever.
func (b *crowdBooks) book(tx *tlb.Transaction) {
	b.t.Helper()
	out := b.outOf(tx)
	spent := tx.TotalFees.Coins.Nano()
	for _, m := range out {
		spent.Add(spent, m.FwdFee.Nano())
	}
	b.fees.Add(b.fees, spent)
	p := b.ours[cocoon.Account(tx.AccountAddr)]
	if p == nil {
		return
	}
	d, ok := tx.Description.(tlb.TransactionDescriptionOrdinary)
	require.True(b.t, ok, "transaction is %T", tx.Description)
	in := tx.IO.In.AsInternal()
	name := string(p.kind) + "/" + wrappers.OperationName(in.Body)
	require.False(b.t, d.Aborted, "%s was refused", name)
	b.done[name]++
	p.fees += spent.Int64()
	p.received += in.Amount.Nano().Int64()
	for _, m := range out {
		p.send(b.t, name, m)
	}
}

func (p *page) send(t *testing.T, name string, m *tlb.InternalMessage) {
	t.Helper()
	to, err := chain.AccountOf(m.DstAddr)
	require.NoError(t, err)
	p.sent += m.Amount.Nano().Int64()
	switch wrappers.OperationName(m.Body) {
	case "payout":
		require.Contains(t, p.payees, to, "%s pays a stranger", name)
		p.home += m.Amount.Nano().Int64()
	case "excesses": // to whomever the sender named
	case "request_terms", "terms":
	default:
		require.Failf(t, "unexpected message", "%s sends %s", name, wrappers.OperationName(m.Body))
	}
}

// outOf are the internal messages that a transaction sent.
func (b *crowdBooks) outOf(tx *tlb.Transaction) (out []*tlb.InternalMessage) {
	b.t.Helper()
	if tx.IO.Out == nil {
		return nil
	}
	all, err := tx.IO.Out.ToSlice()
	require.NoError(b.t, err)
	for i := range all {
		if m, ok := all[i].Msg.(*tlb.InternalMessage); ok {
			out = append(out, m)
		}
	}
	return out
}

// reconcile wants no nanoTON to have come or gone, in the chain as a whole and
// in each contract.
func (b *crowdBooks) reconcile() crowdBalance {
	b.t.Helper()
	b.catchUp()
	held := b.count()
	require.Equal(b.t, b.supply.String(), new(big.Int).Add(held, b.fees).String(), "supply = balances + fees")
	var all page
	var kept int64
	for a, p := range b.ours {
		require.Equal(b.t, p.received, p.sent+p.fees+b.held[a], "received = sent + fees + held, of %s %s", p.kind, a)
		all.received, all.sent, all.fees, kept = all.received+p.received, all.sent+p.sent, all.fees+p.fees, kept+b.held[a]
	}
	text := func(n int64) string { return big.NewInt(n).String() }
	return crowdBalance{Supply: b.supply.String(), Held: held.String(), Fees: b.fees.String(), Received: text(all.received), Sent: text(all.sent), Burnt: text(all.fees), Kept: text(kept)}
}

// requireOperations wants exactly these transactions at our contracts.
func (b *crowdBooks) requireOperations(want map[string]int) {
	b.t.Helper()
	require.Equal(b.t, want, b.done)
}

// requireHome wants every contract of that kind to have paid its owner at least so much.
func (b *crowdBooks) requireHome(kind wrappers.Kind, least cocoon.Nano) {
	b.t.Helper()
	for a, p := range b.ours {
		if p.kind == kind {
			require.GreaterOrEqual(b.t, p.home, least.Big().Int64(), "%s %s", kind, a)
		}
	}
}
