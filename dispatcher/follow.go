package dispatcher

import (
	"context"
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// eventBatch is how many events are read in one transaction.
const eventBatch = 256

// follow reads events and does what is due at each block, until ctx ends.
func (d *Dispatcher) follow(ctx context.Context) error {
	err := d.resume(ctx)
	for err == nil {
		head, seq := d.deps.Feed.Head(), uint64(0)
		if seq, err = d.read(ctx); err == nil {
			err = d.refresh(ctx)
		}
		if err == nil {
			err = d.clerk.tell(ctx, head, seq)
		}
		if err == nil {
			err = d.measure(ctx, head.Time)
		}
		if err == nil {
			err = d.due(ctx, head.Time)
		}
		if err == nil {
			err = d.clerk.settle(ctx)
		}
		if err == nil {
			d.desks.pulse()
			err = d.nextBlock(ctx, head.Seqno+1)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("follow the chain: %w", err)
}

// nextBlock waits for a block, or for news that do not come from the chain.
func (d *Dispatcher) nextBlock(ctx context.Context, seqno uint32) error {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	block := make(chan error, 1)
	go func() { block <- d.deps.Feed.WaitSeqno(waiting, seqno) }()
	select {
	case err := <-block:
		return err
	case <-d.nudged:
		return nil
	}
}

// nudge makes follow look at once.
func (d *Dispatcher) nudge() {
	select {
	case d.nudged <- struct{}{}:
	default: // it will look anyway
	}
}

// resume takes up again what was under way.
func (d *Dispatcher) resume(ctx context.Context) error {
	rows, err := d.store.unfinished(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.Status == market.Accepted {
			d.roster.hold(bus.ID(r.Worker))
		}
	}
	return nil
}

// settle carries a batch's effects to what lives in memory.
func (d *Dispatcher) settle(x effects) {
	d.clerk.hear(x)
	d.stale.goods, d.stale.roster = d.stale.goods || x.goods, d.stale.roster || x.roster
	for a, c := range x.jobs {
		if c.before.Status == market.Accepted && c.after.Status != market.Accepted {
			d.roster.release(bus.ID(c.before.Worker))
		}
		if c.before.Status != c.after.Status {
			d.log.Info("job "+string(c.after.Status), "job", a)
			d.relay.forget(deliverOp.of(a), expireOp.of(a), finishOp.of(a))
		}
		if c.after.closed() {
			d.desks.close(a)
			d.uploads.drop(a)
		}
	}
}

// refresh reads anew what events have changed. While the chain does not answer,
// the old state serves on.
func (d *Dispatcher) refresh(ctx context.Context) error {
	if d.stale.goods {
		err := d.goods.refresh(ctx, d.deps.Chain, d.cfg.Registry)
		if err != nil && cocoon.KindOf(err) != cocoon.Unreachable {
			return err
		}
		if d.stale.goods = err != nil; err != nil && ctx.Err() == nil {
			d.log.Warn("registry not read, it is tried again at the next block", "error", err)
		}
	}
	if d.stale.roster {
		if err := d.refreshRoster(ctx); err != nil {
			return err
		}
		d.stale.roster = false
	}
	return nil
}

// refreshRoster reads who may work and disconnects who no longer may.
func (d *Dispatcher) refreshRoster(ctx context.Context) error {
	providers, err := d.deps.Index.Providers(ctx)
	if err != nil {
		return fmt.Errorf("read providers: %w", err)
	}
	workers, err := d.deps.Index.Workers(ctx)
	if err != nil {
		return fmt.Errorf("read workers: %w", err)
	}
	for _, w := range d.roster.refresh(workers, providers) {
		d.link.door.expel(w)
	}
	return nil
}
