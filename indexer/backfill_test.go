package indexer

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/indexer/feed"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/wrappers"
)

// still is a way to a chain that ends at one block, until it is let go on.
type still struct {
	Archive
	head *ton.BlockIDExt
}

func (s *still) HeadFrom(ctx context.Context, seqno uint32) (*ton.BlockIDExt, error) {
	if s.head == nil || seqno > s.head.SeqNo {
		return s.Archive.HeadFrom(ctx, seqno)
	}
	return s.head, nil
}

// rest is the chain of w as it is now.
func (w *world) rest() *still {
	w.t.Helper()
	head, err := w.client.Head(w.t.Context())
	require.NoError(w.t, err)
	return &still{Archive: w.client, head: head}
}

// openBackfill opens an indexer that catches up by histories, whatever is missing.
func (w *world) openBackfill(path string, c Archive) *Indexer {
	w.t.Helper()
	cfg := w.config(path)
	cfg.Chain, cfg.Backfill, cfg.fillAnyway = c, 1, true
	x, err := Open(w.t.Context(), cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { x.Close() })
	return x
}

// whole is all that a database holds of a chain.
func whole(t *testing.T, x *Indexer) []string {
	t.Helper()
	return dump(t, x, append(append([]string{"cursor"}, logged...), projected...)...)
}

// scanned is the log that reading every block up to one makes.
func (w *world) scanned(seqno uint32) []string {
	w.t.Helper()
	x := w.open(newPath(w.t))
	w.scan(x, seqno)
	return whole(w.t, x)
}

func (w *world) scan(x *Indexer, seqno uint32) {
	w.t.Helper()
	batch := x.cfg.batch
	defer func() { x.cfg.batch = batch }()
	for x.Head().Seqno < seqno { // and no further
		x.cfg.batch = int(min(batchBlocks, seqno-x.Head().Seqno))
		require.NoError(w.t, x.step(w.t.Context()))
	}
}

// playLonely adds contracts that no contract of ours ever hears of, and some that
// only look like ours.
func (w *world) playLonely() (lonely []cocoon.Account) {
	w.t.Helper()
	born := func(init *tlb.StateInit, value uint64, body *cell.Cell) {
		a := must(chain.BornAccount(init))
		w.send(a, cocoon.TON(value), init, body)
		lonely = append(lonely, a)
	}
	born(must(wrappers.ProviderBirth{Registry: w.registry, Owner: w.me, Index: 7}.Init()), 1, nil)
	born(must(wrappers.RewardsBirth{Registry: w.registry, Owner: w.me, Index: 7}.Init()), 1, nil)
	born(must(w.offer().Init()), 3, body(wrappers.OpenJob{QueryID: 9}))
	born(must(w.offer().Init()), 1, nil) // inert: not even open
	rewards := must(w.rewards.Account())
	born(must(w.channelBirth(rewards).Init()), 1, nil)
	born(must(wrappers.EpochBirth{Rewards: rewards, Number: 77}.Init()), 1, nil)
	late := w.offer()
	for range 17 { // more than a liteserver tells at once
		w.send(must(late.Account()), cocoon.TON(1), nil, nil)
	}
	born(must(late.Init()), 1, nil)
	for _, init := range []*tlb.StateInit{must(wrappers.ProviderBirth{Registry: treasury, Owner: w.me}.Init()),
		must(w.channelBirth(treasury).Init()), must(wrappers.EpochBirth{Rewards: treasury, Number: 1}.Init())} {
		w.send(must(chain.BornAccount(init)), cocoon.TON(1), init, nil)
	}
	w.settle()
	return lonely
}

func TestBackfill_WritesWhatReadingEveryBlockWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	early := w.channelBirth(must(w.rewards.Account()))
	w.openChannel(early) // nobody knows yet whose it is, nor ever will
	w.playResharding()
	lonely := w.playLonely()
	end := w.rest()
	want := w.scanned(end.head.SeqNo)
	require.Greater(t, len(want), 200)

	x := w.openBackfill(newPath(t), end)
	require.NoError(t, x.backfill(t.Context()))
	require.Equal(t, want, whole(t, x))
	for _, a := range lonely {
		_, err := x.Contract(t.Context(), a)
		require.NoError(t, err)
	}
	_, err := x.Contract(t.Context(), must(early.Account()))
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))

	w.reshard(2) // the chain goes on, and so does the log
	w.openJob(w.offer())
	w.reshard(1)
	end.head = nil
	next := w.rest().head.SeqNo
	stop := runs(t, x)
	require.NoError(t, x.WaitSeqno(t.Context(), next))
	stop()
	require.Equal(t, w.scanned(x.Head().Seqno), whole(t, x))
}

func TestBackfill_GoesOnWhereverTheLogEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.playResharding()
	w.playLonely()
	end := w.rest()
	want := w.scanned(end.head.SeqNo)
	random := rand.New(rand.NewPCG(7, 8))
	for range 3 {
		w.t = t
		x := w.openBackfill(newPath(t), &still{Archive: w.client})
		for x.Head().Seqno < end.head.SeqNo {
			from := x.Head().Seqno
			middle := from + 1 + random.Uint32N(min(end.head.SeqNo-from, 150))
			w.scan(x, middle)
			to, err := w.client.LookupMaster(t.Context(), middle+random.Uint32N(end.head.SeqNo-middle+1))
			require.NoError(t, err)
			x.cfg.Chain.(*still).head = to
			require.NoError(t, x.backfill(t.Context()))
			x.cfg.Chain.(*still).head = nil
		}
		require.Equal(t, want, whole(t, x))
	}
}

func TestBackfill_BeginsWhereTheLogIsToBegin(t *testing.T) {
	t.Parallel()
	w, _ := history(t)
	end := w.rest()
	for _, start := range []uint32{2, 5, end.head.SeqNo / 2, end.head.SeqNo} { // of all but the first the registry was born before
		cfg := w.config(newPath(t))
		cfg.Start = start
		scan, err := Open(t.Context(), cfg)
		require.NoError(t, err)
		t.Cleanup(func() { scan.Close() })
		w.scan(scan, end.head.SeqNo)
		fill := cfg
		fill.Path, fill.DSN, fill.Chain = "", "", end
		path := newPath(t)
		if fill.Path = path; onPostgres(path) {
			fill.Path, fill.DSN = "", path
		}
		x, err := Open(t.Context(), fill)
		require.NoError(t, err)
		t.Cleanup(func() { x.Close() })
		x.cfg.Backfill, x.cfg.fillAnyway = 1, true
		require.NoError(t, x.backfill(t.Context()))
		require.Equal(t, whole(t, scan), whole(t, x), start)
	}
}

func TestBackfill_KilledAnywhereWritesTheSameLog(t *testing.T) {
	t.Parallel()
	w, _ := history(t)
	end := w.rest()
	want := w.scanned(end.head.SeqNo)
	random := rand.New(rand.NewPCG(9, 10))
	kills := map[string]int{}
	for path := newPath(t); ; {
		x := w.openBackfill(path, end)
		x.cfg.batch = 1 + random.IntN(5)
		left := random.IntN(12)
		x.fault = func(moment string) error {
			if left--; left >= 0 {
				return nil
			}
			kills[moment]++
			return errKilled
		}
		err := x.backfill(t.Context())
		if err == nil {
			require.Equal(t, want, whole(t, x))
			require.NoError(t, x.Close())
			break
		}
		require.ErrorIs(t, err, errKilled)
		require.NoError(t, x.Close())
		if random.IntN(4) == 0 { // either way goes on from there
			x = w.open(path)
			w.scan(x, min(end.head.SeqNo, x.Head().Seqno+random.Uint32N(5)))
			require.NoError(t, x.Close())
		}
	}
	for _, moment := range []string{"surveyed", "placed", "read", "event", "recorded", "committed"} {
		require.Positive(t, kills[moment], "%s of %v", moment, kills)
	}
}

func TestBackfill_BelievesNoLiar(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stakeProvider()
	w.reshard(4)
	w.playLonely()
	end := w.rest()
	want := w.scanned(end.head.SeqNo)
	lies := []localnet.Lie{localnet.LieProof, localnet.LieBlock, localnet.LieLookup, localnet.LieState, localnet.LieAbsent, localnet.LieTransaction, localnet.LieGap, localnet.LieOmit}
	client, servers := w.amid(lies)
	x := w.openBackfill(newPath(t), &still{Archive: client, head: end.head})
	x.pause = time.Millisecond
	require.NoError(t, x.backfill(t.Context()))
	require.Equal(t, want, whole(t, x))
	servers.tell(t)
	for _, lie := range lies { // now nobody else is there to ask
		c, s := w.alone(lie)
		x := w.openBackfill(newPath(t), &lonesome{&still{Archive: c, head: end.head}})
		err := x.backfill(t.Context())
		require.Positive(t, s.Stats().Lied, lie)
		if lie == localnet.LieOmit { // the hash of what is left out is known
			require.NoError(t, err)
			require.Equal(t, want, whole(t, x))
			continue
		}
		require.ErrorIs(t, err, errAlone, lie)
		require.Zero(t, x.Head().Seqno, lie)
		if lie != localnet.LieLookup { // a block that is there, if not the right one
			require.Equal(t, chain.Quarantined, c.Status()[0].State, lie)
		}
	}
}

// alone is a client of one server, which lies.
func (w *world) alone(lie localnet.Lie) (*chain.Client, *localnet.Server) {
	w.t.Helper()
	s, err := w.local.Serve(localnet.Faults{})
	require.NoError(w.t, err)
	n, err := chain.ParseNetwork(s.Config())
	require.NoError(w.t, err)
	c, err := chain.Dial(w.t.Context(), n, chain.Options{Timeout: 10 * time.Second})
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	require.NoError(w.t, s.SetFaults(localnet.Faults{Lie: lie}))
	return c, s
}

// lonesome gives up where nobody answers, as only a test would.
type lonesome struct{ Archive }

var errAlone = errors.New("nobody else to ask")

// given turns what would be outlasted into an end.
func given[T any](v T, err error) (T, error) {
	if cocoon.KindOf(err) == cocoon.Unreachable || cocoon.KindOf(err) == cocoon.NotFound {
		err = errors.Join(errAlone, errors.New(err.Error()))
	}
	return v, err
}

func (l *lonesome) LookupMaster(ctx context.Context, seqno uint32) (*ton.BlockIDExt, error) {
	return given(l.Archive.LookupMaster(ctx, seqno))
}

func (l *lonesome) MasterAfter(ctx context.Context, lt uint64) (*ton.BlockIDExt, error) {
	return given(l.Archive.MasterAfter(ctx, lt))
}

func (l *lonesome) Branch(ctx context.Context, master *ton.BlockIDExt, p chain.Prefix) (chain.Branch, error) {
	return given(l.Archive.Branch(ctx, master, p))
}

func (l *lonesome) ConfigAt(ctx context.Context, master *ton.BlockIDExt) (*chain.Config, error) {
	return given(l.Archive.ConfigAt(ctx, master))
}

func (l *lonesome) Transactions(ctx context.Context, a cocoon.Account, lt uint64, hash [32]byte, n int) ([]*tlb.Transaction, error) {
	return given(l.Archive.Transactions(ctx, a, lt, hash, n))
}

func (l *lonesome) BlockOf(ctx context.Context, master uint32, id *ton.BlockIDExt) (*tlb.Block, int, error) {
	b, size, err := l.Archive.BlockOf(ctx, master, id)
	b, err = given(b, err)
	return b, size, err
}

// counted is a client of a server of its own, and that server, which counts.
func (w *world) counted() (*chain.Client, *localnet.Server) {
	w.t.Helper()
	s, err := w.local.Serve(localnet.Faults{})
	require.NoError(w.t, err)
	n, err := chain.ParseNetwork(s.Config())
	require.NoError(w.t, err)
	c, err := chain.Dial(w.t.Context(), n, chain.Options{})
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	return c, s
}

// TestBackfill_AsksForWhatIsOurs counts what both ways ask for, on a chain whose
// blocks are almost all somebody else's.
func TestBackfill_AsksForWhatIsOurs(t *testing.T) {
	t.Parallel()
	w := (&world{t: t, local: localnet.New(t, func(c *localnet.Config) { c.BlockTime = time.Hour }), byHand: true}).found()
	w.reshard(4)
	foreign := func() {
		for n := range 400 {
			to := cocoon.Account(sha256.Sum256([]byte{byte(n % 100)}))
			_, err := w.local.Impersonate(localnet.Message{From: chain.Address(treasury), To: chain.Address(to), Nano: cocoon.TON(1).Big()})
			require.NoError(t, err)
		}
	}
	foreign()
	p := w.stakeProvider()
	w.putWorker(p, "w1", 1)
	job := w.openJob(w.offer())
	w.accept(p, job)
	w.settle()
	foreign()
	head := w.rest().head
	client, server := w.counted()
	scan := w.openAmid(client)
	before := server.Stats().Total()
	w.scan(scan, head.SeqNo)
	scan.feed.Stop()
	byBlocks := server.Stats().Total() - before

	client, server = w.counted()
	fill := w.openBackfill(newPath(t), &still{Archive: client, head: head})
	fill.cfg.fillAnyway = false // it is worth it
	before = server.Stats().Total()
	require.NoError(t, fill.backfill(t.Context()))
	byHistories := server.Stats().Total() - before
	require.Equal(t, whole(t, scan), whole(t, fill))
	accounts := 0
	for range w.local.Accounts {
		accounts++
	}
	t.Logf("%d masterchain blocks, %d blocks in all, %d accounts, %d events: %d requests by blocks, %d by histories: %v", head.SeqNo, w.countBlocks(), accounts, fill.Head().Events, byBlocks, byHistories, server.Stats().Queries)
	require.Less(t, 10*byHistories, byBlocks)
}

// A crowd of strangers is more to go through than a few blocks.
func TestBackfill_ReadsEveryBlockWhereThatIsLess(t *testing.T) {
	t.Parallel()
	strangers := func(c *localnet.Config) {
		for n := range 500 {
			a := cocoon.Account(sha256.Sum256([]byte{byte(n), byte(n >> 8)}))
			c.Accounts = append(c.Accounts, localnet.GenesisAccount{Address: chain.Address(a), Nano: cocoon.TON(1).Big()})
		}
	}
	w := newWorldOn(t, localnet.New(t, strangers))
	w.settle()
	end := w.rest()
	x := w.openBackfill(newPath(t), end)
	x.cfg.fillAnyway = false
	b := &backfill{Indexer: x, archive: end, masters: map[uint32]*feed.Master{}}
	b.head = must(b.master(t.Context(), end.head))
	accounts := must(b.guess(t.Context()))
	require.InEpsilon(t, 500, accounts, 3, "a guess by random descents")
	require.NoError(t, x.backfill(t.Context()))
	require.Zero(t, x.Head().Seqno, "left to reading every block")
	x.cfg.fillAnyway = true
	require.NoError(t, x.backfill(t.Context()))
	require.Equal(t, w.scanned(end.head.SeqNo), whole(t, x))
}

func TestBackfill_TellsHowFarItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stakeProvider()
	w.reshard(2)
	w.settle()
	end := w.rest()
	x := w.openBackfill(newPath(t), end)
	told := map[string][]float64{}
	x.cfg.Progress = func(part string, done float64) { told[part] = append(told[part], done) }
	b := &backfill{Indexer: x, archive: end, at: x.position(), ours: map[cocoon.Account]bool{}, masters: map[uint32]*feed.Master{}} // at every step
	require.NoError(t, b.run(t.Context(), end.head))
	require.Len(t, told, 3)
	for part, list := range told {
		require.True(t, slices.IsSorted(list), part)
		require.InDelta(t, 1, list[len(list)-1], 1e-9, part)
	}
}
