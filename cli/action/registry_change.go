package action

import (
	"context"
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// change is a message to d's registry, priced by fee.
func change[T any](ctx context.Context, d Desk, body T, fee func(wrappers.RegistryFees) cocoon.Nano) (chain.Message, error) {
	fees, err := wrappers.GetRegistryFees(ctx, d.Chain, d.Registry)
	if err != nil {
		return chain.Message{}, fmt.Errorf("fees of registry %s: %w", d.Registry, err)
	}
	return wrappers.NewMessage(wrappers.Target{Account: d.Registry}, body, fee(fees))
}

// Announce announces a change, which counts once Apply is sent a delay later. The
// registry's owner sends it.
func (d Desk) Announce(ctx context.Context, a wrappers.Announce) (chain.Message, error) {
	return change(ctx, d, a, func(f wrappers.RegistryFees) cocoon.Nano { return f.Announce })
}

// Apply puts an announced change into force. Anyone may send it.
func (d Desk) Apply(ctx context.Context, id uint32) (chain.Message, error) {
	return change(ctx, d, wrappers.Apply{Change: id}, func(f wrappers.RegistryFees) cocoon.Nano { return f.Apply })
}

// Retract takes an announced change back. The owner sends it.
func (d Desk) Retract(ctx context.Context, id uint32) (chain.Message, error) {
	return change(ctx, d, wrappers.Retract{Change: id}, func(f wrappers.RegistryFees) cocoon.Nano { return f.Retract })
}

// Suspend stops a model or an image at once, for one delay. The guardian or the
// owner sends it.
func (d Desk) Suspend(ctx context.Context, kind wrappers.ChangeKind, key [32]byte) (chain.Message, error) {
	return change(ctx, d, wrappers.Suspend{Kind: kind, Key: key}, func(f wrappers.RegistryFees) cocoon.Nano { return f.Suspend })
}

// TakeOwnership makes the sender the registry's owner, where a change has named it.
func (d Desk) TakeOwnership(ctx context.Context) (chain.Message, error) {
	return change(ctx, d, wrappers.TakeOwnership{}, func(f wrappers.RegistryFees) cocoon.Nano { return f.TakeOwnership })
}
