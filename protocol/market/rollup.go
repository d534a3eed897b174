package market

import "github.com/cocoon-network/cocoon"

// Rollup is what happened within one hour or day: in the whole market, or to the
// jobs that name Model. A period in which nothing of it happened has none.
type Rollup struct {
	Start uint32          `json:"start"`           // first second of the hour or day, UTC
	Model *cocoon.ModelID `json:"model,omitempty"` // left out for the whole market
	Flows
	Levels *Levels `json:"levels,omitempty"` // left out for one model
}

// Flows add up over time: those of a day are the sum of its hours'.
type Flows struct {
	JobsOpened     uint64      `json:"jobs_opened"`
	JobsAccepted   uint64      `json:"jobs_accepted"`
	JobsDelivered  uint64      `json:"jobs_delivered"`
	JobsPaid       uint64      `json:"jobs_paid"`
	JobsRuled      uint64      `json:"jobs_ruled"`
	JobsRefunded   uint64      `json:"jobs_refunded"`
	JobsSlashed    uint64      `json:"jobs_slashed"`
	Escrowed       cocoon.Nano `json:"escrowed_nano"` // budgets of the jobs opened
	Paid           cocoon.Nano `json:"paid_nano"`     // that jobs came to: the providers', the dispatchers' and the network's share
	ChannelsOpened uint64      `json:"channels_opened"`
	Settled        cocoon.Nano `json:"settled_nano"` // paid by channels
	Payouts        cocoon.Nano `json:"payouts_nano"` // of epochs to providers
}

// Levels are what there was after the last event that a period counts.
type Levels struct {
	Stake     cocoon.Nano `json:"stake_nano"`       // of providers; what is unbonding left out
	Bonds     cocoon.Nano `json:"bonds_nano"`       // of dispatchers; what is unbonding left out
	Providers uint64      `json:"active_providers"` // with an active worker
	Workers   uint64      `json:"active_workers"`
	GPUs      uint64      `json:"active_gpus"`
}

// ModelDemand is what clients say they expect to need of a model.
type ModelDemand struct {
	Model    cocoon.ModelID `json:"model"`
	Name     string         `json:"name"`     // as the registry calls it, "" where it does not
	Channels uint64         `json:"channels"` // open ones that declare it
	Tokens   string         `json:"tokens"`   // a day in all, decimal: anyone may declare any number
}
