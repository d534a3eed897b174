package feed

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
)

// resharded is a chain of so many masterchain blocks at least, that splits into
// four shards and merges into two while it grows.
func resharded(t *testing.T, blocks int) *localnet.Chain {
	t.Helper()
	local := localnet.New(t, func(c *localnet.Config) { c.Manual = true })
	for _, shards := range []int{1, 4, 2} {
		require.NoError(t, local.SetShards(shards))
		for range blocks / 3 {
			require.NoError(t, local.Mine())
		}
	}
	return local
}

// through is a client of a new server of the chain that serves nobody else.
func through(t *testing.T, local *localnet.Chain) (*chain.Client, *localnet.Server) {
	t.Helper()
	s, err := local.Serve(localnet.Faults{})
	require.NoError(t, err)
	n, err := chain.ParseNetwork(s.Config())
	require.NoError(t, err)
	c, err := chain.Dial(t.Context(), n, chain.Options{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, s
}

// open is a feed that is stopped before the client it asks.
func open(t *testing.T, c Chain, cfg Config) *Feed {
	f := New(c, cfg)
	t.Cleanup(f.Stop)
	return f
}

// drain takes all items up to a seqno.
func drain(t *testing.T, f *Feed, after Position, head uint32) (items []*Item) {
	t.Helper()
	for most := 1; after.Seqno < head; most = most%7 + 1 {
		next, err := f.Next(t.Context(), after, most)
		require.NoError(t, err)
		require.LessOrEqual(t, len(next), most)
		items = append(items, next...)
		last := next[len(next)-1]
		after = Position{last.Master.ID.SeqNo, last.Tops}
	}
	return items
}

// names are the blocks of items in order.
func names(items []*Item) (keys []blockKey) {
	for _, i := range items {
		keys = append(keys, keyOf(i.Master.ID))
		for _, s := range i.Shards {
			keys = append(keys, keyOf(s.ID))
		}
	}
	return keys
}

// plainly is what following comes to, one block after another.
func plainly(t *testing.T, local *localnet.Chain) (keys []blockKey) {
	t.Helper()
	c, _ := through(t, local)
	known := []*ton.BlockIDExt{}
	for seqno := uint32(1); seqno <= local.Head().SeqNo; seqno++ {
		id, err := c.LookupMaster(t.Context(), seqno)
		require.NoError(t, err)
		tops, err := c.ShardTops(t.Context(), id)
		require.NoError(t, err)
		shards, err := newBlocks(t.Context(), tops, known, func(ctx context.Context, id *ton.BlockIDExt) (Block, error) {
			b, err := c.Block(ctx, id)
			return Block{id, b}, err
		})
		require.NoError(t, err)
		keys = append(keys, names([]*Item{{Master: Block{ID: id}, Shards: shards}})...)
		known = tops
	}
	return keys
}

func TestFeed_AsksForEachBlockOnceAndForLittleElse(t *testing.T) {
	t.Parallel()
	local := resharded(t, 150)
	want := plainly(t, local)
	c, server := through(t, local)
	before := server.Stats()
	got := names(drain(t, open(t, c, Config{}), Position{}, local.Head().SeqNo))
	require.Equal(t, want, got)
	after := server.Stats()
	require.Equal(t, len(got), after.Queries["getBlock"]-before.Queries["getBlock"], "one getBlock for each block")
	others := after.Total() - before.Total() - len(got)
	t.Logf("%d blocks, %d other requests", len(got), others)
	require.LessOrEqual(t, float64(others), 0.2*float64(len(got)))
}

// shuffled answers each question after a time of its own.
type shuffled struct {
	Chain
	mu     sync.Mutex
	random *rand.Rand
	done   []uint32 // masterchain seqnos in the order of their answers
}

func (s *shuffled) BlockOf(ctx context.Context, master uint32, id *ton.BlockIDExt) (*tlb.Block, int, error) {
	s.mu.Lock()
	pause := time.Duration(s.random.IntN(5)) * time.Millisecond
	s.mu.Unlock()
	time.Sleep(pause)
	b, n, err := s.Chain.BlockOf(ctx, master, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, master)
	return b, n, err
}

func TestFeed_PutsAnswersInOrder(t *testing.T) {
	t.Parallel()
	local := resharded(t, 90)
	want := plainly(t, local)
	for seed := range uint64(4) {
		c, _ := through(t, local)
		s := &shuffled{Chain: c, random: rand.New(rand.NewPCG(seed, 1))}
		f := open(t, s, Config{Segment: 1 + int(seed*seed), Window: 40, Parallel: 16})
		require.Equal(t, want, names(drain(t, f, Position{}, local.Head().SeqNo)))
		f.Stop()
		swapped := 0
		for i := 1; i < len(s.done); i++ {
			if s.done[i] < s.done[i-1] {
				swapped++
			}
		}
		require.Greater(t, swapped, 10, "answers did come out of order")
	}
}

func TestFeed_GoesOnWhereItIsTold(t *testing.T) {
	t.Parallel()
	local := resharded(t, 45)
	want := plainly(t, local)
	c, _ := through(t, local)
	f := open(t, c, Config{Segment: 8})
	all := drain(t, f, Position{}, local.Head().SeqNo)
	require.Equal(t, want, names(all))
	for _, at := range []int{3, 30, 17, 18, 40} {
		for _, tops := range [][]*ton.BlockIDExt{all[at-1].Tops, nil} { // of a log, of a new log that begins late
			for range 2 { // the same again
				items, err := f.Next(t.Context(), Position{uint32(at), tops}, 3)
				require.NoError(t, err)
				require.Equal(t, names(all[at:at+len(items)]), names(items))
			}
		}
	}
}

func TestFeed_WaitsForBlocksToCome(t *testing.T) {
	t.Parallel()
	local := resharded(t, 6)
	c, server := through(t, local)
	f := open(t, c, Config{})
	items := drain(t, f, Position{}, local.Head().SeqNo)
	before := server.Stats()
	for range 10 {
		require.NoError(t, local.Mine())
		last := items[len(items)-1]
		items = append(items, drain(t, f, Position{last.Master.ID.SeqNo, last.Tops}, local.Head().SeqNo)...)
	}
	require.Equal(t, plainly(t, local), names(items))
	require.LessOrEqual(t, server.Stats().Queries["getMasterchainInfo"]-before.Queries["getMasterchainInfo"], 11, "a question waits for its block")

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err := f.Next(ctx, Position{local.Head().SeqNo, items[len(items)-1].Tops}, 1)
	require.ErrorIs(t, err, context.Canceled)
}

// weighed counts the bytes that were read and not let go.
type weighed struct {
	Chain
	mu         sync.Mutex
	held, peak int
	sizes      map[uint32][2]int // of shard blocks and of the masterchain block, by masterchain seqno
}

func (w *weighed) BlockOf(ctx context.Context, master uint32, id *ton.BlockIDExt) (*tlb.Block, int, error) {
	b, n, err := w.Chain.BlockOf(ctx, master, id)
	w.mu.Lock()
	defer w.mu.Unlock()
	of := w.sizes[master]
	of[kind(id.Workchain == -1)] += n
	w.sizes[master] = of
	w.held += n
	w.peak = max(w.peak, w.held)
	return b, n, err
}

func (w *weighed) pass(seqno uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held -= w.sizes[seqno][0] + w.sizes[seqno][1]
}

// excess is what may be held beyond the bound: the masterchain blocks of one
// segment and the shard blocks of one of them.
func (w *weighed) excess(segment int) (n int) {
	shards, masters := 0, 0
	for _, of := range w.sizes {
		shards, masters = max(shards, of[0]), max(masters, of[1])
	}
	return shards + segment*masters
}

func TestFeed_HoldsNoMoreBytesThanItMay(t *testing.T) {
	t.Parallel()
	local := resharded(t, 240)
	peaks := map[int]int{}
	for _, limit := range []int{1, 40 << 10, 100 << 10, 1 << 30} {
		c, _ := through(t, local)
		w := &weighed{Chain: c, sizes: map[uint32][2]int{}}
		f := open(t, w, Config{Segment: 4, Bytes: limit})
		for at := (Position{}); at.Seqno < local.Head().SeqNo; {
			items, err := f.Next(t.Context(), at, 5)
			require.NoError(t, err)
			if at.Seqno%20 == 0 {
				time.Sleep(10 * time.Millisecond) // a slow disk
			}
			for _, item := range items {
				w.pass(item.Master.ID.SeqNo)
				at = Position{item.Master.ID.SeqNo, item.Tops}
			}
		}
		f.Stop()
		require.Zero(t, w.held)
		require.LessOrEqual(t, w.peak, limit+w.excess(4))
		peaks[limit] = w.peak
	}
	t.Log("bytes held at most, by bound:", peaks)
	require.Greater(t, peaks[1<<30], peaks[1], "it does read ahead where it may")
}

// broken is a chain that says what no one should outlast.
type broken struct{ Chain }

func (broken) BlockOf(context.Context, uint32, *ton.BlockIDExt) (*tlb.Block, int, error) {
	return nil, 0, cocoon.Invalid.Errorf("malformed")
}

// moody is unreachable, or lacks the block, two times of three.
type moody struct {
	Chain
	mu    sync.Mutex
	asked int
}

func (m *moody) BlockOf(ctx context.Context, master uint32, id *ton.BlockIDExt) (*tlb.Block, int, error) {
	m.mu.Lock()
	m.asked++
	n := m.asked % 3
	m.mu.Unlock()
	switch n {
	case 0:
		return nil, 0, cocoon.Unreachable.Errorf("nobody answers")
	case 1:
		return nil, 0, cocoon.NotFound.Errorf("not applied")
	}
	return m.Chain.BlockOf(ctx, master, id)
}

func TestFeed_OutlastsSilenceAndNothingElse(t *testing.T) {
	t.Parallel()
	local := resharded(t, 30)
	c, _ := through(t, local)
	_, err := open(t, broken{c}, Config{}).Next(t.Context(), Position{}, 1)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	f := open(t, &moody{Chain: c}, Config{})
	require.Equal(t, plainly(t, local), names(drain(t, f, Position{}, local.Head().SeqNo)))
	require.Less(t, f.Ahead(), 64<<20)
	f.Stop()
	require.Zero(t, f.Ahead())
}

func TestGate_LetsInWhatComesOutFirst(t *testing.T) {
	t.Parallel()
	g := newGate(2 * firstGuess)
	g.lead(1, 1)
	var in []uint32
	enter := func(s *slot, master bool) { // those that wait are let in later
		g.mu.Lock()
		defer g.mu.Unlock()
		g.waiting = append(g.waiting, &entrant{slot: s, master: master, in: make(chan struct{})})
	}
	admitted := func() []uint32 {
		g.mu.Lock()
		before := append([]*entrant{}, g.waiting...)
		g.admit()
		g.mu.Unlock()
		in = nil
		for _, e := range before {
			select {
			case <-e.in:
				in = append(in, e.slot.seqno)
			default:
			}
		}
		return in
	}
	first := newSlot(1, 1, nil)
	for _, seqno := range []uint32{7, 3, 5} {
		enter(newSlot(seqno, seqno, nil), false)
	}
	enter(first, false)
	require.ElementsMatch(t, []uint32{1, 3}, admitted(), "there is room for two")
	enter(first, false)
	require.Equal(t, []uint32{1}, admitted(), "what is due is never held back")
	g.leave(first)
	require.Equal(t, 1, len(g.waiting))
	require.Equal(t, uint32(7), g.waiting[0].slot.seqno)
}
