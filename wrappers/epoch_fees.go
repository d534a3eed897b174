package wrappers

import (
	"context"

	"github.com/cocoon-network/cocoon"
)

// EpochFees are the least values an epoch's operations must bring, in the
// schema's order, at the live prices. What they do not use comes back.
type EpochFees struct{ Finish, Publish, Prove, Fail, Pass, Push, Claim cocoon.Nano }

// GetEpochFees asks the epoch at a for its fees; publish and push are priced
// for pages of count leaves.
func GetEpochFees(ctx context.Context, g Getter, a cocoon.Account, count int) (f EpochFees, err error) {
	err = getNanos(ctx, g, a, "get_fees", []any{count}, &f.Finish, &f.Publish, &f.Prove, &f.Fail, &f.Pass, &f.Push, &f.Claim)
	return f, err
}
