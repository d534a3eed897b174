package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// deployedRewards is a shell: a stranger has deployed it and nothing more.
func deployedRewards(t *testing.T) *rewardsStory {
	t.Helper()
	s := unbornRewards(t)
	init, err := s.birth.Init()
	require.NoError(t, err)
	s.send(wallet("stranger"), chain.Message{To: s.rewards, Amount: cocoon.NanoOf(1_000_000), Init: init}).requireOK(t)
	return s
}

// providerBirth and rewardsBirth are rows in which the operation is the first.
func providerBirth(op string, play func(s *providerStory, f wrappers.ProviderFees) *scene) row {
	return row{wrappers.KindProvider, op, anyone, idle, func(t *testing.T) *scene {
		s := unbornProvider(t)
		return play(s, s.fees())
	}}
}

func rewardsBirth(op string, play func(s *rewardsStory, f wrappers.RewardsFees) *scene) row {
	return row{wrappers.KindRewards, op, anyone, idle, func(t *testing.T) *scene {
		s := deployedRewards(t)
		return play(s, s.fees(0))
	}}
}

// births are the operations that a contract without a state takes.
var births = []row{
	providerBirth("refresh_terms", func(s *providerStory, f wrappers.ProviderFees) *scene {
		return onProvider(s, s.owner, f.RefreshTerms, wrappers.RefreshTerms{Hash: [32]byte{1}})
	}),
	providerBirth("withdraw", func(s *providerStory, f wrappers.ProviderFees) *scene {
		return onProvider(s, s.owner, f.Withdraw, wrappers.Withdraw{})
	}),
	providerBirth("stake", func(s *providerStory, f wrappers.ProviderFees) *scene {
		return onProvider(s, s.owner, f.Stake, s.stakeMessage(ton(5))).with(ton(5))
	}),
	providerBirth("set_operator", func(s *providerStory, f wrappers.ProviderFees) *scene {
		return onProvider(s, s.owner, f.SetOperator, s.operatorMessage("operator", ton(3)))
	}),
	rewardsBirth("refresh_terms", func(s *rewardsStory, f wrappers.RewardsFees) *scene {
		return onRewards(s, s.owner, f.RefreshTerms, wrappers.RefreshTerms{Hash: [32]byte{1}})
	}),
	rewardsBirth("bond", func(s *rewardsStory, f wrappers.RewardsFees) *scene {
		return onRewards(s, s.owner, f.Bond, wrappers.Bond{Amount: coins(ton(5))}).with(ton(5))
	}),
	rewardsBirth("fund", func(s *rewardsStory, f wrappers.RewardsFees) *scene {
		return onRewards(s, s.owner, f.Fund, wrappers.Fund{Amount: coins(ton(5))}).with(ton(5))
	}),
	rewardsBirth("appoint", func(s *rewardsStory, f wrappers.RewardsFees) *scene {
		return onRewards(s, s.owner, f.Appoint, wrappers.Appoint{Operator: wallet("operator")})
	}),
	rewardsBirth("set_heir", func(s *rewardsStory, f wrappers.RewardsFees) *scene {
		return onRewards(s, s.owner, f.SetHeir, wrappers.SetHeir{Heir: wallet("heir")})
	}),
	rewardsBirth("transfer_ownership", func(s *rewardsStory, f wrappers.RewardsFees) *scene {
		return onRewards(s, s.owner, f.TransferOwnership, wrappers.TransferOwnership{Owner: wallet("next owner")})
	}),
	rewardsBirth("rotate_key", func(s *rewardsStory, f wrappers.RewardsFees) *scene {
		return onRewards(s, s.owner, f.RotateKey, s.keyMessage("receipt"))
	}),
	rewardsBirth("set_endpoint", func(s *rewardsStory, f wrappers.RewardsFees) *scene {
		return onRewards(s, s.owner, f.SetEndpoint, wrappers.SetEndpoint{Endpoint: &wrappers.Endpoint{URL: "https://dispatcher.example"}})
	}),
}

func TestMatrix_FirstMessageBringsFiveYearsOfRent(t *testing.T) {
	t.Parallel()
	for _, r := range births {
		t.Run(string(r.kind)+"/"+r.op, func(t *testing.T) {
			t.Parallel()
			showLeast(t, r)
			s, empty := r.scene(t), r.scene(t)
			s.play().requireOK(t)
			rent := s.fiveYears(constantOf(t, "cells::"+string(r.kind)), constantOf(t, "bits::"+string(r.kind)))
			require.NotEqual(t, -1, s.balance(s.at).Cmp(plus(t, empty.balance(s.at), rent)), "it keeps the rent")
		})
	}
}
