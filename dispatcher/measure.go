package dispatcher

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
)

// served is what an event adds to a worker's record of service.
type served struct {
	requests, failures uint32
	tokens             uint64
}

// count adds to what a worker did since the last epoch was planned.
func (s *store) count(ctx context.Context, db bun.IDB, worker []byte, provider cocoon.Account, d served) error {
	_, err := db.NewRaw(`INSERT INTO service (worker, provider, gpus, up, total, requests, tokens, failures, p50_ms) VALUES (?, ?, 0, 0, 0, ?, ?, ?, 0)
		ON CONFLICT (worker) DO UPDATE SET requests = requests + excluded.requests, tokens = tokens + excluded.tokens, failures = failures + excluded.failures`,
		worker, provider[:], d.requests, d.tokens, d.failures).Exec(ctx)
	if err != nil {
		return fmt.Errorf("count service of worker %x: %w", worker, diskError(err))
	}
	return nil
}

// measure adds the chain's time since the last look to each active worker's
// total, and to its uptime where it is up now. The first look after a start
// only sets the clock: nobody was watching before.
func (d *Dispatcher) measure(ctx context.Context, now uint32) error {
	from := d.measured.Load()
	if from == 0 || now <= from {
		d.measured.Store(now)
		return nil
	}
	all := d.roster.attendance()
	err := d.store.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		for _, a := range all {
			up := uint32(0)
			if a.up {
				up = now - from
			}
			_, err := tx.NewRaw(`INSERT INTO service (worker, provider, gpus, up, total, requests, tokens, failures, p50_ms) VALUES (?, ?, ?, ?, ?, 0, 0, 0, ?)
				ON CONFLICT (worker) DO UPDATE SET provider = excluded.provider, gpus = excluded.gpus, up = up + excluded.up, total = total + excluded.total,
				p50_ms = CASE WHEN excluded.p50_ms > 0 THEN excluded.p50_ms ELSE p50_ms END`,
				a.worker[:], a.provider[:], a.gpus, up, now-from, a.p50).Exec(ctx)
			if err != nil {
				return fmt.Errorf("measure worker %s: %w", a.worker, diskError(err))
			}
		}
		return nil
	})
	if err == nil {
		d.measured.Store(now)
	}
	return err
}
