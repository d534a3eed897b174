package wrappers

import (
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// providerMessages are the operations of the provider contract, in schema order.
var providerMessages = []layout{
	message[RefreshTerms]("refresh_terms"),
	message[TermsAnswer]("terms"),
	message[Withdraw]("withdraw"),
	message[Stake]("stake"),
	message[RequestUnstake]("request_unstake"),
	message[SetOperator]("set_operator"),
	message[PutWorker]("put_worker"),
	message[RetireWorker]("retire_worker"),
	message[Prune]("prune"),
	message[AcceptJob]("accept_job"),
	message[ReportEquivocation]("report_equivocation"),
	message[Income]("income"),
}

// Stake locks Amount in a provider. Anyone may send it; the change goes to Response.
type Stake struct {
	_        tlb.Magic      `tlb:"#7f0fb44f"`
	QueryID  uint64         `tlb:"## 64"`
	Amount   Coins          `tlb:"."`
	Response cocoon.Account `tlb:"bits 256"`
}

// RequestUnstake starts the unbonding of Amount. The owner sends it.
type RequestUnstake struct {
	_       tlb.Magic `tlb:"#4e991dfc"`
	QueryID uint64    `tlb:"## 64"`
	Amount  Coins     `tlb:"."`
}

// SetOperator puts Key in the place of the operator's key, at once, and bounds
// what it may bond. The owner sends it.
type SetOperator struct {
	_          tlb.Magic  `tlb:"#0a1e5f41"`
	QueryID    uint64     `tlb:"## 64"`
	Key        [32]byte   `tlb:"bits 256"`
	Allowance  Coins      `tlb:"."`
	Possession *Signature `tlb:"^"` // of a Possession, by Key
}

// PutWorker registers a worker or changes its record. Anyone may send it: the
// operator has signed Order.
type PutWorker struct {
	_         tlb.Magic      `tlb:"#708a3b21"`
	QueryID   uint64         `tlb:"## 64"`
	Response  cocoon.Account `tlb:"bits 256"`
	Signature [64]byte       `tlb:"bits 512"`
	Order     *cell.Cell     `tlb:"^"` // a PutWorkerOrder
}

// RetireWorker takes a worker out of service for good. Anyone may send it: the
// operator has signed Order.
type RetireWorker struct {
	_         tlb.Magic      `tlb:"#6320ca36"`
	QueryID   uint64         `tlb:"## 64"`
	Response  cocoon.Account `tlb:"bits 256"`
	Signature [64]byte       `tlb:"bits 512"`
	Order     *cell.Cell     `tlb:"^"` // a RetireWorkerOrder
}

// Prune forgets a worker, one unbonding time after it retired. Anyone may send it.
type Prune struct {
	_        tlb.Magic      `tlb:"#4bb443c0"`
	QueryID  uint64         `tlb:"## 64"`
	Response cocoon.Account `tlb:"bits 256"`
	Worker   [32]byte       `tlb:"bits 256"`
}

// AcceptJob bonds free balance in a job. Anyone may send it: the operator has
// signed Order.
type AcceptJob struct {
	_         tlb.Magic      `tlb:"#24960c88"`
	QueryID   uint64         `tlb:"## 64"`
	Response  cocoon.Account `tlb:"bits 256"`
	Signature [64]byte       `tlb:"bits 512"`
	Order     *cell.Cell     `tlb:"^"` // an AcceptJobOrder
}

// ReportEquivocation takes a worker's share of the stake: its session key signed
// two receipts for one number. A fifth of what is taken goes to Response. Anyone
// may send it.
type ReportEquivocation struct {
	_           tlb.Magic      `tlb:"#5649701a"`
	QueryID     uint64         `tlb:"## 64"`
	Response    cocoon.Account `tlb:"bits 256"`
	Worker      [32]byte       `tlb:"bits 256"`
	Certificate *SignedCell    `tlb:"^"` // of a receipt.Certificate, by Worker
	First       *SignedCell    `tlb:"^"` // of a receipt.Usage, by the session key
	Second      *SignedCell    `tlb:"^"` // the same scope, other content
}

// Income is pay from a job or an epoch, with what comes back of a bond; from
// anyone else it is a gift.
type Income struct {
	_       tlb.Magic `tlb:"#4ecb2892"`
	QueryID uint64    `tlb:"## 64"`
	Bond    Coins     `tlb:"."`
}
