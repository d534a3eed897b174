package dispatcher

import (
	"context"
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// affordable is what an epoch may pay out: the pot, in a retry at most the cap,
// less the network's share that comes on top. The rent that the contract owes
// since its last transaction comes off the pot before it looks, so as much as
// the message brings is left in it.
func (k *keeper) affordable(ctx context.Context, r wrappers.Rewards) (cocoon.Nano, error) {
	if err := k.mayOpen(r); err != nil {
		return cocoon.Nano{}, err
	}
	pot, err := wrappers.GetPot(ctx, k.deps.Chain, k.cfg.Rewards)
	if err != nil {
		return cocoon.Nano{}, err
	}
	fees, err := wrappers.GetRewardsFees(ctx, k.deps.Chain, k.cfg.Rewards, 1)
	if err != nil {
		return cocoon.Nano{}, err
	}
	if pot.Cmp(fees.OpenEpoch) <= 0 {
		return cocoon.Nano{}, nil
	}
	if pot, err = pot.Sub(fees.OpenEpoch); err != nil {
		return cocoon.Nano{}, err
	}
	if r.Attempt > 0 && r.Cap.Cmp(pot) < 0 {
		pot = r.Cap
	}
	return pot.MulDiv(10_000, 10_000+uint64(r.Terms.Epoch.NetworkBps))
}

// mayOpen says beforehand why the contract would refuse to open an epoch.
func (k *keeper) mayOpen(r wrappers.Rewards) error {
	switch {
	case r.Terms == nil:
		return cocoon.WithHint(cocoon.Conflict.Errorf("the rewards contract has taken no terms yet"), "cocoon dispatcher init")
	case r.Operator != k.deps.Sender.Account():
		return cocoon.WithHint(cocoon.Forbidden.Errorf("epochs are opened by %s, our wallet is %s", r.Operator, k.deps.Sender.Account()),
			"the owner appoints an operator")
	case r.Bond.Cmp(r.Terms.MinBond.Nano) < 0:
		return cocoon.WithHint(cocoon.NoMoney.Errorf("opening an epoch needs a bond of %s, there is %s", r.Terms.MinBond.Nano, r.Bond),
			"cocoon dispatcher bond AMOUNT")
	}
	return nil
}

// open sends the plan's root. Leaves that were never sent in this attempt shrink
// alike where the pot has become smaller, but not below their receipts; others stay, since the contract may
// have taken them by now.
func (k *keeper) open(ctx context.Context, p *plan, r wrappers.Rewards) error {
	if err := k.mayOpen(r); err != nil {
		return err
	}
	if p.Tried != uint32(r.Attempt)+1 {
		if err := k.fit(ctx, p, r); err != nil {
			return err
		}
	}
	tree, err := wrappers.NewEpochTree(p.leaves)
	if err != nil {
		return err
	}
	k.relay.once(ctx, fmt.Sprintf("open_epoch %d attempt %d", r.Number, r.Attempt), func(ctx context.Context) (chain.Message, error) {
		fees, err := wrappers.GetRewardsFees(ctx, k.deps.Chain, k.cfg.Rewards, tree.Len())
		if err != nil {
			return chain.Message{}, err
		}
		return message(k.cfg.Rewards, fees.OpenEpoch, wrappers.OpenEpoch{QueryID: uint64(r.Number), Root: tree.Root(),
			Total: wrappers.Coins{Nano: tree.Total()}, Count: uint32(tree.Len())})
	})
	return nil
}

// fit makes the plan's leaves what the pot can pay, for this attempt.
func (k *keeper) fit(ctx context.Context, p *plan, r wrappers.Rewards) error {
	limit, err := k.affordable(ctx, r)
	if err != nil {
		return err
	}
	least, err := k.claims(ctx, p.Number, limit)
	if err != nil {
		return err
	}
	leaves, err := shrink(p.leaves, least, limit)
	if err != nil {
		return err
	}
	if len(leaves) == 0 {
		return cocoon.WithHint(cocoon.NoMoney.Errorf("the pot is too small to open epoch %d", p.Number), "cocoon dispatcher fund AMOUNT")
	}
	p.leaves, p.Tried = leaves, uint32(r.Attempt)+1
	return k.store.replan(ctx, p)
}
