package dispatcher

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/dispatcher/ledger"
	"github.com/cocoon-network/cocoon/wrappers"
)

// KeeperConfig says which rewards contract is kept, and how. Times are seconds
// of the chain.
type KeeperConfig struct {
	Rewards   cocoon.Account // zero keeps none; our wallet has to be its operator
	Period    uint32         // that an epoch measures at least
	MinUptime uint16         // in 1/10000; a worker below it is paid nothing
	Grace     uint32         // after an epoch passed, in which providers may claim before we push
}

// DefaultKeeperConfig has the network's usual day.
func DefaultKeeperConfig() KeeperConfig { return KeeperConfig{Period: 86400, MinUptime: 5000} }

// Validate reports what is out of range.
func (c KeeperConfig) Validate() error {
	if c.Period == 0 || c.MinUptime > 10_000 {
		return cocoon.Invalid.Errorf("an epoch measures at least one second, and an uptime is at most 10000 bps")
	}
	return nil
}

// keeper pays out the pot of one rewards contract, an epoch at a time. All it
// does it derives anew from the chain's state and its own plans, so it may be
// stopped at any point.
type keeper struct {
	cfg    KeeperConfig
	bps    uint16 // of what channels pay, to payee
	payee  cocoon.Account
	deps   Deps
	log    *slog.Logger
	store  *store
	relay  *relay
	ledger *ledger.Ledger // nil where none is kept
	clerk  *clerk         // likewise

	measured func() uint32 // chain time up to which uptime is in the store
}

// run does what is due at each block until ctx ends.
func (k *keeper) run(ctx context.Context) error {
	if k.cfg.Rewards.IsZero() {
		return nil
	}
	for {
		head := k.deps.Feed.Head()
		if err := k.step(ctx, head.Time); err != nil && ctx.Err() == nil {
			k.log.Warn("epoch not kept", "rewards", k.cfg.Rewards, "error", err, "hint", cocoon.HintOf(err))
		}
		if err := k.deps.Feed.WaitSeqno(ctx, head.Seqno+1); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("wait for a block: %w", err)
		}
	}
}

// step looks at the chain once. Epochs that passed are paid while the next one
// is already measured.
func (k *keeper) step(ctx context.Context, now uint32) error {
	r, err := readRewards(ctx, k.deps.Chain, k.cfg.Rewards)
	if err != nil {
		return err
	}
	plans, err := k.store.plans(ctx, k.cfg.Rewards)
	if err != nil {
		return err
	}
	if !r.Pending.IsZero() {
		if plans, err = k.store.recognise(ctx, plans, k.cfg.Rewards, r); err != nil {
			return err
		}
	}
	for _, p := range plans {
		if p.opened() {
			if err = k.crank(ctx, p, r, now); err != nil {
				return fmt.Errorf("epoch %d: %w", p.Number, err)
			}
		}
	}
	if r.Pending.IsZero() {
		return k.next(ctx, plans, r, now)
	}
	return nil
}

// readRewards is a rewards contract's proven state.
func readRewards(ctx context.Context, from Chain, account cocoon.Account) (wrappers.Rewards, error) {
	a, err := from.Account(ctx, account)
	if err != nil {
		return wrappers.Rewards{}, err
	}
	if a.State != chain.Active {
		return wrappers.Rewards{}, cocoon.WithHint(cocoon.NotFound.Errorf("there is no rewards contract at %s", account), "cocoon dispatcher init")
	}
	return wrappers.DecodeRewards(a.Data)
}

// next plans the contract's next epoch once a period is over, and opens what is
// planned. A plan survives failed attempts.
func (k *keeper) next(ctx context.Context, plans []*plan, r wrappers.Rewards, now uint32) error {
	if k.clerk != nil && k.clerk.number.Load() != r.Number {
		return nil // the ledger will hear of it
	}
	for _, p := range plans {
		if p.Number == r.Number {
			return k.open(ctx, p, r)
		}
	}
	over, err := k.over(ctx, r, now)
	if err != nil || !over {
		return err
	}
	services, err := k.store.services(ctx)
	if err != nil {
		return err
	}
	leaves, err := k.divide(ctx, r, services)
	if err != nil || len(leaves) == 0 {
		return err
	}
	k.log.Info("epoch planned", "epoch", r.Number, "leaves", len(leaves))
	return k.store.plan(ctx, k.cfg.Rewards, r.Number, leaves, services, now)
}

// over reports whether a period was measured or, where receipts are to be paid,
// has passed and is measured: their providers' workers may be gone. The block that
// ends a period is measured beside us, maybe after we have seen it.
func (k *keeper) over(ctx context.Context, r wrappers.Rewards, now uint32) (bool, error) {
	measured, err := k.store.measured(ctx)
	if err != nil || measured >= k.cfg.Period || k.ledger == nil {
		return measured >= k.cfg.Period, err
	}
	since, err := k.store.since(ctx, now)
	now = min(now, k.measured())
	return now > since && now-since >= k.cfg.Period && k.owes(r.Number), err
}
