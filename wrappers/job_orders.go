package wrappers

import (
	"crypto/ed25519"

	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
)

// PassFor is what an offer key signs to let one provider accept one job.
type PassFor struct {
	_        tlb.Magic      `tlb:"#025ed288"`
	GlobalID int32          `tlb:"## 32"`
	Contract cocoon.Account `tlb:"bits 256"` // the job
	Provider cocoon.Account `tlb:"bits 256"`
}

// Sign makes the pass, signed by the offer key.
func (p PassFor) Sign(offer ed25519.PrivateKey) (Signature, error) {
	_, sig, err := Sign(p, offer)
	return sig, err
}

// Delivery is what a worker signs when it has done a job.
type Delivery struct {
	_          tlb.Magic      `tlb:"#50922843"`
	GlobalID   int32          `tlb:"## 32"`
	Contract   cocoon.Account `tlb:"bits 256"` // the job
	ResultHash [32]byte       `tlb:"bits 256"`
	Amount     Coins          `tlb:"."` // asked for; not 0, at most the budget
	Prompt     uint64         `tlb:"## 64"`
	Cached     uint64         `tlb:"## 64"`
	Completion uint64         `tlb:"## 64"`
	Reasoning  uint64         `tlb:"## 64"`
}

// Usage is the tokens that the worker says it has used.
func (d Delivery) Usage() cocoon.Usage {
	return cocoon.Usage{Prompt: d.Prompt, Cached: d.Cached, Completion: d.Completion, Reasoning: d.Reasoning}
}

// Sign makes the message that carries d, signed by the worker. Sent from outside
// it costs the sender nothing, and response gets nothing.
func (d Delivery) Sign(worker ed25519.PrivateKey, queryID uint64, response cocoon.Account) (Deliver, error) {
	delivery, sig, err := Sign(d, worker)
	return Deliver{QueryID: queryID, Response: response, Signature: sig.Bytes, Delivery: delivery}, err
}
