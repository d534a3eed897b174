package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// dispatcherNamingCommand names an account, or nobody with --remove.
func dispatcherNamingCommand(e *env, use, short, what string, message func(context.Context, *desk, wrappers.RewardsBirth, cocoon.Account) (chain.Message, error)) *cobra.Command {
	remove := false
	c := dispatcherCommand(e, use, short, cobra.ArbitraryArgs, func(ctx context.Context, d *desk, b wrappers.RewardsBirth, args []string) error {
		if len(args) > 1 || (len(args) == 1) == remove {
			return cocoon.Invalid.Errorf("either one address is named, or --remove")
		}
		var named cocoon.Account
		var err error
		if !remove {
			if named, err = cocoon.ParseAccount(args[0]); err != nil {
				return err
			}
		}
		m, err := message(ctx, d, b, named)
		if err != nil {
			return err
		}
		return d.send(ctx, e, what, m)
	})
	c.Flags().BoolVar(&remove, "remove", false, "name nobody any more")
	return c
}

func newDispatcherOwner(e *env) *cobra.Command {
	c := dispatcherNamingCommand(e, "owner [ADDRESS]", "Name the wallet that may become the owner", "name the next owner",
		func(ctx context.Context, d *desk, b wrappers.RewardsBirth, next cocoon.Account) (chain.Message, error) {
			return d.NameOwner(ctx, b, next)
		})
	c.Long = `Names the wallet that may take over your rewards contract: bond, keys, endpoint and
who opens epochs. You stay its owner until that wallet does (cocoon dispatcher
take-ownership), so that an address nobody has a key of costs nothing. The contract
keeps its address, which is made of yours: --deployer says it from then on.`
	return c
}

func newDispatcherHeir(e *env) *cobra.Command {
	c := dispatcherNamingCommand(e, "heir [ADDRESS]", "Name the wallet that may take over after a long silence", "name the heir",
		func(ctx context.Context, d *desk, b wrappers.RewardsBirth, heir cocoon.Account) (chain.Message, error) {
			return d.NameHeir(ctx, b, heir)
		})
	c.Long = `Names the wallet that may take over your rewards contract (cocoon dispatcher
take-ownership) once you and your operator have sent it nothing for as long as the
network's terms say: then providers are paid although your keys are lost.`
	return c
}

func newDispatcherTakeOwnership(e *env) *cobra.Command {
	c := dispatcherCommand(e, "take-ownership", "Become the owner of a rewards contract that you were named for", exactly(),
		func(ctx context.Context, d *desk, b wrappers.RewardsBirth, _ []string) error {
			now, err := d.now(ctx)
			if err != nil {
				return err
			}
			m, err := d.TakeRewards(ctx, b, d.account, now)
			if err != nil {
				return err
			}
			return d.send(ctx, e, "take the ownership", m...)
		})
	c.Long = `Makes your wallet the owner of a rewards contract that another one deployed, where
its owner has named you, or you are the heir of one that was silent for long. You
open its epochs where the former owner did; an operator goes on, unless you are the
heir. Ledger keys stay: where those leaked as well, name others (cocoon dispatcher
key). The next owner and the heir are nobody again. Serve with your wallet and
--deployer.`
	c.Example = `  cocoon dispatcher owner ADDRESS                                   # by the present owner
  cocoon dispatcher take-ownership --wallet wallet2 --deployer OLD
  cocoon serve --wallet wallet2 --deployer OLD`
	return c
}

// now is the chain's time, in unix seconds.
func (d *desk) now(ctx context.Context) (uint32, error) {
	head, err := d.client.Head(ctx)
	if err != nil {
		return 0, err
	}
	t, err := d.client.Time(ctx, head)
	return uint32(t.Unix()), err
}
