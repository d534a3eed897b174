package cli

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newProviderClaim(e *env) *cobra.Command {
	o, api := &providerOptions{}, ""
	c := providerCommand(e, "claim", "Take a reward ahead of the dispatcher's pushes", o, exactly(),
		func(ctx context.Context, d *desk, b wrappers.ProviderBirth, _ []string) error {
			return runProviderClaim(ctx, e, d, b, &librarian{strings.TrimRight(api, "/"), &http.Client{Timeout: 30 * time.Second}})
		})
	c.Long = `Looks for epochs that are paying and owe your provider a leaf, and claims each by
Merkle proof. An indexer is asked for the leaves; what it says is checked against
the epoch's contract, so a wrong one can only delay you. Anyone may pay for it:
the reward goes to the provider.`
	c.Flags().StringVar(&api, "api", "http://127.0.0.1:8080", "base URL of an indexer's API")
	return c
}

func runProviderClaim(ctx context.Context, e *env, d *desk, b wrappers.ProviderBirth, l *librarian) error {
	provider, err := b.Account()
	if err != nil {
		return err
	}
	epochs, err := fetch[market.Epoch](ctx, l, "/v1/epochs")
	if err != nil {
		return err
	}
	var messages []chain.Message
	var sum cocoon.Nano
	for _, epoch := range epochs {
		m, amount, err := d.claim(ctx, l, epoch, provider)
		if err != nil {
			return fmt.Errorf("epoch %s: %w", epoch.Account, err)
		}
		if amount.IsZero() {
			continue
		}
		messages = append(messages, m)
		if sum, err = sum.Add(amount); err != nil {
			return err
		}
	}
	if len(messages) == 0 {
		return cocoon.WithHint(cocoon.NotFound.Errorf("no epoch owes provider %s anything", provider), "an epoch pays once its window has passed")
	}
	return d.send(ctx, e, "claim "+sum.String(), messages...)
}

// claim is the message that takes provider's leaf out of an epoch; no amount
// where there is none to take.
func (d *desk) claim(ctx context.Context, l *librarian, told market.Epoch, provider cocoon.Account) (m chain.Message, amount cocoon.Nano, err error) {
	if told.Phase != wrappers.EpochPaying.String() {
		return m, amount, nil
	}
	epoch, err := d.epoch(ctx, told)
	if err != nil || epoch.Phase != wrappers.EpochPaying {
		return m, amount, err
	}
	leaves, err := fetch[market.Leaf](ctx, l, "/v1/epochs/"+told.Account.String()+"/leaves")
	if err != nil {
		return m, amount, err
	}
	index := slices.IndexFunc(leaves, func(l market.Leaf) bool { return l.Provider == provider })
	if index < 0 || uint32(index) < epoch.Cursor || epoch.Claimed(uint32(index)) {
		return m, amount, nil
	}
	list := make([]wrappers.Leaf, len(leaves))
	for i, l := range leaves {
		list[i] = wrappers.Leaf{Provider: l.Provider, Amount: wrappers.Coins{Nano: l.Amount}, Requests: l.Requests, Tokens: l.Tokens,
			Failures: l.Failures, UptimeBps: l.Uptime, P50Ms: l.P50}
	}
	tree, err := wrappers.NewEpochTree(list)
	if err != nil {
		return m, amount, err
	}
	if tree.Root() != epoch.Opened.Root {
		return m, amount, cocoon.WithHint(cocoon.Conflict.Errorf("the leaves of %s are not those of the contract", l.url), "ask another indexer with --api")
	}
	m, err = d.Claim(ctx, told.Account, tree, index, d.account)
	return m, leaves[index].Amount, err
}

// epoch is the proven state of an epoch. That it is at the address of
// our code keeps us from paying the fee that a contract of somebody else asks.
func (d *desk) epoch(ctx context.Context, told market.Epoch) (wrappers.Epoch, error) {
	a, err := wrappers.EpochBirth{Rewards: told.Rewards, Number: told.Number, Attempt: told.Attempt}.Account()
	if err != nil {
		return wrappers.Epoch{}, err
	}
	if a != told.Account {
		return wrappers.Epoch{}, cocoon.Conflict.Errorf("it is no epoch %d of %s", told.Number, told.Rewards)
	}
	acc, err := d.client.Account(ctx, a)
	if err != nil {
		return wrappers.Epoch{}, err
	}
	if acc.Data == nil {
		return wrappers.Epoch{}, cocoon.NotFound.Errorf("there is no contract")
	}
	return wrappers.DecodeEpoch(acc.Data)
}
