package wrappers

import (
	"context"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

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
	message[SetHeir]("set_heir"),
	message[TransferOwnership]("transfer_ownership"),
	message[AcceptOwnership]("accept_ownership"),
	message[Succeed]("succeed"),
	message[RotateKey]("rotate_key"),
	message[SetEndpoint]("set_endpoint"),
	message[Owe]("owe"),
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

// SetHeir names who may take over after a long silence of owner and operator; the
// zero account is nobody. The owner sends it.
type SetHeir struct {
	_       tlb.Magic      `tlb:"#571261df"`
	QueryID uint64         `tlb:"## 64"`
	Heir    cocoon.Account `tlb:"bits 256"`
}

// TransferOwnership names who may become the owner; the zero account is nobody.
// The owner sends it, and stays the owner until AcceptOwnership.
type TransferOwnership struct {
	_       tlb.Magic      `tlb:"#57b607a0"`
	QueryID uint64         `tlb:"## 64"`
	Owner   cocoon.Account `tlb:"bits 256"`
}

// AcceptOwnership makes its sender the owner, which TransferOwnership has to have named.
type AcceptOwnership struct {
	_       tlb.Magic `tlb:"#75162bb5"`
	QueryID uint64    `tlb:"## 64"`
}

// Succeed makes the heir owner and operator, once both have sent nothing for the
// terms' HeirAfter. The heir sends it.
type Succeed struct {
	_       tlb.Magic `tlb:"#6a590e20"`
	QueryID uint64    `tlb:"## 64"`
}

// RotateKey names the key that signs receipts from two numbers later on, or at
// once where there was none. Refused while another one is waiting. The owner
// sends it.
type RotateKey struct {
	_          tlb.Magic  `tlb:"#0879eeb4"`
	QueryID    uint64     `tlb:"## 64"`
	Key        [32]byte   `tlb:"bits 256"`
	Possession *Signature `tlb:"^"` // of a Possession, by Key
}

// SetEndpoint says where the dispatcher is reached; nil removes it. The owner sends it.
type SetEndpoint struct {
	_        tlb.Magic `tlb:"#15ad4c81"`
	QueryID  uint64    `tlb:"## 64"`
	Endpoint *Endpoint `tlb:"maybe ^"`
}

// Endpoint is where a dispatcher is reached, and how it is recognised there.
type Endpoint struct {
	TLSKeyHash [32]byte `tlb:"bits 256"` // SHA-256 of the public key that a TLS server proves there
	URL        Text     `tlb:"^"`        // ASCII, at most MaxNameBytes; contracts refuse another
}

// Owe lodges a receipt of the present number or the next: the bond stays until
// that number has passed. Anyone may send it.
type Owe struct {
	_         tlb.Magic      `tlb:"#1ec5f4fe"`
	QueryID   uint64         `tlb:"## 64"`
	Response  cocoon.Account `tlb:"bits 256"` // gets the change
	Signature [64]byte       `tlb:"bits 512"`
	Receipt   *cell.Cell     `tlb:"^"` // of a receipt.Earned, by the receipt key of its number
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
	_       tlb.Magic      `tlb:"#9c26f371"`
	QueryID uint64         `tlb:"## 64"`
	Number  uint32         `tlb:"## 32"`
	Attempt uint16         `tlb:"## 16"`
	Penalty Coins          `tlb:"."`        // of the dispatcher, out of its bond
	Proven  cocoon.Account `tlb:"bits 256"` // the provider whose receipt refuted the tree; zero where it was not published in time
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
type RewardsFees struct {
	RefreshTerms, Withdraw, Bond, Fund, RequestUnbond, Appoint                                   cocoon.Nano
	SetHeir, TransferOwnership, AcceptOwnership, Succeed, RotateKey, SetEndpoint, Owe, OpenEpoch cocoon.Nano
}

// GetRewardsFees asks the contract at a for its fees; OpenEpoch is priced for an
// epoch of count leaves.
func GetRewardsFees(ctx context.Context, g Getter, a cocoon.Account, count int) (f RewardsFees, err error) {
	err = getNanos(ctx, g, a, "get_fees", []any{count},
		&f.RefreshTerms, &f.Withdraw, &f.Bond, &f.Fund, &f.RequestUnbond, &f.Appoint,
		&f.SetHeir, &f.TransferOwnership, &f.AcceptOwnership, &f.Succeed, &f.RotateKey, &f.SetEndpoint, &f.Owe, &f.OpenEpoch)
	return f, err
}

// GetPot asks the contract at a how much an epoch and its network share may take.
func GetPot(ctx context.Context, g Getter, a cocoon.Account) (pot cocoon.Nano, err error) {
	err = getNanos(ctx, g, a, "get_pot", nil, &pot)
	return pot, err
}
