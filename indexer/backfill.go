package indexer

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/indexer/feed"
)

// backfill is one catching up by the histories of our contracts: it reads which
// accounts there are, where our contracts stand, their transactions back along the
// hashes that name them, and then only those blocks that hold one of them.
//
// Whatever it commits is what reading every block commits at the same masterchain
// block: it may end anywhere, and either way goes on from there.
type backfill struct {
	*Indexer
	archive Archive
	at      cursor       // where the log ends
	floor   *feed.Master // that block; nil where the log begins with the chain
	head    *feed.Master // where it will end

	ours map[cocoon.Account]bool // whose transactions are placed

	mu      sync.Mutex
	masters map[uint32]*feed.Master // read so far
	told    time.Time               // when progress was told last
	pace    time.Duration           // from one telling to the next
}

// backfill catches up where as many masterchain blocks are missing as Config.Backfill says.
func (x *Indexer) backfill(ctx context.Context) error {
	archive, ok := x.cfg.Chain.(Archive)
	if x.cfg.Backfill == 0 || !ok {
		return nil
	}
	head, err := archive.HeadFrom(ctx, x.position().seqno)
	if err != nil {
		return err
	}
	if head.SeqNo-x.position().seqno < x.cfg.Backfill {
		return nil
	}
	b := &backfill{Indexer: x, archive: archive, at: x.position(), ours: map[cocoon.Account]bool{}, masters: map[uint32]*feed.Master{}, told: time.Now(), pace: firstProgress}
	x.log.Info("backfill begins", "seqno", b.at.seqno, "head", head.SeqNo)
	if err = b.run(ctx, head); err != nil {
		return fmt.Errorf("backfill up to block %d: %w", head.SeqNo, err)
	}
	if x.position().seqno == b.at.seqno {
		return nil
	}
	x.log.Info("backfill done", "seqno", head.SeqNo, "events", x.position().events-b.at.events)
	return nil
}

func (b *backfill) run(ctx context.Context, head *ton.BlockIDExt) (err error) {
	if b.head, err = b.master(ctx, head); err != nil {
		return err
	}
	if err = b.readFloor(ctx); err != nil {
		return err
	}
	if worth, err := b.worth(ctx); err != nil || !worth {
		return err
	}
	if err = b.endures(ctx); err != nil {
		return err
	}
	found, err := b.survey(ctx)
	if err != nil {
		return err
	}
	if err = b.fault("surveyed"); err != nil {
		return err
	}
	steps, err := b.histories(ctx, found)
	if err != nil {
		return err
	}
	return b.fill(ctx, steps)
}

// readFloor reads the block that the log ends with, or begins after.
func (b *backfill) readFloor(ctx context.Context) error {
	if b.at.seqno == 0 {
		return nil
	}
	floor, err := b.masterOf(ctx, b.at.seqno)
	if err != nil {
		return err
	}
	if b.at.root != [32]byte{} && !bytes.Equal(floor.ID.RootHash, b.at.root[:]) {
		return otherChain("block %d was indexed with root %x and has root %x now", b.at.seqno, b.at.root, floor.ID.RootHash)
	}
	b.floor = floor
	return nil
}

// masterOf is the masterchain block of a seqno, proven: by itself, or as the one
// before another that is.
func (b *backfill) masterOf(ctx context.Context, seqno uint32) (*feed.Master, error) {
	b.mu.Lock()
	m := b.masters[seqno]
	b.mu.Unlock()
	if m != nil {
		return m, nil
	}
	id, err := asking(ctx, b.Indexer, func() (*ton.BlockIDExt, error) { return b.archive.LookupMaster(ctx, seqno) })
	if err != nil {
		return nil, err
	}
	return b.master(ctx, id)
}

// master reads a masterchain block, once.
func (b *backfill) master(ctx context.Context, id *ton.BlockIDExt) (*feed.Master, error) {
	b.mu.Lock()
	m := b.masters[id.SeqNo]
	b.mu.Unlock()
	if m != nil {
		return m, nil
	}
	m, err := asking(ctx, b.Indexer, func() (*feed.Master, error) { return feed.ReadMaster(ctx, b.archive, id) })
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.masters[id.SeqNo] = m
	return m, nil
}

// retries is how often a liteserver may say that it does not have what is proven
// to be there: it can be behind.
const retries = 10

// asking asks the chain until it is reached or ctx ends: what was read so far is
// not read again because of one server.
func asking[T any](ctx context.Context, x *Indexer, ask func() (T, error)) (v T, err error) {
	for tries := 0; ; tries++ {
		err = x.persist(ctx, func(context.Context) (err error) {
			v, err = ask()
			return err
		})
		if cocoon.KindOf(err) != cocoon.NotFound || tries == retries {
			return v, err
		}
		select {
		case <-time.After(x.pause):
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

// notKept explains why a liteserver does not have what is asked of the past.
func notKept(err error) error {
	if cocoon.KindOf(err) != cocoon.NotFound {
		return err
	}
	return cocoon.WithHint(err, "a backfill needs liteservers that keep old states and transactions; without it, every block is read instead")
}

// A backfill tells how far it is after a second, and then less and less often.
const (
	firstProgress = time.Second
	lastProgress  = 30 * time.Second
)

// progress tells now and then how much of a part of the work is done, of 1.
func (b *backfill) progress(part string, done float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.told) < b.pace {
		return
	}
	b.told, b.pace = time.Now(), min(2*b.pace, lastProgress)
	b.log.Info("backfill goes on", "part", part, "done", done)
	if b.cfg.Progress != nil {
		b.cfg.Progress(part, done)
	}
}

// prefixes are the addresses of all shards of the basechain.
func (b *backfill) prefixes() (list []chain.Prefix) {
	for _, top := range b.head.Tops {
		if top.Workchain == 0 {
			list = append(list, chain.PrefixOf(top))
		}
	}
	return list
}
