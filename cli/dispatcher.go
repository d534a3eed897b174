package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newDispatcher(e *env) *cobra.Command {
	return group("dispatcher", "Bond and fund the contract that pays providers", newDispatcherInit(e), newDispatcherBond(e), newDispatcherFund(e),
		newDispatcherUnbond(e), newDispatcherWithdraw(e), newDispatcherKey(e), newDispatcherOperator(e), newDispatcherOwner(e), newDispatcherHeir(e),
		newDispatcherTakeOwnership(e), newDispatcherEndpoint(e), newDispatcherStatus(e))
}

// rewardsOptions name one rewards contract and who pays for what it is told.
type rewardsOptions struct {
	payer
	birthOptions
}

func (o *rewardsOptions) flags(f *pflag.FlagSet) {
	o.payer.flags(f)
	o.birthFlags(f)
}

// birthOptions tell one rewards contract from others. Its address stays what it was
// when it has another owner.
type birthOptions struct {
	deployer string
	index    uint32
}

func (o *birthOptions) birthFlags(f *pflag.FlagSet) {
	f.StringVar(&o.deployer, "deployer", "", "address of the wallet that deployed the rewards contract, where it has another owner since")
	f.Uint32Var(&o.index, "index", 0, "which of that wallet's rewards contracts")
}

// birth is that of the contract, which owner deployed unless another wallet did.
func (o *birthOptions) birth(registry, owner cocoon.Account) (b wrappers.RewardsBirth, err error) {
	b = wrappers.RewardsBirth{Registry: registry, Owner: owner, Index: o.index}
	if o.deployer != "" {
		if b.Owner, err = cocoon.ParseAccount(o.deployer); err != nil {
			return b, fmt.Errorf("--deployer: %w", err)
		}
	}
	return b, nil
}

func dispatcherCommand(e *env, use, short string, args cobra.PositionalArgs,
	run func(ctx context.Context, d *desk, b wrappers.RewardsBirth, args []string) error) *cobra.Command {
	o := &rewardsOptions{}
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
		b, err := o.birth(d.Registry, d.account)
		if err != nil {
			return err
		}
		return run(c.Context(), d, b, args)
	}}
	o.flags(c.Flags())
	return c
}

func newDispatcherInit(e *env) *cobra.Command {
	return dispatcherCommand(e, "init", "Deploy your rewards contract and take the network's terms", exactly(),
		func(ctx context.Context, d *desk, b wrappers.RewardsBirth, _ []string) error {
			m, err := d.RewardsTerms(ctx, b)
			if err != nil {
				return err
			}
			e.say("rewards contract %s", m.To)
			return d.send(ctx, e, "take the terms", m)
		})
}

// dispatcherAmountCommand does with an amount what verb says.
func dispatcherAmountCommand(e *env, verb, short string, message func(context.Context, *desk, wrappers.RewardsBirth, cocoon.Nano) (chain.Message, error)) *cobra.Command {
	return dispatcherCommand(e, verb+" AMOUNT", short, exactly("AMOUNT"), func(ctx context.Context, d *desk, b wrappers.RewardsBirth, args []string) error {
		n, err := parseAmount(args[0])
		if err != nil {
			return err
		}
		m, err := message(ctx, d, b, n)
		if err != nil {
			return err
		}
		what := verb
		if !n.IsZero() { // which is all there is
			what += " " + n.String()
		}
		return d.send(ctx, e, what, m)
	})
}

func newDispatcherBond(e *env) *cobra.Command {
	return dispatcherAmountCommand(e, "bond", "Add to the bond that providers rely on",
		func(ctx context.Context, d *desk, b wrappers.RewardsBirth, n cocoon.Nano) (chain.Message, error) {
			return d.Bond(ctx, b, n, d.account)
		})
}

func newDispatcherFund(e *env) *cobra.Command {
	return dispatcherAmountCommand(e, "fund", "Add to the pot that epochs pay providers from",
		func(ctx context.Context, d *desk, b wrappers.RewardsBirth, n cocoon.Nano) (chain.Message, error) {
			return d.Fund(ctx, b, n, d.account)
		})
}

func newDispatcherStatus(e *env) *cobra.Command {
	var owner, wallet string
	var o birthOptions
	c := &cobra.Command{Use: "status", Short: "Show a rewards contract as the chain proves it", Args: exactly(), RunE: func(c *cobra.Command, _ []string) error {
		d, err := e.look(c.Context(), owner, wallet)
		if err != nil {
			return err
		}
		defer d.client.Close()
		b, err := o.birth(d.Registry, d.account)
		if err != nil {
			return err
		}
		return runDispatcherStatus(c.Context(), e, d, b)
	}}
	lookFlags(c.Flags(), &owner, &wallet)
	o.birthFlags(c.Flags())
	return c
}

type dispatcherStatus struct {
	Account  cocoon.Account `json:"account"`
	Balance  cocoon.Nano    `json:"balance_nano"`
	Bond     cocoon.Nano    `json:"bond_nano"`
	Leaving  cocoon.Nano    `json:"unbonding_nano"`
	Pot      cocoon.Nano    `json:"pot_nano"`
	Number   uint32         `json:"number"`
	Attempt  uint16         `json:"attempt"`
	Owner    cocoon.Account `json:"owner"`
	Next     cocoon.Account `json:"next_owner"` // may take the ownership; zero: nobody
	Heir     cocoon.Account `json:"heir"`       // may after a long silence; zero: nobody
	Operator cocoon.Account `json:"operator"`
	Pending  cocoon.Account `json:"pending"`

	ReceiptKey  string `json:"receipt_key"`   // of Number, hex; "" without
	NextKey     string `json:"next_key"`      // of numbers from NextKeyFrom on, hex; "" without
	NextKeyFrom uint32 `json:"next_key_from"` // 0 without
	URL         string `json:"url"`           // where it is reached; "" without
	TLSKeyHash  string `json:"tls_key_hash"`  // hex; "" without
}

func runDispatcherStatus(ctx context.Context, e *env, d *desk, b wrappers.RewardsBirth) error {
	a, err := b.Account()
	if err != nil {
		return err
	}
	acc, err := d.client.Account(ctx, a)
	if err != nil {
		return err
	}
	if acc.Data == nil {
		return cocoon.WithHint(cocoon.NotFound.Errorf("there is no rewards contract at %s yet", a), "cocoon dispatcher init")
	}
	r, err := wrappers.DecodeRewards(acc.Data)
	if err != nil {
		return err
	}
	pot, err := wrappers.GetPot(ctx, d.client, a)
	if err != nil {
		return err
	}
	s := dispatcherStatus{Account: a, Balance: acc.Balance, Bond: r.Bond, Leaving: r.Unbonding, Pot: pot, Number: r.Number, Attempt: r.Attempt, Owner: r.Owner, Next: r.NextOwner, Heir: r.Heir, Operator: r.Operator, Pending: r.Pending}
	s.keys(r)
	return e.show("dispatcher", s, [2]string{"rewards", a.String()}, [2]string{"balance", acc.Balance.String()}, [2]string{"bond", r.Bond.String()}, [2]string{"unbonding", r.Unbonding.String()},
		[2]string{"pot", pot.String()}, [2]string{"next epoch", strconv.Itoa(int(r.Number))}, [2]string{"pending epoch", accountOrNone(r.Pending)},
		[2]string{"owner", r.Owner.String()}, [2]string{"next owner", accountOrNone(r.NextOwner)}, [2]string{"heir", accountOrNone(r.Heir)}, [2]string{"operator", r.Operator.String()}, [2]string{"receipt key", orNone(s.ReceiptKey)}, [2]string{"reached at", orNone(s.URL)})
}

// keys fills in what signs receipts and where the dispatcher is reached.
func (s *dispatcherStatus) keys(r wrappers.Rewards) {
	if key := r.Keys.Of(r.Number); key != [32]byte{} {
		s.ReceiptKey = hex.EncodeToString(key[:])
	}
	if r.Keys.NextFrom > r.Number {
		s.NextKey, s.NextKeyFrom = hex.EncodeToString(r.Keys.Next[:]), r.Keys.NextFrom
	}
	if at := r.Keys.Endpoint; at != nil {
		s.URL, s.TLSKeyHash = string(at.URL), hex.EncodeToString(at.TLSKeyHash[:])
	}
}

func accountOrNone(a cocoon.Account) string {
	if a.IsZero() {
		return "none"
	}
	return a.String()
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
