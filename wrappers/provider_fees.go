package wrappers

import (
	"context"
	"fmt"
	"math/big"

	"github.com/cocoon-network/cocoon"
)

// ProviderFees are the least values a provider's operations must bring, in the
// schema's order, at the live prices. Stake comes on top of the amount that is
// locked. Before the birth they include the rent that it brings. What they do
// not use comes back.
type ProviderFees struct {
	RefreshTerms, Withdraw, Stake, RequestUnstake, SetOperator, PutWorker, RetireWorker, Prune, AcceptJob, ReportEquivocation cocoon.Nano
}

// GetProviderFees asks the provider at a for its fees.
func GetProviderFees(ctx context.Context, g Getter, a cocoon.Account) (f ProviderFees, err error) {
	err = getNanos(ctx, g, a, "get_fees", nil, &f.RefreshTerms, &f.Withdraw, &f.Stake, &f.RequestUnstake, &f.SetOperator,
		&f.PutWorker, &f.RetireWorker, &f.Prune, &f.AcceptJob, &f.ReportEquivocation)
	return f, err
}

// ProviderMoney is what depends on a provider's balance and terms.
type ProviderMoney struct {
	Free     cocoon.Nano  // what a withdraw would pay, ripe tranches apart, and what may be bonded
	Required *cocoon.Nano // the stake that the active workers need; nil before any terms were taken
}

// GetProviderMoney asks the provider at a.
func GetProviderMoney(ctx context.Context, g Getter, a cocoon.Account) (m ProviderMoney, err error) {
	values, err := g.Get(ctx, a, "get_money")
	if err != nil {
		return m, fmt.Errorf("get_money of %s: %w", a, err)
	}
	if len(values) < 2 {
		return m, cocoon.Invalid.Errorf("get_money of %s: %d values, want 2", a, len(values))
	}
	free, ok1 := values[0].(*big.Int)
	required, ok2 := values[1].(*big.Int)
	if !ok1 || !ok2 || free == nil || required == nil {
		return m, cocoon.Invalid.Errorf("get_money of %s: %T and %T are no integers", a, values[0], values[1])
	}
	if m.Free, err = cocoon.NanoFromBig(free); err != nil || required.Sign() < 0 {
		return m, err
	}
	n, err := cocoon.NanoFromBig(required)
	m.Required = &n
	return m, err
}
