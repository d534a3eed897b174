package indexer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/indexer/feed"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Config says what to follow and where to keep it.
type Config struct {
	Path     string         // database file, SQLite; created where missing
	DSN      string         // instead of Path: postgres://... of a PostgreSQL database; it may hold a password and is never repeated
	GlobalID int32          // of the network
	Registry cocoon.Account // whose contracts are ours
	Chain    Chain
	Ahead    int    // bytes of blocks read ahead of the log at most; 0 means 64 MiB
	Start    uint32 // first masterchain block to read into a new database, at or before the registry's birth; 0 means 1
	Logger   *slog.Logger

	// Backfill is how many masterchain blocks the log must lack at least for Run to
	// catch up by the histories of our contracts, where that asks for less than every
	// block does; 0 never does. Chain has to be an Archive then.
	Backfill uint32
	// Progress is told now and then how much of a part of a long backfill is done, of
	// 1; nil tells nobody. It must not block.
	Progress func(part string, done float64)

	Prover     Prover           // makes proof bundles for the API; nil makes none
	AuditEvery time.Duration    // how often Run compares the tables with the chain, a question to a liteserver for each contract; 0 is never
	Clock      func() time.Time // the wall clock, compared with others; time.Now
	Skew       time.Duration    // between clocks, from which on log and status warn; 0 means 5 minutes, below 0 never: a local chain lives in the past

	term       time.Duration // of the lease; 0 means leaseTerm
	batch      int           // masterchain blocks in one commit at most; 0 means batchBlocks
	fillAnyway bool          // backfill even where every block would be less to ask for
}

// Validate reports what is missing.
func (c Config) Validate() error {
	switch {
	case (c.Path == "") == (c.DSN == ""):
		return cocoon.Invalid.Errorf("the indexer needs either a database file or the address of a database")
	case c.Registry.IsZero():
		return cocoon.Invalid.Errorf("the indexer needs the registry's address")
	case c.Chain == nil:
		return cocoon.Invalid.Errorf("the indexer needs a chain to follow")
	case c.Backfill > 0 && !c.hasArchive():
		return cocoon.Invalid.Errorf("a backfill needs a chain with old states")
	case c.AuditEvery < 0:
		return cocoon.Invalid.Errorf("audits every %s: less than none", c.AuditEvery)
	case c.Ahead < 0:
		return cocoon.Invalid.Errorf("%d bytes read ahead: less than none", c.Ahead)
	}
	return nil
}

func (c Config) hasArchive() bool {
	_, ok := c.Chain.(Archive)
	return ok
}

// Indexer follows the chain while it runs, and answers questions at any time.
type Indexer struct {
	cfg   Config
	store *store
	log   *slog.Logger

	first  uint32   // masterchain block in the log
	origin [32]byte // root hash of it; zero until it was read

	mu      sync.Mutex
	cursor  cursor
	known   map[cocoon.Account]wrappers.Kind // our contracts
	changed chan struct{}                    // closed when the cursor moves

	reconciler reconciler
	chain      *listener // what the feed asks
	differ     [2]bool   // the chain's clock and the database's, as was logged; of the goroutine that follows
	feed       *feed.Feed
	pending    *batch        // read, and not known to be committed
	pause      time.Duration // before a chain that does not answer is asked again

	// fault is called at named moments; a test makes it fail there, as a kill would.
	fault func(moment string) error
}

// Open opens the database, or creates it. One written by a newer program, for
// another network or for another registry is refused and left alone. Several may
// be open at a time: one writes, the others read and wait in Run for their turn.
func Open(ctx context.Context, cfg Config) (*Indexer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Start == 0 {
		cfg.Start = 1
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Skew == 0 {
		cfg.Skew = skewTold
	}
	if cfg.batch == 0 {
		cfg.batch = batchBlocks
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return nil, err
	}
	x := &Indexer{cfg: cfg, store: s, log: cfg.Logger, known: map[cocoon.Account]wrappers.Kind{}, changed: make(chan struct{}), pause: retryAfter, fault: func(string) error { return nil }}
	x.chain = &listener{Chain: cfg.Chain}
	x.feed = feed.New(x.chain, feed.Config{Bytes: cfg.Ahead, Pause: retryAfter, Logger: cfg.Logger})
	if err = x.resume(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", s, s.explain(err)), s.Close())
	}
	return x, nil
}

// Close closes the database. Run must have returned.
func (x *Indexer) Close() error {
	x.feed.Stop()
	return x.store.Close()
}

// retryAfter is how long Run waits where no liteserver answers.
const retryAfter = time.Second

// Run follows the chain until ctx ends, and then returns nil. Where another
// process writes to the database, it waits for its turn first. It outlasts
// liteservers and databases that do not answer; any other error ends it, with
// the log at the last block that was read whole.
func (x *Indexer) Run(ctx context.Context) error {
	defer x.feed.Stop()
	defer x.auditing(ctx)()
	err := x.persist(ctx, x.lead)
	if err == nil {
		leading, done := x.keep(ctx)
		defer done()
		if err = x.follow(leading); leading.Err() != nil {
			err = context.Cause(leading)
		}
	}
	if err == nil || ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("index masterchain block %d: %w", x.position().seqno+1, err)
}

// follow reads and commits block after block.
func (x *Indexer) follow(ctx context.Context) error {
	err := x.persist(ctx, x.recall)
	if err == nil {
		err = x.persist(ctx, x.backfill)
	}
	for err == nil && ctx.Err() == nil {
		if err = x.persist(ctx, x.step); err == nil {
			x.tellClocks()
		}
	}
	return err
}

// persist does something again until what it needs answers or ctx ends.
func (x *Indexer) persist(ctx context.Context, do func(context.Context) error) error {
	for {
		err := do(ctx)
		if cocoon.KindOf(err) != cocoon.Unreachable {
			return err
		}
		x.log.Warn("chain or database not reached", "seqno", x.position().seqno+1, "err", err, "hint", cocoon.HintOf(err))
		select {
		case <-time.After(x.pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// recall checks that this is the chain the log began with. Its end is checked
// by the block that follows it, which a chain begun anew would not have for long.
func (x *Indexer) recall(ctx context.Context) error {
	if x.origin == [32]byte{} {
		return nil
	}
	id, err := x.cfg.Chain.WaitSeqno(ctx, x.first)
	if err != nil {
		return err
	}
	if !bytes.Equal(id.RootHash, x.origin[:]) {
		return otherChain("block %d was indexed with root %x and has root %x now", x.first, x.origin, id.RootHash)
	}
	return nil
}

// step reads the next masterchain blocks and what is behind them, and commits
// them together. Where a commit has failed it is tried again as it was: it may
// be in the log already.
func (x *Indexer) step(ctx context.Context) error {
	if b := x.pending; b == nil || !b.from.same(x.position()) {
		var err error
		if x.pending, err = x.readNext(ctx); err != nil {
			return err
		}
		if err = x.fault("read"); err != nil {
			return err
		}
	}
	err := x.commit(ctx, x.pending)
	if err == nil {
		x.pending = nil
	}
	return err
}

func (x *Indexer) position() cursor {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.cursor
}

// moved publishes a committed batch to readers.
func (x *Indexer) moved(to cursor, born map[cocoon.Account]wrappers.Kind) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cursor = to
	maps.Copy(x.known, born)
	close(x.changed)
	x.changed = make(chan struct{})
}
