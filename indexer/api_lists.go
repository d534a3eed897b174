package indexer

import (
	"context"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

// askWorkers, askJobs and the like ask for a page of a filtered list.
type askWorkers struct {
	PageInput
	Provider string `query:"provider" doc:"address in any form"`
	Active   bool   `query:"active" doc:"leaves retired workers out"`
}

type askJobs struct {
	PageInput
	Status   string `query:"status" enum:"open,accepted,delivered,disputed,paid,ruled,refunded,slashed"`
	Client   string `query:"client" doc:"address in any form"`
	Provider string `query:"provider" doc:"address in any form"`
}

type askChannels struct {
	PageInput
	Client  string `query:"client" doc:"address in any form"`
	Rewards string `query:"rewards" doc:"address in any form"`
	Open    bool   `query:"open" doc:"leaves closed channels out"`
}

type askEpochs struct {
	PageInput
	Rewards string `query:"rewards" doc:"address in any form"`
}

type askLeaves struct {
	PageInput
	ByAccount
}

type askEvents struct {
	After   uint64 `query:"after" maximum:"4611686018427387904" doc:"seq of the last event known; 0 is the beginning"`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Account string `query:"account" doc:"one contract's events only; address in any form"`
}

// eventList is a part of the log.
type eventList struct {
	Items []market.Event `json:"items"`
}

func (a *api) listRoutes() {
	route(a, "/v1/providers", "Providers by birth", func(ctx context.Context, in *PageInput) (page[market.Provider], error) {
		return turn("providers", *in, func(s span) ([]numbered[market.Provider], error) { return a.providers(ctx, s, nil) })
	})
	route(a, "/v1/rewards", "Rewards contracts by birth", func(ctx context.Context, in *PageInput) (page[market.Rewards], error) {
		return turn("rewards", *in, func(s span) ([]numbered[market.Rewards], error) { return a.rewards(ctx, s, nil) })
	})
	route(a, "/v1/contracts", "Contracts by birth, with their money", func(ctx context.Context, in *PageInput) (page[market.Contract], error) {
		return turn("contracts", *in, func(s span) ([]numbered[market.Contract], error) { return a.contracts(ctx, s, nil) })
	})
	route(a, "/v1/models", "Models by first listing", func(ctx context.Context, in *PageInput) (page[market.Model], error) {
		return turn("models", *in, func(s span) ([]numbered[market.Model], error) { return a.models(ctx, s) })
	})
	route(a, "/v1/workers", "Workers by registration", a.listWorkers)
	route(a, "/v1/jobs", "Jobs by birth", a.listJobs)
	route(a, "/v1/channels", "Channels by birth", a.listChannels)
	route(a, "/v1/epochs", "Epochs by birth", a.listEpochs)
	route(a, "/v1/epochs/{account}/leaves", "Published leaves of an epoch", a.listLeaves)
	route(a, "/v1/events", "The log, oldest first", a.listEvents)
}

// filter reads an optional address; nil where none is given.
func filter(text string) (*cocoon.Account, error) {
	if text == "" {
		return nil, nil
	}
	account, err := cocoon.ParseAccount(text)
	return &account, err
}

// named is a filter as a part of a topic, whatever form its address came in.
func named(a *cocoon.Account) string {
	if a == nil {
		return ""
	}
	return a.String()
}

func (a *api) listWorkers(ctx context.Context, in *askWorkers) (p page[market.Worker], err error) {
	f := workerFilter{active: in.Active}
	if f.provider, err = filter(in.Provider); err != nil {
		return p, err
	}
	t := topicOf("workers", named(f.provider))
	if f.active {
		t += "active"
	}
	return turn(t, in.PageInput, func(s span) ([]numbered[market.Worker], error) { return a.workers(ctx, s, f) })
}

func (a *api) listJobs(ctx context.Context, in *askJobs) (p page[market.Job], err error) {
	f := JobFilter{Status: market.Status(in.Status)}
	if f.Client, err = filter(in.Client); err != nil {
		return p, err
	}
	if f.Provider, err = filter(in.Provider); err != nil {
		return p, err
	}
	t := topicOf("jobs", in.Status, named(f.Client), named(f.Provider))
	return turn(t, in.PageInput, func(s span) ([]numbered[market.Job], error) { return a.jobs(ctx, s, f) })
}

func (a *api) listChannels(ctx context.Context, in *askChannels) (p page[market.Channel], err error) {
	f := ChannelFilter{Open: in.Open}
	if f.Client, err = filter(in.Client); err != nil {
		return p, err
	}
	if f.Rewards, err = filter(in.Rewards); err != nil {
		return p, err
	}
	t := topicOf("channels", named(f.Client), named(f.Rewards))
	if f.Open {
		t += "open"
	}
	return turn(t, in.PageInput, func(s span) ([]numbered[market.Channel], error) { return a.channels(ctx, s, f) })
}

func (a *api) listEpochs(ctx context.Context, in *askEpochs) (p page[market.Epoch], err error) {
	var f epochFilter
	if f.rewards, err = filter(in.Rewards); err != nil {
		return p, err
	}
	return turn(topicOf("epochs", named(f.rewards)), in.PageInput, func(s span) ([]numbered[market.Epoch], error) { return a.epochs(ctx, s, f) })
}

func (a *api) listLeaves(ctx context.Context, in *askLeaves) (p page[market.Leaf], err error) {
	epoch, err := cocoon.ParseAccount(in.Account)
	if err != nil {
		return p, err
	}
	if _, err = a.Epoch(ctx, epoch); err != nil {
		return p, err
	}
	return turn(topicOf("leaves", epoch.String()), in.PageInput, func(s span) ([]numbered[market.Leaf], error) { return a.leaves(ctx, epoch, s) })
}

func (a *api) listEvents(ctx context.Context, in *askEvents) (l eventList, err error) {
	account, err := filter(in.Account)
	if err != nil {
		return l, err
	}
	l.Items, err = a.events(ctx, in.After, in.Limit, account)
	return l, err
}
