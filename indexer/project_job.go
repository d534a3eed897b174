package indexer

import (
	"context"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// jobState is a job's state. The offer never changes, so that its birth data,
// in the log, stands for most of it.
type jobState struct {
	Client        cocoon.Account    `json:"client"`
	Dispatcher    cocoon.Account    `json:"dispatcher"`
	DispatcherBps uint16            `json:"dispatcher_bps"`
	NetworkBps    uint16            `json:"network_bps"`
	Model         cocoon.ModelID    `json:"model"`
	Payload       key               `json:"payload"`
	Caps          cocoon.Price      `json:"caps"`
	Budget        cocoon.Nano       `json:"budget"`
	MinBond       cocoon.Nano       `json:"min_bond"`
	Deposit       cocoon.Nano       `json:"deposit"`
	AcceptBy      uint32            `json:"accept_by"`
	Work          uint32            `json:"work"`
	Review        uint32            `json:"review"`
	Arbitration   uint32            `json:"arbitration"`
	DefaultBps    uint16            `json:"default_bps"`
	Arbiter       cocoon.Account    `json:"arbiter"`
	Phase         wrappers.JobPhase `json:"phase"`
	Until         uint32            `json:"until"`
	Bound         *jobBound         `json:"bound"`
	Result        *jobResult        `json:"result"`
}

type jobBound struct {
	Provider cocoon.Account `json:"provider"`
	Worker   key            `json:"worker"`
	Bond     cocoon.Nano    `json:"bond"`
}

type jobResult struct {
	Hash   key          `json:"hash"`
	Amount cocoon.Nano  `json:"amount"`
	Usage  cocoon.Usage `json:"usage"`
}

// jobRecord is a job's state and what the chain no longer shows of its past.
type jobRecord struct {
	jobState
	Ended    market.Status `json:"ended"` // "" until it is closed
	OpenedAt uint32        `json:"opened_at"`
	ToClient cocoon.Nano   `json:"to_client"`
	Paid     jobPaid       `json:"paid"`
}

// jobPaid is what a job came to, but for what went to the client.
type jobPaid struct {
	Amount   cocoon.Nano `json:"amount"`   // to the provider, the dispatcher and the network
	Provider cocoon.Nano `json:"provider"` // of it
	Arbiter  cocoon.Nano `json:"arbiter"`  // the deposit
	Awarded  cocoon.Nano `json:"awarded"`  // of the bond, to the client
}

func jobStateOf(j wrappers.Job) jobState {
	o := j.Offer
	s := jobState{Client: o.Client, Dispatcher: o.Dispatcher, DispatcherBps: o.DispatcherBps, NetworkBps: o.Terms.NetworkBps, Model: o.Work.Model,
		Payload: o.Work.PayloadHash, Caps: o.Work.Caps.Price(), Budget: o.Money.Budget.Nano, MinBond: o.Money.MinBond.Nano, Deposit: o.Money.Deposit.Nano,
		AcceptBy: o.Money.AcceptBy, Work: o.Money.Work, Review: o.Money.Review, Arbitration: o.Money.Arbitration, DefaultBps: o.Money.DefaultBps,
		Arbiter: o.Money.Arbiter, Phase: j.Phase, Until: j.Until}
	if j.Bound != nil {
		s.Bound = &jobBound{j.Bound.Provider, j.Bound.Worker, j.Bound.Bond.Nano}
	}
	if j.Result != nil {
		s.Result = resultOf(*j.Result)
	}
	return s
}

func resultOf(d wrappers.Delivery) *jobResult {
	return &jobResult{d.ResultHash, d.Amount.Nano, d.Usage()}
}

// status is "" for a job that was never opened: nobody could accept it.
func (j *jobRecord) status() market.Status {
	switch {
	case j.OpenedAt == 0:
		return ""
	case j.Phase == wrappers.JobOpen:
		return market.Open
	case j.Phase == wrappers.JobAccepted:
		return market.Accepted
	case j.Phase == wrappers.JobDelivered:
		return market.Delivered
	case j.Phase == wrappers.JobDisputed:
		return market.Disputed
	}
	return j.Ended
}

// columns implements indexedState.
func (j jobRecord) columns() []any {
	provider := []byte{}
	if j.Bound != nil {
		provider = j.Bound.Provider[:]
	}
	return []any{j.status(), j.Client[:], provider}
}

// job applies what contracts/job.fc does with an event.
func (p projector) job(_ context.Context, o *occurrence, j *jobRecord) error {
	if o.Name == bounce {
		return nil
	}
	return j.apply(o)
}
