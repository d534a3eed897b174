// Package feed reads the masterchain and every shard block behind it far ahead
// and many at a time, and gives them out in order. One proof leads to many
// masterchain blocks, back along the hashes by which each names the one before;
// no block is asked for twice. Nothing waits for the slowest of a round: what is
// read ahead is bounded by its bytes alone.
package feed

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
)

// Chain is what a feed needs of the way to TON; *chain.Client is one. Errors of
// the kinds Unreachable and NotFound are outlasted.
type Chain interface {
	// HeadFrom returns the newest masterchain block, proven, once its seqno is at least that.
	HeadFrom(ctx context.Context, seqno uint32) (*ton.BlockIDExt, error)
	// LookupMaster returns the masterchain block of that seqno, proven.
	LookupMaster(ctx context.Context, seqno uint32) (*ton.BlockIDExt, error)
	// BlockOf returns the block of that id, checked against its hash, and its size
	// in bytes. Master is the seqno of the masterchain block that commits it.
	BlockOf(ctx context.Context, master uint32, id *ton.BlockIDExt) (b *tlb.Block, size int, err error)
}

// Config bounds a feed. Zero fields take the value named beside them.
type Config struct {
	Segment  int           // masterchain blocks that one proof leads to; 16
	Window   int           // masterchain blocks read ahead, and up to a segment more; 512
	Parallel int           // blocks asked for at the same time; 64
	Bytes    int           // of blocks read ahead, as they are served; 64 MiB. The block that is due is read in any case
	Pause    time.Duration // at most, before a chain that does not answer is asked again; 0 asks at once
	Logger   *slog.Logger  // nobody
}

func (c Config) withDefaults() Config {
	if c.Segment <= 0 {
		c.Segment = 16
	}
	if c.Window <= 0 {
		c.Window = 512
	}
	if c.Parallel <= 0 {
		c.Parallel = 64
	}
	if c.Bytes <= 0 {
		c.Bytes = 64 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Position is a masterchain block after which to go on.
type Position struct {
	Seqno uint32
	// Tops are the newest shard blocks it commits; nil where they are not known, and
	// then read where Seqno is not 0.
	Tops []*ton.BlockIDExt
}

// Block is a block and its name.
type Block struct {
	ID   *ton.BlockIDExt
	Data *tlb.Block
}

// Item is one masterchain block and the shard blocks that it commits and the one
// before it did not, in the order of their logical time.
type Item struct {
	Master Block
	Tops   []*ton.BlockIDExt // the newest block of each shard
	Shards []Block
}

// Feed gives out masterchain blocks in order. Next and Stop are for one goroutine.
type Feed struct {
	chain Chain
	cfg   Config
	run   atomic.Pointer[run] // nil while nothing is read
}

// New is a feed that reads nothing before Next is called.
func New(c Chain, cfg Config) *Feed { return &Feed{chain: c, cfg: cfg.withDefaults()} }

// Next returns the items that follow a position: it waits for the first of them
// until ctx ends, and adds those after it that are there already, up to most. It
// goes on reading ahead after it returned. Asked again for the same position it
// returns the same, and maybe more: an item is let go when one after it is asked
// for first. A position beyond the items that were returned begins anew.
func (f *Feed) Next(ctx context.Context, after Position, most int) ([]*Item, error) {
	r := f.run.Load()
	if r == nil || !r.pass(after.Seqno) {
		f.Stop()
		r = begin(f.chain, f.cfg, after)
		f.run.Store(r)
	}
	items, err := r.next(ctx, most)
	if err != nil && ctx.Err() == nil {
		f.Stop()
	}
	return items, err
}

// Stop ends all reading ahead, and returns when nothing is asked of the chain any
// more. Next begins anew.
func (f *Feed) Stop() {
	if r := f.run.Swap(nil); r != nil {
		r.cancel()
		r.work.Wait()
	}
}

// Ahead is how many bytes are held or asked for, by estimate, at the moment.
func (f *Feed) Ahead() int {
	if r := f.run.Load(); r != nil {
		return r.gate.held()
	}
	return 0
}
