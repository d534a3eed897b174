package worker

import (
	"context"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/worker/answer"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Chain is what a worker needs of TON. What it reads is proven, at the newest
// masterchain block; no answer is Unreachable. Proven is the real one.
type Chain interface {
	// Standing is the worker's place in its provider's contract.
	Standing(ctx context.Context, provider cocoon.Account, worker bus.ID) (Standing, error)
	// Job reads a job. NotFound where there is no contract yet, Invalid where
	// the contract there is not the job that its offer gives rise to.
	Job(ctx context.Context, job cocoon.Account) (Job, error)
	// WaitJob reads a job at every new block until enough says so.
	WaitJob(ctx context.Context, job cocoon.Account, enough func(Job) bool) (Job, error)
	// Dispatcher is the state of a rewards contract; Invalid where there is none.
	Dispatcher(ctx context.Context, rewards cocoon.Account) (answer.Dispatcher, error)
	// Deliver sends a delivery to the job from outside, without the dispatcher.
	Deliver(ctx context.Context, job cocoon.Account, d bus.Deliver) error
}

// Standing is what a provider's contract says of itself and of one worker.
type Standing struct {
	Block    attest.Block // as of which
	Birth    wrappers.ProviderBirth
	Operator [32]byte
	Record   *wrappers.WorkerRecord // nil unless the worker is active
	Bondable cocoon.Nano            // the most one more bond may be
}

// price is what the worker asks for a model, if it serves it.
func (s Standing) price(model cocoon.ModelID) (cocoon.Price, bool) {
	for _, m := range s.Record.Models {
		if m.Model == model {
			return m.Price, true
		}
	}
	return cocoon.Price{}, false
}

// Job is a job contract as of a block.
type Job struct {
	Account cocoon.Account
	Now     uint32 // the block's time, unix seconds
	wrappers.Job
}

// boundTo reports whether the job is, or was, that worker's.
func (j Job) boundTo(provider cocoon.Account, worker bus.ID) bool {
	return j.Bound != nil && j.Bound.Provider == provider && j.Bound.Worker == worker
}
