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
