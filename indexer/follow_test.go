package indexer

import (
	"cmp"
	"context"
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
	"github.com/cocoon-network/cocoon/indexer/feed"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

func TestIndexer_SeesShardBlocksBetweenMasterBlocks(t *testing.T) {
	t.Parallel()
	local := localnet.New(t, func(c *localnet.Config) { c.BlockTime = time.Hour })
	w := (&world{t: t, local: local, byHand: true}).found()
	p := w.stakeProvider()
	w.putWorker(p, "w1", 1)
	jobs := []cocoon.Account{w.openJob(w.offer()), w.openJob(w.offer())}
	for _, j := range jobs {
		w.accept(p, j)
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
	top := must(w.client.Block(t.Context(), b.to.tops[0]))
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

func (f *flaky) HeadFrom(ctx context.Context, seqno uint32) (*ton.BlockIDExt, error) {
	if f.asked++; f.asked%2 == 1 {
		return nil, cocoon.Unreachable.Errorf("nobody answers")
	}
	return f.Chain.HeadFrom(ctx, seqno)
}

func TestRun_OutlastsLiteserversThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.config(newPath(t))
	cfg.Chain = &flaky{Chain: w.client}
	x, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	x.pause, x.feed = 0, feed.New(cfg.Chain, feed.Config{})
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
		require.ErrorIs(t, x.store.write.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error { return must(foreseen(ctx, tx, o)).project(ctx, &o) }), errUnread, o.Name)
		require.NoError(t, x.store.write.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error { return x.project(ctx, must(foreseen(ctx, tx, o)), &o) }), o.Name)
	}
	require.Equal(t, before, dump(t, x, "providers", "workers"))
}
