package wrappers

import (
	"context"
	"fmt"
	"math/big"

	"github.com/cocoon-network/cocoon"
)

// Getter runs get-methods. What it returns is in the order the contract's
// source gives, integers as *big.Int.
type Getter interface {
	Get(ctx context.Context, contract cocoon.Account, method string, args ...any) ([]any, error)
}

// getNanos runs a get-method that returns amounts only, one for each of into.
func getNanos(ctx context.Context, g Getter, a cocoon.Account, method string, args []any, into ...*cocoon.Nano) error {
	values, err := g.Get(ctx, a, method, args...)
	if err != nil {
		return fmt.Errorf("%s of %s: %w", method, a, err)
	}
	if len(values) < len(into) { // get-methods only grow
		return cocoon.Invalid.Errorf("%s of %s: %d values, want %d", method, a, len(values), len(into))
	}
	for i, n := range into {
		v, ok := values[i].(*big.Int)
		if !ok || v == nil {
			return cocoon.Invalid.Errorf("%s of %s: value %d is %T, no integer", method, a, i, values[i])
		}
		if *n, err = cocoon.NanoFromBig(v); err != nil {
			return fmt.Errorf("%s of %s: value %d: %w", method, a, i, err)
		}
	}
	return nil
}
