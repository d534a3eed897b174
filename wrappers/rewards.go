package wrappers

import (
	"context"

	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
)

// rewardsMessages are the operations of the rewards contract, in schema order.
var rewardsMessages = []layout{
	message[RefreshTerms]("refresh_terms"),
	message[TermsAnswer]("terms"),
	message[Withdraw]("withdraw"),
	message[Bond]("bond"),
	message[Fund]("fund"),
	message[RequestUnbond]("request_unbond"),
	message[Appoint]("appoint"),
	message[OpenEpoch]("open_epoch"),
	message[Passed]("passed"),
	message[Failed]("failed"),
	message[Remainder]("remainder"),
	message[Settlement]("settlement"),
}

// Bond adds Amount to the dispatcher's bond. Anyone may send it.
type Bond struct {
	_        tlb.Magic      `tlb:"#63dc077b"`
	QueryID  uint64         `tlb:"## 64"`
	Amount   Coins          `tlb:"."`
	Response cocoon.Account `tlb:"bits 256"` // gets the change
}

// Fund adds Amount to the pot, for good. Anyone may send it.
type Fund struct {
	_        tlb.Magic      `tlb:"#47cf5a63"`
	QueryID  uint64         `tlb:"## 64"`
	Amount   Coins          `tlb:"."`
	Response cocoon.Account `tlb:"bits 256"` // gets the change
}

// RequestUnbond starts the unbonding of Amount. The owner sends it.
type RequestUnbond struct {
	_       tlb.Magic `tlb:"#20672321"`
	QueryID uint64    `tlb:"## 64"`
	Amount  Coins     `tlb:"."`
}

// Appoint names the account that may open epochs, in the owner's place. The owner sends it.
type Appoint struct {
	_        tlb.Magic      `tlb:"#557f9518"`
	QueryID  uint64         `tlb:"## 64"`
	Operator cocoon.Account `tlb:"bits 256"`
}

// OpenEpoch puts an EpochTree's root, total and length on chain, with that
// much of the pot and the network's share. The operator sends it.
type OpenEpoch struct {
	_       tlb.Magic `tlb:"#1bf3564a"`
	QueryID uint64    `tlb:"## 64"`
	Root    [32]byte  `tlb:"bits 256"`
	Total   Coins     `tlb:"."`
	Count   uint32    `tlb:"## 18"`
}

// Passed says that the pending epoch is over its window. The epoch sends it.
type Passed struct {
	_        tlb.Magic      `tlb:"#d9512c1f"`
	QueryID  uint64         `tlb:"## 64"`
	Number   uint32         `tlb:"## 32"`
	Attempt  uint16         `tlb:"## 16"`
	Response cocoon.Account `tlb:"bits 256"`
}

// Failed brings all money of the pending epoch back. The epoch sends it.
type Failed struct {
	_       tlb.Magic `tlb:"#dae54517"`
	QueryID uint64    `tlb:"## 64"`
	Number  uint32    `tlb:"## 32"`
	Attempt uint16    `tlb:"## 16"`
}

// Remainder brings what a finished epoch did not pay out.
type Remainder struct {
	_       tlb.Magic `tlb:"#b74a66ae"`
	QueryID uint64    `tlb:"## 64"`
	Number  uint32    `tlb:"## 32"`
	Attempt uint16    `tlb:"## 16"`
}

// RewardsFees are the least values a rewards contract's operations must bring,
// at the live prices. What they do not use comes back, except the rent in the
// first message to a contract: RewardsFees includes it while there is no state.
// Amounts of Bond and Fund come on top.
type RewardsFees struct{ RefreshTerms, Withdraw, Bond, Fund, RequestUnbond, Appoint, OpenEpoch cocoon.Nano }

// GetRewardsFees asks the contract at a for its fees; OpenEpoch is priced for an
// epoch of count leaves.
func GetRewardsFees(ctx context.Context, g Getter, a cocoon.Account, count int) (f RewardsFees, err error) {
	err = getNanos(ctx, g, a, "get_fees", []any{count},
		&f.RefreshTerms, &f.Withdraw, &f.Bond, &f.Fund, &f.RequestUnbond, &f.Appoint, &f.OpenEpoch)
	return f, err
}

// GetPot asks the contract at a how much an epoch and its network share may take.
func GetPot(ctx context.Context, g Getter, a cocoon.Account) (pot cocoon.Nano, err error) {
	err = getNanos(ctx, g, a, "get_pot", nil, &pot)
	return pot, err
}
