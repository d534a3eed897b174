package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newDispatcherKey(e *env) *cobra.Command {
	key := "ledger"
	c := dispatcherCommand(e, "key", "Let a ledger key sign what providers have earned", exactly(),
		func(ctx context.Context, d *desk, b wrappers.RewardsBirth, _ []string) error {
			ledger, keep, err := e.loadOrMakeKey(key)
			if err != nil {
				return err
			}
			m, err := d.RotateKey(ctx, b, ledger)
			if err != nil {
				return err
			}
			if err = keep(); err != nil {
				return err
			}
			return d.send(ctx, e, "set the receipt key", m)
		})
	c.Long = `Makes a key the receipt key of your rewards contract: it signs what providers have
earned, and the close promises of channels opened under it. The first key counts
at once, another one two epochs later; until then no other can be named. Serve
with both files (cocoon serve --ledger-key) for as long as the older one has
epochs or channels.`
	c.Flags().StringVar(&key, "ledger-key", key, "name or file of the ledger key; made where missing")
	return c
}

func newDispatcherOperator(e *env) *cobra.Command {
	c := dispatcherCommand(e, "operator ADDRESS", "Let another wallet open epochs in your place", exactly("ADDRESS"),
		func(ctx context.Context, d *desk, b wrappers.RewardsBirth, args []string) error {
			operator, err := cocoon.ParseAccount(args[0])
			if err != nil {
				return err
			}
			m, err := d.Appoint(ctx, b, operator)
			if err != nil {
				return err
			}
			return d.send(ctx, e, "appoint the operator", m)
		})
	c.Long = `Names the wallet that may open epochs of your rewards contract, so that yours may
stay offline: serve with it (cocoon serve --wallet NAME --owner ADDRESS, with your
address). It cannot touch bond, keys or endpoint. The one before may nothing more.`
	return c
}
