package wrappers

import (
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// epochMessages are the operations of the epoch contract, in schema order.
var epochMessages = []layout{
	message[Finish]("finish"),
	message[Open]("open"),
	message[Publish]("publish"),
	message[Prove]("prove"),
	message[Fail]("fail"),
	message[Pass]("pass"),
	message[Push]("push"),
	message[Claim]("claim"),
}

// Leaf is what one provider earned in an epoch. The same proof pays it and
// shows its reputation, of which all but the amount is the dispatcher's word.
type Leaf struct {
	Provider  cocoon.Account `tlb:"bits 256"`
	Amount    Coins          `tlb:"."`
	Requests  uint32         `tlb:"## 32"`
	Tokens    uint64         `tlb:"## 64"`
	Failures  uint32         `tlb:"## 32"`
	UptimeBps uint16         `tlb:"## 16"`
	P50Ms     uint32         `tlb:"## 32"` // median time to the first token
}

// EpochTerms are the rules an epoch is opened with; times are seconds.
type EpochTerms struct {
	Publish    uint32         `tlb:"## 32"` // from opening to the last page
	Window     uint32         `tlb:"## 32"` // from the last page to passing
	Expiry     uint32         `tlb:"## 32"` // from passing until unpaid leaves go back
	NetworkBps uint16         `tlb:"## 16"` // share of what is paid, on top of it
	Treasury   cocoon.Account `tlb:"bits 256"`
	PenaltyBps uint16         `tlb:"## 16"` // of the total, what a refuted epoch costs the dispatcher
	Penalty    Coins          `tlb:"."`     // and at least
}

// NetworkShare is the network's part that comes on top of paid, rounded down as
// the contract does; cocoon.ErrOverflow where Coins cannot hold it.
func (t EpochTerms) NetworkShare(paid cocoon.Nano) (cocoon.Nano, error) {
	return paid.MulDiv(uint64(t.NetworkBps), 10_000)
}

// Open brings an epoch's money and root. Rewards sends it.
type Open struct {
	_          tlb.Magic      `tlb:"#69749d62"`
	QueryID    uint64         `tlb:"## 64"`
	Root       [32]byte       `tlb:"bits 256"`
	Total      Coins          `tlb:"."`
	Count      uint32         `tlb:"## 18"`
	Response   cocoon.Account `tlb:"bits 256"`
	ReceiptKey [32]byte       `tlb:"bits 256"` // of this number; zero where there is none
	Terms      *EpochTerms    `tlb:"^"`
}

// Publish shows leaves [From, From + Count) to everyone. Anyone may send it, in order.
type Publish struct {
	_        tlb.Magic      `tlb:"#07ccaae2"`
	QueryID  uint64         `tlb:"## 64"`
	Response cocoon.Account `tlb:"bits 256"`
	From     uint32         `tlb:"## 18"`
	Count    uint16         `tlb:"## 9"`
	Page     *cell.Cell     `tlb:"^"` // Merkle proof of these leaves
}

// Prove refutes the published tree with a receipt that it falls short of: the
// provider's leaf at Index is lower, or it has none and would stand at Index. Anyone
// may send it, before the window is over.
type Prove struct {
	_         tlb.Magic      `tlb:"#14fa2bc5"`
	QueryID   uint64         `tlb:"## 64"`
	Response  cocoon.Account `tlb:"bits 256"`
	Signature [64]byte       `tlb:"bits 512"`
	Index     uint32         `tlb:"## 18"`
	Receipt   *cell.Cell     `tlb:"^"` // of a receipt.Earned, by the epoch's receipt key
	Proof     *cell.Cell     `tlb:"^"` // Merkle proof of the leaves at Index and before it, as far as there are
}

// Fail ends an epoch that was not published in time. Anyone may send it, again
// where the money came back.
type Fail struct {
	_        tlb.Magic      `tlb:"#25f9dc55"`
	QueryID  uint64         `tlb:"## 64"`
	Response cocoon.Account `tlb:"bits 256"`
}

// Pass ends the window, so that leaves may be paid. Anyone may send it, again as well.
type Pass struct {
	_        tlb.Magic      `tlb:"#1aeb1758"`
	QueryID  uint64         `tlb:"## 64"`
	Response cocoon.Account `tlb:"bits 256"`
}

// Push pays leaves [From, From + Count). Anyone may send it, in order.
type Push struct {
	_        tlb.Magic      `tlb:"#3e3b91a3"`
	QueryID  uint64         `tlb:"## 64"`
	Response cocoon.Account `tlb:"bits 256"`
	From     uint32         `tlb:"## 18"`
	Count    uint8          `tlb:"## 8"`
	Page     *cell.Cell     `tlb:"^"` // Merkle proof of these leaves
}

// Claim pays one leaf ahead of the pushed ones. Anyone may send it.
type Claim struct {
	_        tlb.Magic      `tlb:"#043be091"`
	QueryID  uint64         `tlb:"## 64"`
	Response cocoon.Account `tlb:"bits 256"`
	Index    uint32         `tlb:"## 17"`
	Proof    *cell.Cell     `tlb:"^"`
}

// Finish ends what is due: a job after its review, an epoch that is pushed or
// expired, a channel after its close delay. Anyone may send it; again, it sweeps strays.
type Finish struct {
	_        tlb.Magic      `tlb:"#025320b5"`
	QueryID  uint64         `tlb:"## 64"`
	Response cocoon.Account `tlb:"bits 256"`
}
