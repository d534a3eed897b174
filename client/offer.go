package client

import (
	"context"
	"fmt"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/openai"
	"github.com/cocoon-network/cocoon/wrappers"
)

// offer is all of a job's offer but what is drawn at random, and the chain's time.
func (c *Client) offer(ctx context.Context, batch openai.Batch, t Terms) (o wrappers.JobOffer, now uint32, err error) {
	registry, now, err := c.deps.Chain.Registry(ctx)
	if err != nil {
		return o, now, err
	}
	if err = mayAsk(registry, batch.Model, now); err != nil {
		return o, now, err
	}
	jobTerms, err := wrappers.Decode[wrappers.JobTerms](registry.JobTerms)
	if err != nil {
		return o, now, fmt.Errorf("the registry's terms of jobs: %w", err)
	}
	d, err := c.dispatcher(ctx)
	if err != nil {
		return o, now, err
	}
	money, err := t.money(now)
	if err != nil {
		return o, now, err
	}
	caps := wrappers.PricesOf(t.Caps)
	return wrappers.JobOffer{Client: c.deps.Sender.Account(), Dispatcher: d.Payee, DispatcherBps: d.Bps, Terms: &jobTerms, Money: money,
		Work: &wrappers.JobWork{Model: cocoon.NewModelID(batch.Model), Caps: &caps}}, now, nil
}

// mayAsk refuses a model that the registry does not publish.
func mayAsk(r wrappers.Registry, model string, now uint32) error {
	if r.JobTerms == nil {
		return cocoon.Conflict.Errorf("the registry has published no terms for jobs yet")
	}
	id := cocoon.NewModelID(model)
	for _, m := range r.Models {
		if m.Key == id && m.Suspended(now) {
			return cocoon.Conflict.Errorf("model %q is suspended", model)
		}
		if m.Key == id {
			return nil
		}
	}
	return cocoon.WithHint(cocoon.Invalid.Errorf("model %q is not in the registry", model), "the explorer lists the models there are")
}

// dispatcher is what it asks for, checked against what we agree to.
func (c *Client) dispatcher(ctx context.Context) (terms, error) {
	d, err := c.desk.terms(ctx)
	switch {
	case err != nil:
		return d, err
	case d.GlobalID != c.cfg.GlobalID || d.Registry != c.cfg.Registry:
		return d, cocoon.Invalid.Errorf("dispatcher %s serves registry %s on network %d, not ours", c.cfg.Dispatcher, d.Registry, d.GlobalID)
	case d.Bps > c.cfg.MaxBps:
		return d, cocoon.Conflict.Errorf("dispatcher %s takes %d bps, we give %d at most", c.cfg.Dispatcher, d.Bps, c.cfg.MaxBps)
	}
	return d, nil
}

// money is the offer's money at chain time now.
func (t Terms) money(now uint32) (*wrappers.JobMoney, error) {
	if min(t.AcceptIn, t.Work, t.Review) < time.Second || t.AcceptIn > maxAccept {
		return nil, cocoon.Invalid.Errorf("acceptance, work and review take a second at least, and acceptance %s at most", maxAccept)
	}
	bond := t.MinBond
	if bond.IsZero() {
		var err error
		if bond, err = t.Budget.MulDiv(1, 10); err != nil {
			return nil, err
		}
	}
	deposit := cocoon.TON(1)
	if bond.Cmp(deposit) < 0 {
		deposit = bond
	}
	coins := func(n cocoon.Nano) wrappers.Coins { return wrappers.Coins{Nano: n} }
	return &wrappers.JobMoney{Budget: coins(t.Budget), MinBond: coins(bond), Deposit: coins(deposit), AcceptBy: now + seconds(t.AcceptIn),
		Work: seconds(t.Work), Review: seconds(t.Review), DefaultBps: t.DefaultBps}, nil
}

const maxAccept = 30 * 24 * time.Hour

// seconds is d in whole seconds; one that no field holds is the largest, which
// the offer's own bounds refuse.
func seconds(d time.Duration) uint32 { return uint32(min(d/time.Second, 1<<32-1)) }
