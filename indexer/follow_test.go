package indexer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// headers is a chain of nothing but block headers, which a split and a merge
// can be drawn with; the local chain has one shard only.
type headers map[blockKey]*tlb.Block

func (h headers) Block(_ context.Context, id *ton.BlockIDExt) (*tlb.Block, error) {
	if b := h[keyOf(id)]; b != nil {
		return b, nil
	}
	return nil, cocoon.NotFound.Errorf("block %d", id.SeqNo)
}

func (headers) WaitSeqno(context.Context, uint32) (*ton.BlockIDExt, error) { panic("not asked") }

func (headers) Transactions(context.Context, cocoon.Account, uint64, [32]byte, int) ([]*tlb.Transaction, error) {
	panic("not asked")
}

func (headers) AccountAt(context.Context, *ton.BlockIDExt, cocoon.Account) (chain.Account, error) {
	panic("not asked")
}

const (
	whole = uint64(1) << 63
	left  = whole >> 1
	right = whole | whole>>1
)

// add draws a block of that shard after parents, at a logical time that is its seqno.
func (h headers) add(shard uint64, seqno uint32, parents ...*ton.BlockIDExt) *ton.BlockIDExt {
	root := sha256.Sum256(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, shard), seqno))
	id := &ton.BlockIDExt{Workchain: 0, Shard: int64(shard), SeqNo: seqno, RootHash: root[:], FileHash: root[:]}
	b := &tlb.Block{}
	b.BlockInfo.SeqNo, b.BlockInfo.StartLt = seqno, uint64(seqno)
	b.BlockInfo.Shard = tlb.ShardIdent{PrefixBits: 0, WorkchainID: 0, ShardPrefix: 0}
	if shard != whole {
		b.BlockInfo.Shard = tlb.ShardIdent{PrefixBits: 1, WorkchainID: 0, ShardPrefix: shard &^ left}
	}
	b.BlockInfo.AfterSplit = shard != whole && uint64(parents[0].Shard) == whole
	b.BlockInfo.AfterMerge = len(parents) == 2
	b.BlockInfo.PrevRef.Prev1 = refOf(parents[0])
	if len(parents) == 2 {
		second := refOf(parents[1])
		b.BlockInfo.PrevRef.Prev2 = &second
	}
	h[keyOf(id)] = b
	return id
}

func refOf(id *ton.BlockIDExt) tlb.ExtBlkRef {
	return tlb.ExtBlkRef{SeqNo: id.SeqNo, RootHash: id.RootHash, FileHash: id.FileHash}
}

func knows(ids ...*ton.BlockIDExt) map[blockKey]bool {
	known := map[blockKey]bool{}
	for _, id := range ids {
		known[keyOf(id)] = true
	}
	return known
}

func TestNewBlocks_FollowSplitsAndMerges(t *testing.T) {
	t.Parallel()
	h := headers{}
	zero := &ton.BlockIDExt{Shard: -1 << 63, RootHash: make([]byte, 32), FileHash: make([]byte, 32)}
	a1 := h.add(whole, 1, zero)
	a2 := h.add(whole, 2, a1)
	l3, r3 := h.add(left, 3, a2), h.add(right, 3, a2)
	l4 := h.add(left, 4, l3)
	a5 := h.add(whole, 5, l4, r3)
	a6 := h.add(whole, 6, a5)

	for name, c := range map[string]struct{ tops, known, want []*ton.BlockIDExt }{
		"from the beginning":      {tops: []*ton.BlockIDExt{a2}, want: []*ton.BlockIDExt{a1, a2}},
		"over a split":            {tops: []*ton.BlockIDExt{l4, r3}, known: []*ton.BlockIDExt{a1}, want: []*ton.BlockIDExt{a2, l3, r3, l4}},
		"one shard stands still":  {tops: []*ton.BlockIDExt{l4, r3}, known: []*ton.BlockIDExt{l3, r3}, want: []*ton.BlockIDExt{l4}},
		"over a merge":            {tops: []*ton.BlockIDExt{a6}, known: []*ton.BlockIDExt{l3, r3}, want: []*ton.BlockIDExt{l4, a5, a6}},
		"over a split and merge":  {tops: []*ton.BlockIDExt{a5}, known: []*ton.BlockIDExt{a2}, want: []*ton.BlockIDExt{l3, r3, l4, a5}},
		"nothing between the two": {tops: []*ton.BlockIDExt{a6}, known: []*ton.BlockIDExt{a6}},
	} {
		found, err := newBlocks(t.Context(), h, c.tops, knows(c.known...))
		require.NoError(t, err, name)
		var got []blockKey
		for _, b := range found {
			got = append(got, keyOf(b.id))
		}
		var want []blockKey
		for _, id := range c.want {
			want = append(want, keyOf(id))
		}
		require.Equal(t, want, got, name)
	}

	_, err := newBlocks(t.Context(), h, []*ton.BlockIDExt{a2}, knows(l4))
	require.ErrorContains(t, err, "does not continue")
	delete(h, keyOf(l3))
	_, err = newBlocks(t.Context(), h, []*ton.BlockIDExt{a5}, knows(a2))
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
}

func TestIndexer_SeesShardBlocksBetweenMasterBlocks(t *testing.T) {
	t.Parallel()
	local := localnet.New(t, func(c *localnet.Config) { c.BlockTime = time.Hour })
	w := (&world{t: t, local: local, byHand: true}).found()
	p := w.stakeProvider()
	w.putWorker(p, "w1", 1)
	jobs := []cocoon.Account{w.openJob(w.offer()), w.openJob(w.offer())}
	for _, j := range jobs {
		w.accept(p, j, "w1")
	}
	w.settle()
	x := w.open(newPath(t))
	w.follow(x)
	for _, j := range jobs { // from outside, in one round
		d := wrappers.Delivery{GlobalID: globalID, Contract: j, ResultHash: [32]byte{1}, Amount: wrappers.Coins{Nano: cocoon.TON(1)}}
		external := tlb.ExternalMessage{DstAddr: chain.Address(j), Body: body(must(d.Sign(testKey("w1"), 1, cocoon.Account{})))}
		require.NoError(t, w.client.Broadcast(t.Context(), must(tlb.ToCell(&external))))
	}
	require.NoError(t, w.local.Mine())
	b, err := x.readNext(t.Context())
	require.NoError(t, err)
	require.NoError(t, x.commit(t.Context(), b))
	blocks, err := newBlocks(t.Context(), w.client, b.tops, knows(b.tops...))
	require.NoError(t, err)
	require.Empty(t, blocks)
	top := must(w.client.Block(t.Context(), b.tops[0]))
	require.Len(t, must(top.ListTransactions()), 1, "the other one lies in the block before")

	events, err := x.Events(t.Context(), x.Head().Events-2, 10)
	require.NoError(t, err)
	require.Len(t, events, 2)
	for i, e := range events {
		require.Equal(t, jobs[i], e.Account)
		require.Equal(t, "deliver", e.Name)
		require.True(t, e.From.IsZero(), "nobody sent it")
	}
	found, err := x.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestIndexer_CountsCoinsThatCameBeforeTheBirth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	a := must(w.provider.Account())
	for range 20 { // more than a liteserver tells at once
		w.send(a, cocoon.TON(1), nil, nil)
	}
	w.settle()
	w.follow(x)
	_, err := x.Contract(t.Context(), a)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
	w.stakeProvider()
	w.settle()
	w.follow(x)
	events, err := x.events(t.Context(), 0, 100, &a)
	require.NoError(t, err)
	require.Equal(t, "refresh_terms", events[20].Name)
	require.True(t, slices.IsSortedFunc(events, func(a, b market.Event) int { return cmp.Compare(a.LT, b.LT) }))
	found, err := x.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
}

// Anyone may deploy our code with a state that nobody paid for.
func TestIndexer_BelievesNoImpostor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.offer()
	open := must(o.Init())
	open.Data = must(wrappers.Cell(struct {
		Phase  uint8      `tlb:"## 3"`
		Until  uint32     `tlb:"## 32"`
		Offer  *cell.Cell `tlb:"^"`
		Bound  *cell.Cell `tlb:"maybe ^"`
		Result *cell.Cell `tlb:"maybe ^"`
	}{Phase: 1, Until: o.Money.AcceptBy, Offer: must(wrappers.Cell(o))}))
	stranger := must(wrappers.ProviderBirth{Registry: treasury, Owner: w.me}.Init())
	orphan := must(wrappers.EpochBirth{Rewards: treasury, Number: 1}.Init())
	foreign := w.offer()
	foreign.Terms = &wrappers.JobTerms{Registry: treasury, Codes: w.jobTerms.Codes}
	for _, init := range []*tlb.StateInit{open, stranger, orphan, must(foreign.Init())} {
		w.send(must(chain.BornAccount(init)), cocoon.TON(1), init, nil)
	}
	job := w.openJob(w.offer())
	w.settle()
	x := w.open(newPath(t))
	w.follow(x)
	contracts, err := x.Contracts(t.Context())
	require.NoError(t, err)
	require.Len(t, contracts, 2)
	require.Equal(t, w.registry, contracts[0].Account)
	require.Equal(t, job, contracts[1].Account)
}

// flaky is a way to the chain whose every second question nobody answers.
type flaky struct {
	Chain
	asked int
}

func (f *flaky) WaitSeqno(ctx context.Context, seqno uint32) (*ton.BlockIDExt, error) {
	if f.asked++; f.asked%2 == 1 {
		return nil, cocoon.Unreachable.Errorf("nobody answers")
	}
	return f.Chain.WaitSeqno(ctx, seqno)
}

func TestRun_OutlastsLiteserversThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.config(newPath(t))
	cfg.Chain = &flaky{Chain: w.client}
	x, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	x.pause = 0
	stop := runs(t, x)
	head, err := w.client.Head(t.Context())
	require.NoError(t, err)
	require.NoError(t, x.WaitSeqno(t.Context(), head.SeqNo))
	require.NoError(t, x.Wait(t.Context(), 3))
	stop()
	require.NoError(t, x.Close())
}

// A message made so that the contract takes it and the program cannot read it
// must not stop the indexer: anyone could send one.
func TestProject_OutlastsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	p := w.stakeProvider()
	w.settle()
	w.follow(x)
	before := dump(t, x, "providers", "workers")
	o := occurrence{Event: market.Event{Seq: x.Head().Events + 1, Contract: "provider", Account: p, OK: true}, body: cell.BeginCell().EndCell()}
	for _, o.Name = range []string{"stake", "terms", "withdraw?", "put_worker", "accept_job", "income", bounce} {
		require.ErrorIs(t, x.store.write.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error { return newProjector(tx).project(ctx, &o) }), errUnread, o.Name)
		require.NoError(t, x.store.write.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error { return x.project(ctx, newProjector(tx), &o) }), o.Name)
	}
	require.Equal(t, before, dump(t, x, "providers", "workers"))
}
