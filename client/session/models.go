package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/client/api"
	"github.com/cocoon-network/cocoon/client/trust"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Models are those that the registry lists and has not suspended, in its order,
// whoever serves them.
func (p *Pool) Models(ctx context.Context) ([]api.Model, error) {
	if err := p.refresh(ctx); err != nil {
		return nil, err
	}
	all := p.ready()
	p.mu.Lock()
	models := slices.Clone(p.models)
	p.mu.Unlock()
	ids := make([]cocoon.ModelID, len(models))
	for i := range models {
		ids[i] = cocoon.NewModelID(models[i].Name)
	}
	words := p.serving(ids)
	for i, id := range ids {
		if models[i].Price = p.cfg.Caps; len(all) > 0 {
			models[i].Price = all[0].leases.price(id)
		}
		models[i].Workers = workersOf(id, words)
	}
	return models, nil
}

func (p *Pool) listed(ctx context.Context, name string) error {
	if err := p.refresh(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.names[name] {
		return cocoon.NotFound.Errorf("the network does not list model %q", name)
	}
	return nil
}

// refresh reads the registry when what is known is older than trust.FreshProof,
// and goes on with it until trust.MaxProof where the chain does not answer.
func (p *Pool) refresh(ctx context.Context) error {
	p.mu.Lock()
	age := p.clock().Sub(p.proven)
	p.mu.Unlock()
	if age < trust.FreshProof {
		return nil
	}
	r, at, err := p.registry.Registry(ctx)
	var models []api.Model
	names := map[string]bool{}
	for _, l := range r.Models {
		data, derr := wrappers.Decode[wrappers.ModelData](l.Data)
		if err != nil || derr != nil || l.Suspended(at) || cocoon.NewModelID(string(data.Name)) != l.Key {
			continue
		}
		models = append(models, api.Model{Name: string(data.Name), Created: time.Unix(0, 0), Owner: "cocoon"})
		names[string(data.Name)] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.models, p.names, p.proven = models, names, time.Unix(int64(at), 0)
		age = p.clock().Sub(p.proven)
	}
	if age >= trust.MaxProof {
		return cocoon.Unreachable.Errorf("what is proven of the registry is too old: %w", errors.Join(err, errStale))
	}
	return nil
}

var errStale = cocoon.Unreachable.Errorf("the chain has not been read for an hour")
