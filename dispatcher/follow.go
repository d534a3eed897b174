package dispatcher

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

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
		head := d.deps.Feed.Head()
		if err = d.read(ctx); err == nil {
			err = d.refresh(ctx)
		}
		if err == nil {
			err = d.measure(ctx, head.Time)
		}
		if err == nil {
			err = d.due(ctx, head.Time)
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

// effects are what a batch of events changes outside the database.
type effects struct {
	roster, goods bool
	jobs          map[cocoon.Account]change
}

// change is a job's row before and after a batch.
type change struct{ before, after jobRow }

// read applies all new events. Each batch moves the cursor in the transaction
// that writes what follows from it, so a restart misses and repeats nothing.
func (d *Dispatcher) read(ctx context.Context) error {
	for {
		at, err := d.store.position(ctx)
		if err != nil {
			return err
		}
		events, err := d.deps.Feed.Events(ctx, at, eventBatch)
		if err != nil || len(events) == 0 {
			return err
		}
		x := effects{jobs: map[cocoon.Account]change{}}
		err = d.store.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			for _, e := range events {
				if err := d.readEvent(ctx, tx, e, &x); err != nil {
					return fmt.Errorf("event %d: %w", e.Seq, err)
				}
			}
			_, err := tx.ExecContext(ctx, `UPDATE cursor SET seq = ?`, events[len(events)-1].Seq)
			return err
		})
		if err != nil {
			return diskError(err)
		}
		d.settle(x)
	}
}

func (d *Dispatcher) readEvent(ctx context.Context, tx bun.Tx, e market.Event, x *effects) error {
	switch e.Contract {
	case "registry":
		x.goods = true
	case "provider":
		x.roster = true
		if e.Name == "accept_job" && !e.OK && e.From == d.deps.Sender.Account() {
			return d.acceptFailed(ctx, tx, e, x)
		}
	case "rewards":
		if e.Name == "open_epoch" && !e.OK && e.Account == d.cfg.Keeper.Rewards && e.From == d.deps.Sender.Account() {
			number, err := queryOf(e)
			if err != nil {
				return err
			}
			return d.store.openFailed(ctx, tx, e.Account, number)
		}
	case "job":
		return d.readJob(ctx, tx, e, x)
	}
	return nil
}

// readJob brings the row of a job of ours up to date with the index, which may
// be ahead of e already. What is counted is counted by the event.
func (d *Dispatcher) readJob(ctx context.Context, tx bun.Tx, e market.Event, x *effects) error {
	j, err := d.deps.Index.Job(ctx, e.Account)
	if cocoon.KindOf(err) == cocoon.NotFound || err == nil && j.Dispatcher != d.cfg.Payee {
		return nil // somebody else's
	}
	if err != nil {
		return err
	}
	row, err := d.store.job(ctx, tx, e.Account)
	if cocoon.KindOf(err) == cocoon.NotFound {
		row, err = newJobRow(e.Account), nil
	}
	if err != nil {
		return err
	}
	before := *row
	if err = row.follow(j, e.Time); err != nil {
		return err
	}
	switch {
	case e.Name == "accept" && !e.OK && len(row.Accept) > 0 && e.From == cocoon.Account(row.AcceptTo):
		err = d.store.dropAccept(ctx, tx, row)
	case e.Name == "deliver" && e.OK:
		err = d.store.count(ctx, tx, row.Worker, j.Provider, served{requests: 1, tokens: j.Usage.Total()})
	case e.Name == "expire" && e.OK && j.Status == market.Slashed:
		err = d.store.count(ctx, tx, row.Worker, j.Provider, served{failures: 1})
	}
	if err != nil {
		return err
	}
	x.note(before, *row)
	return d.store.save(ctx, tx, row)
}

// follow takes over what the index says at an event of that time.
func (r *jobRow) follow(j market.Job, time uint32) error {
	payload, err := hex.DecodeString(j.Payload)
	if err != nil {
		return fmt.Errorf("payload hash of job %s: %w", j.Account, err)
	}
	worker, err := hex.DecodeString(j.Worker)
	if err != nil || len(worker) != 0 && len(worker) != len(bus.ID{}) {
		return cocoon.Internal.Errorf("worker of job %s is no key", j.Account)
	}
	if isClosed(j.Status) && !r.closed() {
		r.ClosedAt = time
	}
	r.Status, r.Until, r.Payload, r.Worker = j.Status, j.Until, payload, worker
	if j.Status == market.Open {
		r.Until = j.AcceptBy
	}
	return nil
}

func (x *effects) note(before, after jobRow) {
	if first, seen := x.jobs[after.account()]; seen {
		before = first.before
	}
	x.jobs[after.account()] = change{before, after}
}

// acceptFailed notes that a provider refused the accept we relayed. The job is
// told by the query id, which we chose.
func (d *Dispatcher) acceptFailed(ctx context.Context, tx bun.Tx, e market.Event, x *effects) error {
	id, err := queryOf(e)
	if err != nil {
		return err
	}
	var rows []*jobRow
	if err := tx.NewSelect().Model(&rows).Where("accept_to = ? AND accept != x''", e.Account[:]).Scan(ctx); err != nil {
		return err
	}
	for _, row := range rows {
		if queryID(row.account()) != id {
			continue
		}
		before := *row
		if err := errors.Join(d.store.dropAccept(ctx, tx, row), d.store.save(ctx, tx, row)); err != nil {
			return err
		}
		x.note(before, *row)
	}
	return nil
}

// queryOf is the query id of an event's message.
func queryOf(e market.Event) (uint64, error) {
	var data struct {
		QueryID uint64 `json:"query_id"`
	}
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return 0, fmt.Errorf("read %s: %w", e.Name, err)
	}
	return data.QueryID, nil
}

// settle carries a batch's effects to what lives in memory.
func (d *Dispatcher) settle(x effects) {
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
