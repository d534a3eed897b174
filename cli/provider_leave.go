package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newProviderRetire(e *env) *cobra.Command {
	key := "operator"
	c := providerCommand(e, "retire WORKER", "Take a worker out of service, for good", &providerOptions{}, exactly("WORKER"),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, args []string) error {
			worker, err := hashArg("WORKER", args[0])
			if err != nil {
				return err
			}
			operator, err := e.loadKey(key, "appoint one with: cocoon provider operator")
			if err != nil {
				return err
			}
			m, err := d.RetireWorker(ctx, b, operator, worker, d.account)
			if err != nil {
				return err
			}
			return d.send(ctx, e, "retire the worker", m)
		})
	c.Long = `Takes the worker with that public key (64 hex digits, as cocoon provider status
--json shows it) out of service: dispatchers disconnect it, clients refuse it. It
stays slashable until it is unbonded, and its key never counts again: register the
machine with a new one.`
	c.Flags().StringVar(&key, "operator-key", key, "name or file of the operator's key")
	return c
}

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

// mayWithdraw says beforehand that what is ripe and free is not worth the fee,
// and when more will be.
func (d *desk) mayWithdraw(ctx context.Context, e *env, b wrappers.ProviderBirth) error {
	p, err := d.provider(ctx, b)
	if err != nil {
		return err
	}
	now, err := d.client.Time(ctx, p.account.Block)
	if err != nil {
		return err
	}
	fees, err := wrappers.GetProviderFees(ctx, d.client, p.account.ID)
	if err != nil {
		return err
	}
	ripe, waiting := wrappers.Ripe(p.state.Tranches, uint32(now.Unix()))
	switch {
	case len(ripe) > 0 || p.money.Free.Cmp(fees.Withdraw) > 0:
		return nil
	case len(waiting) == 0:
		return cocoon.WithHint(cocoon.NoMoney.Errorf("%s are free, less than the fee, and nothing is unbonding", p.money.Free), "cocoon provider unstake AMOUNT")
	}
	return cocoon.NoMoney.Errorf("%s are free, less than the fee; the next %s are unbonded %s", p.money.Free, waiting[0].Amount, e.when(waiting[0].At, uint32(now.Unix())))
}
