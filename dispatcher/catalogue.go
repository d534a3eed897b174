package dispatcher

import (
	"context"
	"fmt"
	"sync"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// catalogue is what the registry publishes for jobs: other models and other
// terms are not served.
type catalogue struct {
	mu       sync.Mutex
	jobTerms [32]byte // hash
	models   map[cocoon.ModelID]listing
}

// listing is one published model.
type listing struct {
	suspended uint32 // until that time of the chain
	vram      uint64 // MiB that a worker's GPUs have together, at least
}

// refresh reads the registry's proven state.
func (c *catalogue) refresh(ctx context.Context, from Chain, registry cocoon.Account) error {
	a, err := from.Account(ctx, registry)
	if err != nil {
		return fmt.Errorf("read the registry: %w", err)
	}
	if a.State != chain.Active {
		return cocoon.WithHint(cocoon.NotFound.Errorf("there is no registry at %s", registry), "is it the registry of this network?")
	}
	state, err := wrappers.DecodeRegistry(a.Data)
	if err != nil {
		return fmt.Errorf("registry %s: %w", registry, err)
	}
	models := make(map[cocoon.ModelID]listing, len(state.Models))
	for _, m := range state.Models {
		data, err := wrappers.Decode[wrappers.ModelData](m.Data)
		if err != nil {
			continue // the owner's word, which nobody checked: as if it were not there
		}
		models[m.Key] = listing{m.SuspendedUntil, uint64(data.MinVRAMMiB)}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.models, c.jobTerms = models, [32]byte{}
	if state.JobTerms != nil {
		c.jobTerms = [32]byte(state.JobTerms.Hash())
	}
	return nil
}

// model is the listing of a model that is served at now.
func (c *catalogue) model(id cocoon.ModelID, now uint32) (listing, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, listed := c.models[id]
	if !listed {
		return l, cocoon.Invalid.Errorf("model %s is not in the registry", id)
	}
	if now < l.suspended {
		return l, cocoon.Conflict.Errorf("model %s is suspended until %d", id, l.suspended)
	}
	return l, nil
}

// knows checks that an offer's terms are those that the registry publishes.
func (c *catalogue) knows(terms wrappers.JobTerms) error {
	encoded, err := wrappers.Cell(terms)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if [32]byte(encoded.Hash()) != c.jobTerms {
		return cocoon.Invalid.Errorf("the offer's terms are not those that the registry publishes")
	}
	return nil
}
