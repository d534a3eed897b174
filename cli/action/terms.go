package action

import (
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Rules are what a network is deployed with: the table of docs/architecture.md.
// Times are seconds of the chain.
type Rules struct {
	Delay      uint32 // of the registry
	NetworkBps uint16 // share of what is paid

	MinProvider, MinGPU     cocoon.Nano
	MinBond                 cocoon.Nano
	Penalty                 cocoon.Nano // the least that a refuted epoch costs a dispatcher
	PenaltyBps              uint16      // of the epoch's total, where that is more
	Unbonding               uint32      // of stake and bond alike
	HeirAfter               uint32      // of silence, then a dispatcher's heir may take over
	Publish, Window, Expiry uint32      // of an epoch
	Period                  uint32      // from one epoch to the next; the dispatcher's software keeps it
	CloseDelay              uint32      // of a channel; its client's software puts it into the birth
}

// RealRules suit a network where coins have worth, QuickRules a local one.
func RealRules() Rules {
	return Rules{Delay: 7 * 86400, NetworkBps: 100, MinProvider: cocoon.TON(50), MinGPU: cocoon.TON(20), MinBond: cocoon.TON(500),
		Penalty: cocoon.TON(50), PenaltyBps: 500, Unbonding: 14 * 86400, HeirAfter: 30 * 86400,
		Publish: 6 * 3600, Window: 12 * 3600, Expiry: 90 * 86400, Period: 86400, CloseDelay: 86400}
}

// QuickRules let everything happen within minutes.
func QuickRules() Rules {
	return Rules{Delay: 30, NetworkBps: 100, MinProvider: cocoon.TON(5), MinGPU: cocoon.TON(2), MinBond: cocoon.TON(20),
		Penalty: cocoon.TON(2), Unbonding: 180, HeirAfter: 600,
		Publish: 20, Window: 20, Expiry: 300, Period: 60, CloseDelay: 20}
}

// Validate refuses rules under which the contracts' promises would not hold,
// whatever the clamps in them allow.
func (r Rules) Validate() error {
	attempt := uint64(r.Publish) + uint64(r.Window)
	switch {
	case uint64(r.Period) < attempt:
		return cocoon.Invalid.Errorf("rules: an epoch of %d s comes before the one before it has passed, which takes %d s", r.Period, attempt)
	case uint64(r.Unbonding) < uint64(r.Period)+2*attempt:
		return cocoon.Invalid.Errorf("rules: a bond leaves within %d s, before a retry has passed, %d s after a receipt", r.Unbonding, uint64(r.Period)+2*attempt)
	case r.HeirAfter <= r.Unbonding:
		return cocoon.Invalid.Errorf("rules: an heir comes after %d s of silence, before the bond that is waited for, %d s", r.HeirAfter, r.Unbonding)
	case r.Penalty.IsZero() || r.Penalty.Cmp(r.MinBond) > 0:
		return cocoon.Invalid.Errorf("rules: a penalty of %s, from a bond of %s", r.Penalty, r.MinBond)
	}
	return nil
}

// Terms are the rules as contracts take them; shares go to treasury.
func (r Rules) Terms(treasury cocoon.Account) (wrappers.Terms, error) {
	if err := r.Validate(); err != nil {
		return wrappers.Terms{}, err
	}
	epoch, err := contracts.Load(string(wrappers.KindEpoch))
	if err != nil {
		return wrappers.Terms{}, fmt.Errorf("terms: %w", err)
	}
	coins := func(n cocoon.Nano) wrappers.Coins { return wrappers.Coins{Nano: n} }
	return wrappers.Terms{
		Provider: &wrappers.ProviderTerms{MinProvider: coins(r.MinProvider), MinGPU: coins(r.MinGPU), Unbonding: r.Unbonding, Treasury: treasury},
		Rewards: &wrappers.RewardsTerms{MinBond: coins(r.MinBond), Unbonding: r.Unbonding, HeirAfter: r.HeirAfter, EpochCode: epoch.Code,
			Epoch: &wrappers.EpochTerms{Publish: r.Publish, Window: r.Window, Expiry: r.Expiry, NetworkBps: r.NetworkBps, Treasury: treasury,
				PenaltyBps: r.PenaltyBps, Penalty: coins(r.Penalty)}},
	}, nil
}

// JobTerms are the rules as jobs carry them.
func (r Rules) JobTerms(registry, treasury cocoon.Account) (wrappers.JobTerms, error) {
	code, err := wrappers.ProviderCode()
	if err != nil {
		return wrappers.JobTerms{}, fmt.Errorf("job terms: %w", err)
	}
	return wrappers.JobTerms{Registry: registry, NetworkBps: r.NetworkBps, Treasury: treasury, Codes: wrappers.BirthCodes{List: []wrappers.BirthCode{code}}}, nil
}
