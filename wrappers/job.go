package wrappers

import (
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// jobMessages are the operations of the job contract, in schema order.
var jobMessages = []layout{
	message[OpenJob]("open_job"),
	message[Accept]("accept"),
	message[Cancel]("cancel"),
	message[Expire]("expire"),
	message[Deliver]("deliver"),
	message[Approve]("approve"),
	message[Dispute]("dispute"),
	message[Rule]("rule"),
	message[Finish]("finish"),
}

// OpenJob brings the escrow: the budget and what GetJobFees says. More than
// that stays in the job until its end. The client sends it.
type OpenJob struct {
	_       tlb.Magic `tlb:"#62938225"`
	QueryID uint64    `tlb:"## 64"`
}

// Accept brings a provider's bond. The provider at Owner and Index sends it.
type Accept struct {
	_        tlb.Magic      `tlb:"#177e34b4"`
	QueryID  uint64         `tlb:"## 64"`
	Bond     Coins          `tlb:"."`
	Code     uint8          `tlb:"## 2"` // place of the provider's code in the job's terms
	Owner    cocoon.Account `tlb:"bits 256"`
	Index    uint32         `tlb:"## 32"`
	Worker   [32]byte       `tlb:"bits 256"`
	Response cocoon.Account `tlb:"bits 256"`
	Pass     *Signature     `tlb:"maybe ^"` // of a PassFor, where the offer has a key
}

// Cancel takes the escrow back before a provider has accepted. The client sends it.
type Cancel struct {
	_       tlb.Magic `tlb:"#1725e4ad"`
	QueryID uint64    `tlb:"## 64"`
}

// Expire gives the client its escrow back, and the bond where a provider had
// accepted, once time is over. Anyone may send it.
type Expire struct {
	_        tlb.Magic      `tlb:"#7c6ee061"`
	QueryID  uint64         `tlb:"## 64"`
	Response cocoon.Account `tlb:"bits 256"`
}

// Deliver says on chain what the worker has done. Anyone may send it, as an
// external message as well: the worker has signed.
type Deliver struct {
	_         tlb.Magic      `tlb:"#5e41133d"`
	QueryID   uint64         `tlb:"## 64"`
	Response  cocoon.Account `tlb:"bits 256"` // gets nothing from an external message
	Signature [64]byte       `tlb:"bits 512"`
	Delivery  *cell.Cell     `tlb:"^"` // a Delivery
}

// Approve pays what was delivered, before the review is over. The client sends it.
type Approve struct {
	_       tlb.Magic `tlb:"#43272e52"`
	QueryID uint64    `tlb:"## 64"`
}

// Dispute keeps what was delivered from being paid before the offer's arbiter
// has ruled. It carries the offer's deposit; where the offer names no arbiter, it
// pays DefaultBps of the amount at once and gives all else back. The client
// sends it, before the review is over.
type Dispute struct {
	_       tlb.Magic `tlb:"#1efc704b"`
	QueryID uint64    `tlb:"## 64"`
}

// Rule ends a dispute: PayBps of the amount are paid, BondBps of what remains of
// the bond go to the client. The arbiter gets the deposit, the client's where
// PayBps is 5,000 or more, else out of the bond. The arbiter sends it, before
// the arbitration is over.
type Rule struct {
	_       tlb.Magic `tlb:"#0eb63160"`
	QueryID uint64    `tlb:"## 64"`
	PayBps  uint16    `tlb:"## 16"` // at most 10,000, like BondBps
	BondBps uint16    `tlb:"## 16"`
}
