package wrappers

import (
	"crypto/ed25519"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// PutWorkerOrder is what an operator signs to register a worker or to change
// its record. Revision has to exceed that of the last order on workers.
type PutWorkerOrder struct {
	_          tlb.Magic      `tlb:"#3754e5e3"`
	GlobalID   int32          `tlb:"## 32"`
	Contract   cocoon.Account `tlb:"bits 256"`
	Revision   uint64         `tlb:"## 64"`
	Worker     [32]byte       `tlb:"bits 256"`
	Possession *Signature     `tlb:"^"` // of a Possession, by Worker
	Record     *cell.Cell     `tlb:"^"` // a WorkerRecord
}

// RetireWorkerOrder is what an operator signs to retire a worker.
type RetireWorkerOrder struct {
	_        tlb.Magic      `tlb:"#1a4b2026"`
	GlobalID int32          `tlb:"## 32"`
	Contract cocoon.Account `tlb:"bits 256"`
	Revision uint64         `tlb:"## 64"`
	Worker   [32]byte       `tlb:"bits 256"`
}

// AcceptJobOrder is what an operator signs to take a job.
type AcceptJobOrder struct {
	_          tlb.Magic      `tlb:"#163e9a22"`
	GlobalID   int32          `tlb:"## 32"`
	Contract   cocoon.Account `tlb:"bits 256"`
	Job        cocoon.Account `tlb:"bits 256"`
	Code       uint8          `tlb:"## 2"` // place of the provider's own code in the job's terms
	Worker     [32]byte       `tlb:"bits 256"`
	Bond       Coins          `tlb:"."`
	ValidUntil uint32         `tlb:"## 32"`   // unix seconds, the first moment at which it is refused
	Pass       *Signature     `tlb:"maybe ^"` // of a PassFor, by the job's offer key, where it has one
}

// Sign makes the message that carries o, signed by the operator.
func (o PutWorkerOrder) Sign(operator ed25519.PrivateKey, queryID uint64, response cocoon.Account) (PutWorker, error) {
	order, sig, err := Sign(o, operator)
	return PutWorker{QueryID: queryID, Response: response, Signature: sig.Bytes, Order: order}, err
}

// Sign makes the message that carries o, signed by the operator.
func (o RetireWorkerOrder) Sign(operator ed25519.PrivateKey, queryID uint64, response cocoon.Account) (RetireWorker, error) {
	order, sig, err := Sign(o, operator)
	return RetireWorker{QueryID: queryID, Response: response, Signature: sig.Bytes, Order: order}, err
}

// Sign makes the message that carries o, signed by the operator.
func (o AcceptJobOrder) Sign(operator ed25519.PrivateKey, queryID uint64, response cocoon.Account) (AcceptJob, error) {
	order, sig, err := Sign(o, operator)
	return AcceptJob{QueryID: queryID, Response: response, Signature: sig.Bytes, Order: order}, err
}
