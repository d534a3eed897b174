package dispatcher

import (
	"context"

	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Feed is the log of our contracts' events, in the chain's order.
type Feed interface {
	// Events are up to limit events after seq, oldest first.
	Events(ctx context.Context, after uint64, limit int) ([]market.Event, error)
	// WaitSeqno returns once that masterchain block is indexed.
	WaitSeqno(ctx context.Context, seqno uint32) error
	// Head is how far the chain was followed. Its time is the only clock for what is due.
	Head() market.Head
}

// Index answers what the events add up to.
type Index interface {
	// Workers are all worker records, retired ones included.
	Workers(ctx context.Context) ([]market.Worker, error)
	Providers(ctx context.Context) ([]market.Provider, error)
	// Job is NotFound where the contract was never seen.
	Job(ctx context.Context, a cocoon.Account) (market.Job, error)
	// Channel and RewardsAt are NotFound likewise; only a ledger needs them.
	Channel(ctx context.Context, a cocoon.Account) (market.Channel, error)
	RewardsAt(ctx context.Context, a cocoon.Account) (market.Rewards, error)
	// ChannelsOf are all that pay a rewards contract, closed ones included.
	ChannelsOf(ctx context.Context, rewards cocoon.Account) ([]market.Channel, error)
}

// Chain reads proven state. Fees come from the contracts' get-methods.
type Chain interface {
	wrappers.Getter
	Account(ctx context.Context, a cocoon.Account) (chain.Account, error)
	// Unborn is a contract as it will be born with init, at the live prices.
	Unborn(init *tlb.StateInit) chain.Unborn
}

// Sender is the dispatcher's wallet, as *chain.Wallet is one.
type Sender interface {
	// Account gets the change of what is sent.
	Account() cocoon.Account
	// Send returns once the wallet's transaction is in a committed block.
	Send(ctx context.Context, m ...chain.Message) (chain.Sent, error)
}
