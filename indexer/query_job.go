package indexer

import (
	"context"
	"database/sql"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// JobFilter narrows a list of jobs; what is nil or "" does not count.
type JobFilter struct {
	Status   market.Status
	Client   *cocoon.Account
	Provider *cocoon.Account
	account  *cocoon.Account
}

// Jobs are the jobs ever opened that pass the filter, in the order of their births.
func (x *Indexer) Jobs(ctx context.Context, f JobFilter) ([]market.Job, error) {
	return items(x.jobs(ctx, span{}, f))
}

// Job is the job at a; NotFound where none was opened.
func (x *Indexer) Job(ctx context.Context, a cocoon.Account) (market.Job, error) {
	list, err := x.jobs(ctx, span{limit: 1}, JobFilter{account: &a})
	return only(list, err, "opened job", a)
}

func (x *Indexer) jobs(ctx context.Context, s span, f JobFilter) ([]numbered[market.Job], error) {
	q := narrowed(narrowed(narrowed(x.fromStates("jobs"), "t.account", f.account), "t.client", f.Client), "t.provider", f.Provider)
	if f.Status != "" {
		q = q.Where("t.status = ?", f.Status)
	} else {
		q = q.Where("t.status != ''")
	}
	return collect(ctx, x.store, q, "t.seq", s, func(rows *sql.Rows) (uint64, market.Job, error) {
		r, err := scanState[jobRecord](rows)
		if err != nil {
			return r.seq, market.Job{}, err
		}
		return r.seq, r.state.told(r.account), nil
	})
}

func (j *jobRecord) told(account cocoon.Account) market.Job {
	t := market.Job{Account: account, Client: j.Client, Dispatcher: j.Dispatcher, Model: j.Model, Status: j.status(), Budget: j.Budget, MinBond: j.MinBond,
		Caps: j.Caps, OpenedAt: j.OpenedAt, AcceptBy: j.AcceptBy, Until: j.Until, Arbiter: j.Arbiter, Deposit: j.Deposit, DefaultBps: j.DefaultBps,
		Paid: j.Paid.Amount, ToProvider: j.Paid.Provider, ToArbiter: j.Paid.Arbiter, Awarded: j.Paid.Awarded, ToClient: j.ToClient, Payload: j.Payload.text()}
	if j.Ended != "" {
		t.Until = 0
	}
	if b := j.Bound; b != nil {
		t.Provider, t.Worker, t.Bond = b.Provider, b.Worker.text(), b.Bond
	}
	if r := j.Result; r != nil {
		t.Amount, t.Result, t.Usage = r.Amount, r.Hash.text(), r.Usage
	}
	return t
}
