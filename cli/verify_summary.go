package cli

import (
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// summaries tell what storage says in short, and the address of the contract
// that is born to have it; nobody's where storage does not tell.
var summaries = map[wrappers.Kind]func(*cell.Cell) (state, cocoon.Account, error){
	wrappers.KindRegistry: registrySummary, wrappers.KindProvider: providerSummary, wrappers.KindJob: jobSummary,
	wrappers.KindRewards: rewardsSummary, wrappers.KindEpoch: epochSummary, wrappers.KindChannel: channelSummary,
}

func registrySummary(data *cell.Cell) (state, cocoon.Account, error) {
	r, err := wrappers.DecodeRegistry(data)
	return state{{"owner", r.Owner}, {"launched", r.Launched}, {"delay", r.Delay}, {"models", len(r.Models)}, {"images", len(r.Images)},
		{"announced", len(r.Announced)}}, cocoon.Account{}, err
}

func providerSummary(data *cell.Cell) (state, cocoon.Account, error) {
	p, err := wrappers.DecodeProvider(data)
	if err != nil {
		return nil, cocoon.Account{}, err
	}
	born, err := p.Birth.Account()
	return state{{"registry", p.Birth.Registry}, {"owner", p.Birth.Owner}, {"stake", p.Stake}, {"unbonding", p.Unbonding}, {"allowance", p.Allowance},
		{"gpus", p.GPUs}, {"workers", len(p.Workers)}}, born, err
}

func jobSummary(data *cell.Cell) (state, cocoon.Account, error) {
	j, err := wrappers.DecodeJob(data)
	if err != nil {
		return nil, cocoon.Account{}, err
	}
	s := state{{"client", j.Offer.Client}, {"dispatcher", j.Offer.Dispatcher}, {"phase", j.Phase.String()}, {"until", j.Until}, {"budget", j.Offer.Money.Budget.Nano}}
	if j.Bound != nil {
		s = append(s, fact{"provider", j.Bound.Provider})
	}
	born, err := j.Offer.Account()
	return s, born, err
}

func rewardsSummary(data *cell.Cell) (state, cocoon.Account, error) {
	r, err := wrappers.DecodeRewards(data)
	if err != nil {
		return nil, cocoon.Account{}, err
	}
	born, err := r.Birth.Account()
	return state{{"registry", r.Birth.Registry}, {"owner", r.Owner}, {"operator", r.Operator}, {"bond", r.Bond}, {"unbonding", r.Unbonding},
		{"number", r.Number}, {"pending", r.Pending}}, born, err
}

func epochSummary(data *cell.Cell) (state, cocoon.Account, error) {
	p, err := wrappers.DecodeEpoch(data)
	if err != nil {
		return nil, cocoon.Account{}, err
	}
	born, err := p.Birth.Account()
	return state{{"rewards", p.Birth.Rewards}, {"number", p.Birth.Number}, {"phase", p.Phase.String()}, {"until", p.Until}, {"published", p.Published},
		{"pushed", p.Cursor}, {"paid", p.Paid}}, born, err
}

func channelSummary(data *cell.Cell) (state, cocoon.Account, error) {
	c, err := wrappers.DecodeChannel(data)
	if err != nil {
		return nil, cocoon.Account{}, err
	}
	born, err := c.Birth.Account()
	return state{{"client", c.Birth.Client}, {"rewards", c.Birth.Rewards}, {"settled", c.Settled}, {"closed", c.Closed}, {"closes_at", c.ClosesAt}}, born, err
}
