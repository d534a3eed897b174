package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newProviderUnstake(e *env) *cobra.Command {
	c := providerCommand(e, "unstake AMOUNT", "Start the unbonding of a part of the stake", &providerOptions{}, exactly("AMOUNT"),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, args []string) error {
			n, err := parseAmount(args[0])
			if err != nil {
				return err
			}
			m, err := d.RequestUnstake(ctx, b, n)
			if err != nil {
				return err
			}
			return d.send(ctx, e, "unstake", m)
		})
	c.Long = `Starts the unbonding of AMOUNT, or of the whole stake where AMOUNT is 0. Until it
is over that part stays slashable; then "cocoon provider withdraw" pays it out.`
	return c
}

func newProviderWithdraw(e *env) *cobra.Command {
	amount := "0"
	c := providerCommand(e, "withdraw", "Pay what is unbonded and free to the owner", &providerOptions{}, exactly(),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, _ []string) error {
			n, err := parseAmount(amount)
			if err != nil {
				return err
			}
			if err = d.mayWithdraw(ctx, e, b); err != nil {
				return err
			}
			m, err := d.WithdrawProvider(ctx, b, n)
			if err != nil {
				return err
			}
			return d.send(ctx, e, "withdraw", m)
		})
	c.Flags().StringVar(&amount, "amount", amount, "TON to pay; 0 is all there is")
	return c
}

// mayWithdraw says beforehand that nothing is ripe or free, and when it will be.
func (d *desk) mayWithdraw(ctx context.Context, e *env, b wrappers.ProviderBirth) error {
	p, err := d.provider(ctx, b)
	if err != nil {
		return err
	}
	if !p.money.Free.IsZero() {
		return nil
	}
	now, err := d.client.Time(ctx, p.account.Block)
	if err != nil {
		return err
	}
	if len(p.state.Tranches) == 0 {
		return cocoon.WithHint(cocoon.NoMoney.Errorf("nothing is free, and nothing is unbonding"), "cocoon provider unstake AMOUNT")
	}
	if first := p.state.Tranches[0]; int64(first.At) > now.Unix() {
		return cocoon.NoMoney.Errorf("nothing is free yet; the next %s are %s", first.Amount, e.when(first.At, uint32(now.Unix())))
	}
	return nil
}
