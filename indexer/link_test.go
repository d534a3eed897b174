package indexer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// leaky is a way to the chain that leaves out what happened in one shard block,
// and one transaction of what came to an account before its birth.
type leaky struct {
	Archive
	block   uint32 // seqno of a shard block; 0 is none
	history bool
}

func (l *leaky) BlockOf(ctx context.Context, master uint32, id *ton.BlockIDExt) (*tlb.Block, int, error) {
	b, size, err := l.Archive.BlockOf(ctx, master, id)
	if err != nil || id.Workchain != 0 || id.SeqNo != l.block {
		return b, size, err
	}
	emptied, extra := *b, *b.Extra
	extra.ShardAccountBlocks = cell.BeginCell().MustStoreBoolBit(false).EndCell()
	emptied.Extra = &extra
	return &emptied, size, nil
}

func (l *leaky) Transactions(ctx context.Context, a cocoon.Account, lt uint64, hash [32]byte, n int) ([]*tlb.Transaction, error) {
	list, err := l.Archive.Transactions(ctx, a, lt, hash, n)
	if err != nil || !l.history || len(list) < 3 {
		return list, err
	}
	return append(list[:1:1], list[2:]...), nil
}

// halts follows until the indexer stops, and wants it to say why and what to do.
func halts(t *testing.T, w *world, c Chain) {
	t.Helper()
	cfg := w.config(newPath(t))
	cfg.Chain = c
	x, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { x.Close() })
	err = x.Run(t.Context())
	require.ErrorContains(t, err, "was never read")
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.Contains(t, cocoon.HintOf(err), "another --data folder")
	head := x.Head()
	events, err := x.Events(t.Context(), head.Events, 1)
	require.NoError(t, err)
	require.Empty(t, events, "the block that showed the hole was not written")
}

func TestLink_AFeedThatSkipsATransactionHaltsTheIndexer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.stakeProvider()
	w.settle()
	x := w.open(newPath(t))
	w.follow(x)
	last, err := x.events(t.Context(), 0, 100, &p)
	require.NoError(t, err)
	skipped := last[len(last)-2] // not the newest: what follows shows the hole
	halts(t, w, &leaky{Archive: w.client, block: w.blockOf(skipped.Seqno)})
}

func TestLink_AHistoryThatSkipsATransactionHaltsTheIndexer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := must(w.provider.Account())
	for range 4 {
		w.send(a, cocoon.TON(1), nil, nil)
	}
	w.stakeProvider()
	w.settle()
	halts(t, w, &leaky{Archive: w.client, history: true})
}

// An account that rent has deleted begins again: its next transaction follows none.
func TestLink_OfAnAccountThatIsGoneIsZero(t *testing.T) {
	t.Parallel()
	tx := &tlb.Transaction{LT: 7, Hash: make([]byte, 32), PrevTxLT: 5, PrevTxHash: []byte{31: 9}, EndStatus: tlb.AccountStatusNonExist}
	prev, next := linksOf(tx)
	require.Equal(t, link{5, [32]byte{31: 9}}, prev)
	require.Equal(t, link{}, next)
	tx.EndStatus = tlb.AccountStatusFrozen
	_, next = linksOf(tx)
	require.EqualValues(t, 7, next.lt)
}

func TestOpen_LinksALogThatWasBegunWithoutLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stakeProvider()
	w.settle()
	path := newPath(t)
	x := w.open(path)
	w.follow(x)
	want := dump(t, x, "links")
	require.Len(t, want, 2)
	_, err := x.store.write.ExecContext(t.Context(), undoLinks)
	require.NoError(t, err)
	require.NoError(t, x.Close())
	require.Equal(t, want, dump(t, w.open(path), "links"))
}

// undoLinks takes a database back to what it was before there were links.
const undoLinks = `DROP TABLE links; DROP TABLE rollups; DROP TABLE demand; DELETE FROM migrations WHERE name >= '20260401'`

// blockOf is the seqno of the newest shard block that a masterchain block commits.
func (w *world) blockOf(master uint32) uint32 {
	w.t.Helper()
	id, err := w.client.WaitSeqno(w.t.Context(), master)
	require.NoError(w.t, err)
	tops, err := w.client.ShardTops(w.t.Context(), id)
	require.NoError(w.t, err)
	return tops[0].SeqNo
}
