package wrappers

import (
	"context"

	"github.com/cocoon-network/cocoon"
)

// RegistryFees are the least values a registry's operations must bring, in the
// schema's order, at the live prices; launch brings the rent as well. What they
// do not use comes back.
type RegistryFees struct {
	Announce, Apply, Retract, Launch, TakeOwnership, Suspend, RequestTerms cocoon.Nano
}

// GetRegistryFees asks the registry at a for its fees.
func GetRegistryFees(ctx context.Context, g Getter, a cocoon.Account) (f RegistryFees, err error) {
	err = getNanos(ctx, g, a, "get_fees", nil, &f.Announce, &f.Apply, &f.Retract, &f.Launch, &f.TakeOwnership, &f.Suspend, &f.RequestTerms)
	return f, err
}
