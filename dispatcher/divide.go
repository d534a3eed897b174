package dispatcher

import (
	"context"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// amounts are what leaves have to pay at least, by provider.
type amounts map[cocoon.Account]cocoon.Nano

func (a amounts) sum() (sum cocoon.Nano, err error) {
	for _, n := range a {
		if sum, err = sum.Add(n); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// within refuses an epoch that could not pay its receipts: whoever has one would refute it.
func (a amounts) within(total cocoon.Nano, number uint32) error {
	sum, err := a.sum()
	if err == nil && sum.Cmp(total) > 0 {
		err = cocoon.WithHint(cocoon.NoMoney.Errorf("receipts of epoch %d are over %s, the pot pays %s", number, sum, total), "settle channels, or: cocoon dispatcher fund AMOUNT")
	}
	return err
}

// divide makes the leaves of the next epoch: what receipts demand, our share of
// what channels paid for it, and by uptime what else the pot has.
func (k *keeper) divide(ctx context.Context, r wrappers.Rewards, services []service) ([]wrappers.Leaf, error) {
	staked, err := k.staked(ctx, services)
	if err != nil {
		return nil, err
	}
	total, err := k.affordable(ctx, r) // before the number is closed: what comes later may be owed in the next
	if err != nil {
		return nil, err
	}
	if !k.owes(r.Number) {
		idle, err := k.idle(ctx, staked, total)
		if err != nil || idle {
			return nil, err
		}
	}
	least, err := k.claims(ctx, r.Number, total)
	if err != nil {
		return nil, err
	}
	ours, rest, err := k.shares(least, total, r)
	if err != nil {
		return nil, err
	}
	if !ours.IsZero() {
		least[k.payee], err = least[k.payee].Add(ours)
	}
	if err != nil {
		return nil, err
	}
	leaves, err := split(staked, least, rest, k.cfg.MinUptime)
	if err == nil && len(leaves) == 0 && k.ledger != nil && !total.IsZero() { // a number that was closed is opened, or nothing more is signed
		leaves = []wrappers.Leaf{{Provider: k.payee, Amount: wrappers.Coins{Nano: cocoon.NanoOf(1)}}}
	}
	return leaves, err
}

// owes reports whether receipts wait for number to be opened, those of the next included.
func (k *keeper) owes(number uint32) bool {
	return k.ledger != nil && (!k.ledger.Owed(number).IsZero() || !k.ledger.Owed(number+1).IsZero())
}

// idle reports that an epoch by uptime alone would pay nobody, or less than it costs.
func (k *keeper) idle(ctx context.Context, staked []service, total cocoon.Nano) (bool, error) {
	leaves, err := split(staked, nil, total, k.cfg.MinUptime)
	if err != nil || len(leaves) == 0 {
		return true, err
	}
	fees, err := wrappers.GetRewardsFees(ctx, k.deps.Chain, k.cfg.Rewards, len(leaves))
	return total.Cmp(fees.OpenEpoch) < 0, err // the pot waits until it holds more than opening costs
}

// claims closes number in the ledger, for good, and returns what its receipts
// demand. What total lacks for that is collected from channels.
func (k *keeper) claims(ctx context.Context, number uint32, total cocoon.Nano) (amounts, error) {
	if k.ledger == nil {
		return nil, nil
	}
	list, err := k.ledger.Leaves(ctx, number)
	least := amounts{}
	for _, l := range list {
		least[l.Provider] = l.Amount
	}
	if err == nil {
		err = least.within(total, number)
	}
	if kind := cocoon.KindOf(err); err != nil && (kind == cocoon.Conflict || kind == cocoon.NoMoney) {
		k.clerk.collect(ctx)
	}
	return least, err
}

// shares are ours, of what channels paid for least, and what is left for uptime.
// What is owed in the next number already stays in the pot, as what it is a share of.
func (k *keeper) shares(least amounts, total cocoon.Nano, r wrappers.Rewards) (ours, rest cocoon.Nano, err error) {
	if k.ledger == nil {
		return ours, total, nil
	}
	sum, err := least.sum()
	if err != nil {
		return ours, rest, err
	}
	providers := less(cocoon.NanoOf(10_000), cocoon.NanoOf(uint64(k.bps)+uint64(r.Terms.Epoch.NetworkBps))).Big().Uint64() // of 10,000 that a channel pays
	if providers == 0 {
		return ours, rest, cocoon.Invalid.Errorf("a share of %d bps and the network's leave providers nothing", k.bps)
	}
	next, err := k.ledger.Owed(r.Number+1).MulDiv(10_000, providers)
	if err != nil {
		return ours, rest, err
	}
	rest = less(less(total, sum), next)
	if ours, err = sum.MulDiv(uint64(k.bps), providers); err == nil && ours.Cmp(rest) > 0 {
		ours = rest
	}
	return ours, less(rest, ours), err
}
