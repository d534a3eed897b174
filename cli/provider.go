package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newProvider(e *env) *cobra.Command {
	return group("provider", "Stake, register GPU workers, be paid", newProviderStake(e), newProviderTopUp(e), newProviderOperator(e), newProviderRegister(e),
		newProviderClaim(e), newProviderStatus(e), newProviderRetire(e), newProviderUnstake(e), newProviderWithdraw(e))
}

// providerOptions name one provider contract and who pays for what it is told.
type providerOptions struct {
	payer
	index uint32
}

func (o *providerOptions) flags(f *pflag.FlagSet) {
	o.payer.flags(f)
	f.Uint32Var(&o.index, "index", 0, "which of the owner's providers")
}

// providerCommand is a command on one provider; run gets an open desk and the provider.
func providerCommand(e *env, use, short string, o *providerOptions, args cobra.PositionalArgs,
	run func(ctx context.Context, d *desk, b wrappers.ProviderBirth, args []string) error) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, args []string) error {
		n, err := e.needRegistry()
		if err != nil {
			return err
		}
		d, err := o.open(c.Context(), e, n)
		if err != nil {
			return err
		}
		defer d.client.Close()
		return run(c.Context(), d, d.Provider(d.account, o.index), args)
	}}
	o.flags(c.Flags())
	return c
}

func newProviderStake(e *env) *cobra.Command {
	o := &providerOptions{}
	c := providerCommand(e, "stake AMOUNT", "Lock a stake, and take the network's terms", o, exactly("AMOUNT"),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, args []string) error {
			return runProviderStake(ctx, e, d, b, args[0])
		})
	c.Long = `Locks AMOUNT in your provider, which is deployed by the first stake. With the
first stake you also take the terms that the registry publishes now; later ones
you take by staking again.`
	return c
}

func runProviderStake(ctx context.Context, e *env, d *desk, b wrappers.ProviderBirth, amount string) error {
	n, err := parseAmount(amount)
	if err != nil {
		return err
	}
	stake, err := d.Stake(ctx, b, n)
	if err != nil {
		return err
	}
	terms, err := d.ProviderTerms(ctx, b)
	if err != nil {
		return err
	}
	a, err := b.Account()
	if err != nil {
		return err
	}
	e.say("provider %s", a)
	if err = d.send(ctx, e, "stake "+n.String(), stake, terms); err != nil || d.wallet == nil {
		return err
	}
	_, err = d.client.WaitAccount(ctx, a, func(acc chain.Account) bool { return !awaitsTerms(acc) })
	return err
}

// awaitsTerms reports whether the registry has not answered the provider yet.
func awaitsTerms(a chain.Account) bool {
	p, err := wrappers.DecodeProvider(a.Data)
	return err == nil && p.Awaiting != [32]byte{}
}

func newProviderTopUp(e *env) *cobra.Command {
	return providerCommand(e, "top-up AMOUNT", "Add free balance, out of which jobs are bonded", &providerOptions{}, exactly("AMOUNT"),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, args []string) error {
			n, err := parseAmount(args[0])
			if err != nil {
				return err
			}
			m, err := d.TopUp(ctx, b, n)
			if err != nil {
				return err
			}
			return d.send(ctx, e, "top up "+n.String(), m)
		})
}

func newProviderOperator(e *env) *cobra.Command {
	o := &providerOptions{}
	key, allowance := "operator", ""
	c := providerCommand(e, "operator", "Let a key accept jobs, within an allowance", o, exactly(),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, _ []string) error {
			n, err := parseAmount(allowance)
			if err != nil {
				return err
			}
			operator, keep, err := e.loadOrMakeKey(key)
			if err != nil {
				return err
			}
			m, err := d.SetOperator(ctx, b, operator, n)
			if err != nil {
				return err
			}
			if err = keep(); err != nil {
				return err
			}
			return d.send(ctx, e, "set the operator", m)
		})
	c.Flags().StringVar(&key, "key", key, "name or file of the operator's key; made where missing")
	c.Flags().StringVar(&allowance, "allowance", "0", "TON that the key may bond in all")
	return c
}
