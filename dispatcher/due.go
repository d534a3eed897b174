package dispatcher

import (
	"context"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// op is what the relay sends for a job.
type op string

const (
	acceptOp  op = "accept_job"
	deliverOp op = "deliver"
	expireOp  op = "expire"
	finishOp  op = "finish"
)

// of names the op for one job.
func (o op) of(a cocoon.Account) string { return string(o) + " of job " + a.String() }

// maxDelivers is how often a delivery is tried before a job may run out.
const maxDelivers = 3

// Kept after a job is closed, in seconds of the chain.
const (
	keepPayload = 3600
	keepResult  = 30 * 86400
)

// due does what the chain's time allows now: anyone may, so all of it may have
// been done by somebody else.
func (d *Dispatcher) due(ctx context.Context, now uint32) error {
	rows, err := d.store.unfinished(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		d.dueJob(ctx, r, now)
	}
	return d.sweep(ctx, now)
}

func (d *Dispatcher) dueJob(ctx context.Context, r *jobRow, now uint32) {
	a, over := r.account(), now >= r.Until
	delivered := r.Status == market.Delivered || r.Status == market.Disputed
	switch {
	case r.Status == market.Accepted && len(r.Deliver) > 0 && d.relayDeliver(ctx, r) < maxDelivers:
	case delivered && over:
		d.relay.once(ctx, finishOp.of(a), func(ctx context.Context) (chain.Message, error) {
			fees, err := wrappers.GetJobFees(ctx, d.deps.Chain, a)
			if err != nil {
				return chain.Message{}, err
			}
			return message(a, fees.Finish, wrappers.Finish{QueryID: queryID(a), Response: d.deps.Sender.Account()})
		})
	case over:
		d.relay.once(ctx, expireOp.of(a), func(ctx context.Context) (chain.Message, error) {
			fees, err := wrappers.GetJobFees(ctx, d.deps.Chain, a)
			if err != nil {
				return chain.Message{}, err
			}
			return message(a, fees.Expire, wrappers.Expire{QueryID: queryID(a), Response: d.deps.Sender.Account()})
		})
	case r.Status == market.Open && r.registered() && d.blobs.Has([32]byte(r.Payload)):
		d.startMatch(ctx, a)
	}
}

// relayDeliver sends the delivery that the worker signed, also late: the job
// takes it until somebody expires it.
func (d *Dispatcher) relayDeliver(ctx context.Context, r *jobRow) int {
	a := r.account()
	return d.relay.once(ctx, deliverOp.of(a), func(ctx context.Context) (chain.Message, error) {
		body, err := cell.FromBOC(r.Deliver)
		if err != nil {
			return chain.Message{}, cocoon.Internal.Errorf("stored delivery of job %s: %w", a, err)
		}
		fees, err := wrappers.GetJobFees(ctx, d.deps.Chain, a)
		return chain.Message{To: a, Amount: fees.Deliver, Bounce: true, Body: body}, err
	})
}

// relayAccept sends the accept that the operator signed.
func (d *Dispatcher) relayAccept(ctx context.Context, r *jobRow) {
	d.relay.once(ctx, acceptOp.of(r.account()), func(ctx context.Context) (chain.Message, error) {
		body, err := cell.FromBOC(r.Accept)
		if err != nil {
			return chain.Message{}, cocoon.Internal.Errorf("stored accept of job %s: %w", r.account(), err)
		}
		provider := cocoon.Account(r.AcceptTo)
		fees, err := wrappers.GetProviderFees(ctx, d.deps.Chain, provider)
		return chain.Message{To: provider, Amount: fees.AcceptJob, Bounce: true, Body: body}, err
	})
}

// sweep forgets registrations that never came on chain, and blobs nobody needs.
func (d *Dispatcher) sweep(ctx context.Context, now uint32) error {
	var never [][]byte
	err := d.store.db.NewRaw(`DELETE FROM jobs WHERE status = '' AND until <= ? RETURNING account`, now).Scan(ctx, &never)
	if err != nil {
		return diskError(err)
	}
	for _, a := range never {
		d.desks.close(cocoon.Account(a))
	}
	var rows []*jobRow
	err = d.store.db.NewSelect().Model(&rows).Where("closed_at > 0").
		Where("(swept = 0 AND closed_at <= ?) OR (swept = 1 AND closed_at <= ?)", int64(now)-keepPayload, int64(now)-keepResult).Scan(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		swept := uint8(1)
		if err = d.blobs.Delete([32]byte(r.Payload)); err == nil && now >= r.ClosedAt+keepResult {
			swept = 2
			if len(r.Result) > 0 {
				err = d.blobs.Delete([32]byte(r.Result))
			}
		}
		if err != nil {
			return err
		}
		r.Swept = swept
		if err = d.store.save(ctx, d.store.db, r, "swept"); err != nil {
			return err
		}
	}
	return nil
}
