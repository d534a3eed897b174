package dispatcher

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
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
	cfg   KeeperConfig
	deps  Deps
	log   *slog.Logger
	store *store
	relay *relay
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
	r, err := k.rewards(ctx)
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
		return k.next(ctx, plans, r)
	}
	return nil
}

// rewards is the contract's proven state.
func (k *keeper) rewards(ctx context.Context) (wrappers.Rewards, error) {
	a, err := k.deps.Chain.Account(ctx, k.cfg.Rewards)
	if err != nil {
		return wrappers.Rewards{}, err
	}
	if a.State != chain.Active {
		return wrappers.Rewards{}, cocoon.WithHint(cocoon.NotFound.Errorf("there is no rewards contract at %s", k.cfg.Rewards), "cocoon dispatcher init")
	}
	return wrappers.DecodeRewards(a.Data)
}

// next plans the contract's next epoch once a period was measured, and opens
// what is planned. A plan survives failed attempts.
func (k *keeper) next(ctx context.Context, plans []*plan, r wrappers.Rewards) error {
	for _, p := range plans {
		if p.Number == r.Number {
			return k.open(ctx, p, r)
		}
	}
	measured, err := k.store.measured(ctx)
	if err != nil || measured < k.cfg.Period {
		return err
	}
	services, err := k.store.services(ctx)
	if err != nil {
		return err
	}
	staked, err := k.staked(ctx, services)
	if err != nil {
		return err
	}
	total, err := k.affordable(ctx, r)
	if err != nil {
		return err
	}
	leaves, err := split(staked, total, k.cfg.MinUptime)
	if err != nil || len(leaves) == 0 {
		return err
	}
	fees, err := wrappers.GetRewardsFees(ctx, k.deps.Chain, k.cfg.Rewards, len(leaves))
	if err != nil {
		return err
	}
	if total.Cmp(fees.OpenEpoch) < 0 {
		return nil // the pot waits until it holds more than opening costs
	}
	k.log.Info("epoch planned", "epoch", r.Number, "leaves", len(leaves), "amount_nano", total.Text())
	return k.store.plan(ctx, k.cfg.Rewards, r.Number, leaves, services)
}
