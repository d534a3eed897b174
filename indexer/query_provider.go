package indexer

import (
	"context"
	"database/sql"
	"encoding/hex"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Providers are all providers in the order of their births.
func (x *Indexer) Providers(ctx context.Context) ([]market.Provider, error) {
	return items(x.providers(ctx, span{}, nil))
}

// Provider is the provider at a; NotFound where there is none.
func (x *Indexer) Provider(ctx context.Context, a cocoon.Account) (market.Provider, error) {
	list, err := x.providers(ctx, span{limit: 1}, &a)
	return only(list, err, "provider", a)
}

func (x *Indexer) providers(ctx context.Context, s span, a *cocoon.Account) ([]numbered[market.Provider], error) {
	q := narrowed(x.fromStates("providers"), "t.account", a)
	return collect(ctx, x.store, q, "t.seq", s, func(rows *sql.Rows) (uint64, market.Provider, error) {
		r, err := scanState[providerState](rows)
		if err != nil {
			return r.seq, market.Provider{}, err
		}
		p, err := r.state.told(r.account, r.purse)
		return r.seq, p, err
	})
}

func (s *providerState) told(account cocoon.Account, held purse) (p market.Provider, err error) {
	p = market.Provider{Account: account, Owner: s.Owner, Index: s.Index, Stake: s.Stake, Unbonding: s.Unbonding, Allowance: s.Allowance,
		Operator: s.Operator.text(), GPUs: s.GPUs, Terms: s.TermsHash.text(), Tranches: s.Tranches.told()}
	if p.Required, err = s.required(); err != nil {
		return p, err
	}
	p.Free, err = rest(held, s.Stake, s.Unbonding)
	return p, err
}

// rest is what a balance leaves when debts are taken off; rent may have eaten into them.
func rest(held purse, debts ...cocoon.Nano) (cocoon.Nano, error) {
	left, err := held.balance()
	if err != nil {
		return left, err
	}
	for _, d := range debts {
		if left.Cmp(d) < 0 {
			return cocoon.Nano{}, nil
		}
		if err = decrease(&left, d); err != nil {
			return left, err
		}
	}
	return left, nil
}

func (t tranches) told() []market.Tranche {
	list := make([]market.Tranche, len(t))
	for i, one := range t {
		list[i] = market.Tranche(one)
	}
	return list
}

// Workers are all worker records in the order of their registration, retired ones included.
func (x *Indexer) Workers(ctx context.Context) ([]market.Worker, error) {
	return items(x.workers(ctx, span{}, workerFilter{}))
}

// workerFilter narrows a list of workers; what is nil or false does not count.
type workerFilter struct {
	provider *cocoon.Account
	active   bool
}

func (x *Indexer) workers(ctx context.Context, s span, f workerFilter) ([]numbered[market.Worker], error) {
	names, err := x.modelNames(ctx)
	if err != nil {
		return nil, err
	}
	q := x.store.read.NewSelect().TableExpr("workers").ColumnExpr("seq, provider, key, retired_at, gpus, slashed, record")
	q = narrowed(q, "provider", f.provider)
	if f.active {
		q = q.Where("retired_at = 0")
	}
	return collect(ctx, x.store, q, "seq", s, func(rows *sql.Rows) (seq uint64, w market.Worker, err error) {
		var provider, key, record []byte
		if err = rows.Scan(&seq, &provider, &key, &w.RetiredAt, &w.GPUs, &w.Slashed, &record); err != nil {
			return seq, w, err
		}
		w.Key, w.Provider, w.Models = hex.EncodeToString(key), cocoon.Account(provider), []market.ModelOffer{}
		return seq, w, describe(&w, record, names)
	})
}

// describe fills in what a record says. One that cannot be read says nothing:
// the contract has bounded it and not looked into it.
func describe(w *market.Worker, record []byte, names map[cocoon.ModelID]string) error {
	c, err := cell.FromBOC(record)
	if err != nil {
		return err
	}
	r, err := wrappers.DecodeWorkerRecord(c)
	if err != nil {
		return nil // see above
	}
	w.GPU, w.VRAM, w.Region, w.Uptime, w.Concurrency = r.GPU, r.VRAMMiB, r.Region, r.UptimeBps, r.Concurrency
	for _, m := range r.Models {
		w.Models = append(w.Models, market.ModelOffer{Model: m.Model, Name: names[m.Model], Price: m.Price})
	}
	return nil
}

func (x *Indexer) modelNames(ctx context.Context) (map[cocoon.ModelID]string, error) {
	models, err := x.Models(ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[cocoon.ModelID]string, len(models))
	for _, m := range models {
		names[m.ID] = m.Name
	}
	return names, nil
}

// Models are what the registry lists, in the order of their first listing.
func (x *Indexer) Models(ctx context.Context) ([]market.Model, error) {
	return items(x.models(ctx, span{}))
}

func (x *Indexer) models(ctx context.Context, s span) ([]numbered[market.Model], error) {
	q := x.store.read.NewSelect().TableExpr("listings").ColumnExpr("seq, key, suspended, name, data").Where("kind = ?", wrappers.ChangeModel)
	return collect(ctx, x.store, q, "seq", s, func(rows *sql.Rows) (seq uint64, m market.Model, err error) {
		var key, data []byte
		if err = rows.Scan(&seq, &key, &m.SuspendedUntil, &m.Name, &data); err != nil {
			return seq, m, err
		}
		m.ID = cocoon.ModelID(key)
		c, err := cell.FromBOC(data)
		if err != nil {
			return seq, m, err
		}
		if d, err := wrappers.Decode[wrappers.ModelData](c); err == nil {
			m.MinVRAM = d.MinVRAMMiB
		}
		return seq, m, nil
	})
}

// Registry is the registry; NotFound before its birth.
func (x *Indexer) Registry(ctx context.Context) (market.Registry, error) {
	s, err := load[registryState](ctx, x.store.read, "registries", x.cfg.Registry)
	if err != nil {
		return market.Registry{}, x.store.explainRead(err)
	}
	return market.Registry{Account: x.cfg.Registry, Owner: s.Owner, Guardian: s.Guardian, Delay: s.Delay, Launched: s.Launched,
		Terms: hashOf(s.Terms), JobTerms: hashOf(s.JobTerms)}, nil
}

func hashOf(c *cell.Cell) string {
	if c == nil {
		return ""
	}
	return hex.EncodeToString(c.Hash())
}
