package dispatcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// effects are what a batch of events changes outside the database.
type effects struct {
	roster, goods bool
	rewards       bool // our contract
	jobs          map[cocoon.Account]change
	channels      map[cocoon.Account]bool // anybody's; true where a voucher was taken
}

// change is a job's row before and after a batch.
type change struct{ before, after jobRow }

// read applies all new events. Each batch moves the cursor in the transaction
// that writes what follows from it, so a restart misses and repeats nothing. It
// returns the seq of the last event.
func (d *Dispatcher) read(ctx context.Context) (seq uint64, err error) {
	for {
		if seq, err = d.store.position(ctx); err != nil {
			return seq, err
		}
		events, err := d.deps.Feed.Events(ctx, seq, eventBatch)
		if err != nil || len(events) == 0 {
			return seq, err
		}
		x := effects{jobs: map[cocoon.Account]change{}, channels: map[cocoon.Account]bool{}}
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
			return seq, diskError(err)
		}
		d.settle(x)
	}
}

func (x *effects) note(before, after jobRow) {
	if first, seen := x.jobs[after.account()]; seen {
		before = first.before
	}
	x.jobs[after.account()] = change{before, after}
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
	case "channel":
		x.channels[e.Account] = x.channels[e.Account] || e.Name == "settle" && e.OK
	case "rewards":
		x.rewards = x.rewards || e.Account == d.cfg.Keeper.Rewards
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
