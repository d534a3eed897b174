package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newDispatcherUnbond(e *env) *cobra.Command {
	c := dispatcherAmountCommand(e, "unbond", "Start the unbonding of a part of the bond",
		func(ctx context.Context, d *desk, b wrappers.RewardsBirth, n cocoon.Nano) (chain.Message, error) {
			return d.Unbond(ctx, b, n)
		})
	c.Long = `Starts the unbonding of AMOUNT, or of the whole bond where AMOUNT is 0. Until it is
over that part answers for what you owe; then "cocoon dispatcher withdraw" pays it
out. Epochs are opened only while the rest is as much as the network's terms want.`
	return c
}

func newDispatcherWithdraw(e *env) *cobra.Command {
	amount := "0"
	c := dispatcherCommand(e, "withdraw", "Pay what is unbonded to the owner", exactly(),
		func(ctx context.Context, d *desk, b wrappers.RewardsBirth, _ []string) error {
			n, err := parseAmount(amount)
			if err != nil {
				return err
			}
			now, err := d.now(ctx)
			if err != nil {
				return err
			}
			m, err := d.WithdrawBond(ctx, b, n, now)
			if err != nil {
				return err
			}
			return d.send(ctx, e, "withdraw", m)
		})
	c.Flags().StringVar(&amount, "amount", amount, cocoon.Coin+" to pay; 0 is all there is")
	return c
}
