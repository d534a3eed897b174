package indexer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// worker applies the operations on a provider's workers.
func (p projector) worker(ctx context.Context, o *occurrence, s *providerState) error {
	switch o.Name {
	case "put_worker":
		return p.putWorker(ctx, o, s)
	case "retire_worker":
		return p.retireWorker(ctx, o, s)
	case "report_equivocation":
		return p.slashWorker(ctx, o, s)
	case "prune":
		m, err := message[wrappers.Prune](o)
		if err != nil {
			return err
		}
		_, err = p.tx.ExecContext(ctx, `DELETE FROM workers WHERE provider = ? AND key = ?`, o.Account[:], m.Worker[:])
		return err
	}
	return fmt.Errorf("%w: a provider that takes %s", errUnread, o.Name)
}

func (p projector) putWorker(ctx context.Context, o *occurrence, s *providerState) error {
	m, err := message[wrappers.PutWorker](o)
	if err != nil {
		return err
	}
	signed, err := order[wrappers.PutWorkerOrder](m.Order)
	if err != nil {
		return err
	}
	gpus, err := gpusOf(signed.Record)
	if err != nil {
		return err
	}
	before, err := p.workerGPUs(ctx, o.Account, signed.Worker)
	if err != nil {
		return err
	}
	if before == 0 {
		p.rows.tally.workers = 1
	}
	s.Revision, s.GPUs = signed.Revision, s.GPUs-before+gpus
	_, err = p.tx.ExecContext(ctx, `INSERT INTO workers (seq, provider, key, retired_at, gpus, record) VALUES (?0, ?1, ?2, 0, ?3, ?4)
		ON CONFLICT (provider, key) DO UPDATE SET gpus = ?3, record = ?4`, o.Seq, o.Account[:], signed.Worker[:], gpus, signed.Record.ToBOC())
	return err
}

func (p projector) retireWorker(ctx context.Context, o *occurrence, s *providerState) error {
	m, err := message[wrappers.RetireWorker](o)
	if err != nil {
		return err
	}
	signed, err := order[wrappers.RetireWorkerOrder](m.Order)
	if err != nil {
		return err
	}
	gpus, err := p.workerGPUs(ctx, o.Account, signed.Worker)
	if err != nil {
		return err
	}
	p.rows.tally.workers = -1
	s.Revision, s.GPUs = signed.Revision, s.GPUs-gpus
	_, err = p.tx.ExecContext(ctx, `UPDATE workers SET retired_at = ? WHERE provider = ? AND key = ?`, o.Time, o.Account[:], signed.Worker[:])
	return err
}

// slashWorker takes the worker's share: from the stake, then from the newest tranches, as far as there is any. What
// is taken leaves in the event's messages. The worker is dead from here on.
func (p projector) slashWorker(ctx context.Context, o *occurrence, s *providerState) error {
	m, err := message[wrappers.ReportEquivocation](o)
	if err != nil {
		return err
	}
	var retiredAt, gpus uint32
	err = p.tx.QueryRowContext(ctx, `SELECT retired_at, gpus FROM workers WHERE provider = ? AND key = ?`, o.Account[:], m.Worker[:]).Scan(&retiredAt, &gpus)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: a report of a worker that is not known", errUnread)
	}
	if err != nil {
		return err
	}
	if retiredAt == 0 {
		p.rows.tally.workers = -1
		s.GPUs, retiredAt = s.GPUs-gpus, o.Time
	}
	if err = s.slash(gpus); err != nil {
		return err
	}
	_, err = p.tx.ExecContext(ctx, `UPDATE workers SET retired_at = ?, slashed = 1 WHERE provider = ? AND key = ?`, retiredAt, o.Account[:], m.Worker[:])
	return err
}

// workerGPUs is how many GPUs a worker has, 0 where it is not known.
func (p projector) workerGPUs(ctx context.Context, provider cocoon.Account, worker key) (gpus uint32, err error) {
	err = p.tx.QueryRowContext(ctx, `SELECT gpus FROM workers WHERE provider = ? AND key = ?`, provider[:], worker[:]).Scan(&gpus)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return gpus, err
}

// gpusOf reads the number of GPUs off a record, whatever its texts and models say.
func gpusOf(record *cell.Cell) (uint32, error) {
	s, err := bodyAfter(record, 256+128)
	if err != nil {
		return 0, err
	}
	gpus, err := s.LoadUInt(16)
	if err != nil {
		return 0, fmt.Errorf("%w: record: %w", errUnread, err)
	}
	return uint32(gpus), nil
}
