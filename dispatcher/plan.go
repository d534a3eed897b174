package dispatcher

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// plan is one epoch as we will pay it, or pay it already.
type plan struct {
	bun.BaseModel `bun:"table:epochs"`

	Rewards []byte `bun:",pk"`
	Number  uint32 `bun:",pk"`
	Leaves  string // JSON
	Account []byte // the attempt on chain, empty while none is known
	Tried   uint32 // one more than the attempt that may have been sent with these leaves
	Done    bool

	leaves []wrappers.Leaf
}

func (p *plan) opened() bool            { return len(p.Account) > 0 }
func (p *plan) account() cocoon.Account { return cocoon.Account(p.Account) }

// plans are those that are not done, oldest first.
func (s *store) plans(ctx context.Context, rewards cocoon.Account) (all []*plan, err error) {
	if err = s.db.NewSelect().Model(&all).Where("rewards = ? AND NOT done", rewards[:]).Order("number").Scan(ctx); err != nil {
		return nil, fmt.Errorf("load epochs: %w", err)
	}
	for _, p := range all {
		if err = json.Unmarshal([]byte(p.Leaves), &p.leaves); err != nil {
			return nil, fmt.Errorf("load epoch %d: %w", p.Number, err)
		}
	}
	return all, nil
}

// plan writes a new epoch down and takes what it covers off the measure, so that
// what was counted meanwhile belongs to the epoch after it.
func (s *store) plan(ctx context.Context, rewards cocoon.Account, number uint32, leaves []wrappers.Leaf, covered []service, now uint32) error {
	text, err := json.Marshal(leaves)
	if err != nil {
		return fmt.Errorf("plan epoch %d: %w", number, err)
	}
	p := plan{Rewards: rewards[:], Number: number, Leaves: string(text), Account: []byte{}}
	return s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&p).Exec(ctx); err != nil {
			return fmt.Errorf("plan epoch %d: %w", number, diskError(err))
		}
		for _, c := range covered {
			_, err := tx.NewRaw(`UPDATE service SET up = up - ?, total = total - ?, requests = requests - ?, tokens = tokens - ?, failures = failures - ? WHERE worker = ?`,
				c.Up, c.Total, c.Requests, c.Tokens, c.Failures, c.Worker).Exec(ctx)
			if err != nil {
				return fmt.Errorf("plan epoch %d: %w", number, diskError(err))
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE cursor SET since = ?`, now); err != nil {
			return fmt.Errorf("plan epoch %d: %w", number, diskError(err))
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM service WHERE total = 0 AND requests = 0 AND failures = 0`)
		return diskError(err)
	})
}

// since is when the last epoch was planned, or when somebody first asked.
func (s *store) since(ctx context.Context, now uint32) (at uint32, err error) {
	err = s.db.NewRaw(`UPDATE cursor SET since = CASE since WHEN 0 THEN ? ELSE since END RETURNING since`, now).Scan(ctx, &at)
	return at, diskError(err)
}

// replan saves p as it is.
func (s *store) replan(ctx context.Context, p *plan) error {
	text, err := json.Marshal(p.leaves)
	if err == nil {
		p.Leaves = string(text)
		_, err = s.db.NewUpdate().Model(p).WherePK().Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("save epoch %d: %w", p.Number, diskError(err))
	}
	return nil
}

// recognise binds the pending epoch to its plan. One that we did not plan has
// no leaves here: it can only be failed, or passed once others published it.
func (s *store) recognise(ctx context.Context, plans []*plan, rewards cocoon.Account, r wrappers.Rewards) ([]*plan, error) {
	for _, p := range plans {
		if p.Number != r.Number {
			continue
		}
		if p.opened() && p.account() == r.Pending {
			return plans, nil
		}
		p.Account = r.Pending[:]
		return plans, s.replan(ctx, p)
	}
	return append(plans, &plan{Rewards: rewards[:], Number: r.Number, Account: r.Pending[:]}), nil
}

// openFailed notes that the rewards contract refused what was sent for number:
// its leaves may change.
func (s *store) openFailed(ctx context.Context, db bun.IDB, rewards cocoon.Account, number uint64) error {
	_, err := db.NewRaw(`UPDATE epochs SET tried = 0 WHERE rewards = ? AND number = ? AND account = x''`, rewards[:], number).Exec(ctx)
	return diskError(err)
}
