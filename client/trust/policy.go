// Package trust decides whom a prompt may be encrypted to: workers that the chain
// proves to be registered under a provider with stake, that show certificate and
// evidence of the keys they were given, and that the owner of the client accepts.
// It remembers what it found, and prepares what encryption needs, ahead of requests.
package trust

import (
	"fmt"
	"slices"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/wrappers"
)

const (
	// FreshProof is the age up to which proven state is used without asking again.
	FreshProof = 10 * time.Minute
	// MaxProof is the age at which proven state is refused.
	MaxProof = time.Hour
)

// Policy is what the owner of a client wants of workers and their providers.
// The zero Policy accepts whoever the network does, in any number per owner.
type Policy struct {
	Tier     uint8          // of attestation, as leases name it
	MinStake cocoon.Nano    // of a provider, beyond what its GPUs require
	Registry cocoon.Account // whose providers

	// Owners are the accounts that own providers. An empty Allow allows all.
	AllowOwners, DenyOwners []cocoon.Account
	// Regions as worker records name them. An empty Allow allows all.
	AllowRegions, DenyRegions []string
	// SameOwner lets more than one candidate of a set be of one owner, who may then see that alone.
	SameOwner bool
}

// mayServe reports why a provider's worker may not serve model, by the proven record.
func (p Policy) mayServe(at cocoon.Account, v wrappers.Provider, worker [32]byte, model cocoon.ModelID) error {
	if err := p.provider(at, v); err != nil {
		return err
	}
	i := slices.IndexFunc(v.Workers, func(w wrappers.Worker) bool { return w.Key == worker && w.Active() && !w.Slashed })
	if i < 0 {
		return cocoon.Forbidden.Errorf("worker %x is no active one of provider %s", worker[:4], at)
	}
	r, err := wrappers.DecodeWorkerRecord(v.Workers[i].Record)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(r.Models, func(m wrappers.ModelOffer) bool { return m.Model == model }) {
		return cocoon.Forbidden.Errorf("worker %x does not serve the model", worker[:4])
	}
	if slices.Contains(p.DenyRegions, r.Region) || len(p.AllowRegions) > 0 && !slices.Contains(p.AllowRegions, r.Region) {
		return cocoon.Forbidden.Errorf("worker %x is in region %q, which the policy excludes", worker[:4], r.Region)
	}
	return nil
}

func (p Policy) provider(at cocoon.Account, v wrappers.Provider) error {
	born, err := v.Birth.Account()
	if err != nil {
		return err
	}
	owner := v.Birth.Owner
	switch {
	case born != at || v.Birth.Registry != p.Registry:
		return cocoon.Forbidden.Errorf("%s is no provider under registry %s", at, p.Registry)
	case slices.Contains(p.DenyOwners, owner) || len(p.AllowOwners) > 0 && !slices.Contains(p.AllowOwners, owner):
		return cocoon.Forbidden.Errorf("the policy excludes providers of %s", owner)
	}
	return StandsByStake(v, p.MinStake)
}

// StandsByStake reports why a provider has not locked what its GPUs require, or
// not least.
func StandsByStake(p wrappers.Provider, least cocoon.Nano) error {
	if p.Terms == nil {
		return cocoon.Conflict.Errorf("its provider has taken no terms")
	}
	required, err := p.Terms.MinGPU.Mul(uint64(p.GPUs))
	if err == nil {
		required, err = required.Add(p.Terms.MinProvider.Nano)
	}
	if err != nil {
		return fmt.Errorf("stake that its provider requires: %w", err)
	}
	if least.Cmp(required) > 0 {
		required = least
	}
	if p.Stake.Cmp(required) < 0 {
		return cocoon.NoMoney.Errorf("its provider has staked %s of %s", p.Stake, required)
	}
	return nil
}

// Distinct keeps the first candidate of each owner and leaves nil for the others,
// unless the policy lets one owner have several.
func (p Policy) Distinct(peers []*Peer) []*Peer {
	kept := slices.Clone(peers)
	if p.SameOwner {
		return kept
	}
	seen := map[cocoon.Account]bool{}
	for i, peer := range kept {
		if peer == nil {
			continue
		}
		if seen[peer.Owner] {
			kept[i] = nil
		}
		seen[peer.Owner] = true
	}
	return kept
}

// run names one run of a worker.
type run struct {
	worker [32]byte
	boot   stream.Boot
}
