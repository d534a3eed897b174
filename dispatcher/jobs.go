package dispatcher

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// jobRow is what the dispatcher keeps of a job; the migration says what each
// column means. Empty is never NULL.
type jobRow struct {
	bun.BaseModel `bun:"table:jobs"`

	Account   []byte `bun:",pk"`
	Status    market.Status
	Until     uint32
	ClosedAt  uint32
	Payload   []byte
	Offer     []byte
	ResultKey []byte
	Token     []byte
	Worker    []byte
	Accept    []byte
	AcceptTo  []byte
	AcceptEnd uint32
	Result    []byte
	Deliver   []byte
	Swept     uint8
}

func newJobRow(a cocoon.Account) *jobRow {
	none := []byte{}
	return &jobRow{Account: a[:], Payload: none, Offer: none, ResultKey: none, Token: none, Worker: none, Accept: none, AcceptTo: none, Result: none, Deliver: none}
}

func (r *jobRow) account() cocoon.Account { return cocoon.Account(r.Account) }
func (r *jobRow) registered() bool        { return len(r.Offer) > 0 }
func (r *jobRow) closed() bool            { return r.Status.Over() }

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
	if j.Status.Over() && !r.closed() {
		r.ClosedAt = time
	}
	r.Status, r.Until, r.Payload, r.Worker = j.Status, j.Until, payload, worker
	if j.Status == market.Open {
		r.Until = j.AcceptBy
	}
	return nil
}

// job is the row of a, or NotFound.
func (s *store) job(ctx context.Context, db bun.IDB, a cocoon.Account) (*jobRow, error) {
	row := new(jobRow)
	err := db.NewSelect().Model(row).Where("account = ?", a[:]).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, cocoon.NotFound.Errorf("job %s is not known here", a)
	}
	if err != nil {
		return nil, fmt.Errorf("load job %s: %w", a, err)
	}
	return row, nil
}

// save writes the row as it is, with those columns if any are named.
func (s *store) save(ctx context.Context, db bun.IDB, row *jobRow, columns ...string) error {
	var err error
	if len(columns) == 0 {
		_, err = db.NewInsert().Model(row).On("CONFLICT (account) DO UPDATE").Exec(ctx)
	} else {
		_, err = db.NewUpdate().Model(row).Column(columns...).WherePK().Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("save job %s: %w", row.account(), diskError(err))
	}
	return nil
}

// unfinished are the jobs that are on chain and not closed.
func (s *store) unfinished(ctx context.Context) (rows []*jobRow, err error) {
	err = s.db.NewSelect().Model(&rows).Where("status IN (?)", bun.List([]market.Status{market.Open, market.Accepted, market.Delivered, market.Disputed})).Order("account").Scan(ctx)
	return rows, err
}

// Outcomes of an attempt that no refusal names.
const (
	pending  = ""         // the worker was granted the payload's key
	silent   = "silent"   // it never answered
	unusable = "unusable" // what it signed is of no use
)

// attempts are the workers that were granted the key of a job's payload, and
// what came of it.
func (s *store) attempts(ctx context.Context, a cocoon.Account) (map[bus.ID]string, error) {
	var rows []struct {
		Worker  []byte
		Outcome string
	}
	if err := s.db.NewRaw(`SELECT worker, outcome FROM attempts WHERE job = ?`, a[:]).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("load attempts of job %s: %w", a, err)
	}
	all := make(map[bus.ID]string, len(rows))
	for _, r := range rows {
		all[bus.ID(r.Worker)] = r.Outcome
	}
	return all, nil
}

// dropAccept gives up the accept in flight: it did not bind the job.
func (s *store) dropAccept(ctx context.Context, db bun.IDB, row *jobRow) error {
	row.Accept, row.AcceptTo, row.AcceptEnd = []byte{}, []byte{}, 0
	_, err := db.NewRaw(`UPDATE attempts SET outcome = ? WHERE job = ? AND outcome = ''`, unusable, row.Account).Exec(ctx)
	if err == nil {
		err = s.save(ctx, db, row, "accept", "accept_to", "accept_end")
	}
	return err
}

// addAttempt notes a grant unless something is known of it already.
func (s *store) addAttempt(ctx context.Context, a cocoon.Account, w bus.ID) error {
	if _, err := s.db.NewRaw(`INSERT INTO attempts (job, worker, outcome) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, a[:], w[:], pending).Exec(ctx); err != nil {
		return fmt.Errorf("save attempt of job %s: %w", a, diskError(err))
	}
	return nil
}

func (s *store) setAttempt(ctx context.Context, db bun.IDB, a cocoon.Account, w bus.ID, outcome string) error {
	_, err := db.NewRaw(`INSERT INTO attempts (job, worker, outcome) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET outcome = excluded.outcome`, a[:], w[:], outcome).Exec(ctx)
	if err != nil {
		return fmt.Errorf("save attempt of job %s: %w", a, diskError(err))
	}
	return nil
}
