package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// on is the scene of v, with everyone who has to do with a registry.
func onRegistry[T any](s *registryStory, from cocoon.Account, value cocoon.Nano, v T) *scene {
	s.t.Helper()
	return onStage(s.world, s.registry, from, value, v, wallet("next owner"), wallet("operator"))
}

// announced is a registry that was launched and has change 0 waiting for its delay.
func announced(t *testing.T) *registryStory {
	t.Helper()
	s := launched(t)
	s.announce(wrappers.AnnounceOwner(1, wallet("next owner"))).requireOK(t)
	return s
}

var registryRows = []row{
	{wrappers.KindRegistry, "announce", only, acts, func(t *testing.T) *scene {
		s := announced(t)
		x := onRegistry(s, s.owner, s.fees().Announce, s.model("another"))
		x.others = append(x.others, s.guardian)
		x.twice = func() { require.Len(t, s.state().Announced, 3) }
		return x
	}},
	{wrappers.KindRegistry, "announce, before the launch", only, idle, func(t *testing.T) *scene {
		s := settingUp(t)
		return onRegistry(s, s.owner, s.fees().Announce, s.model("another"))
	}},
	{wrappers.KindRegistry, "apply", anywhere, errUnknownEntry, func(t *testing.T) *scene {
		s := announced(t)
		s.advance(registryDelay)
		return onRegistry(s, wallet("crank"), s.fees().Apply, wrappers.Apply{QueryID: 3}).waited(errTooEarly)
	}},
	{wrappers.KindRegistry, "retract", only, errUnknownEntry, func(t *testing.T) *scene {
		s := announced(t)
		x := onRegistry(s, s.owner, s.fees().Retract, wrappers.Retract{QueryID: 3})
		x.others = append(x.others, s.guardian)
		return x
	}},
	{wrappers.KindRegistry, "launch", only, errWrongPhase, func(t *testing.T) *scene {
		s := settingUp(t)
		x := onRegistry(s, s.owner, s.fees().Launch, wrappers.Launch{QueryID: 3})
		x.others = append(x.others, s.guardian)
		return x
	}},
	{wrappers.KindRegistry, "take_ownership", only, errWrongSender, func(t *testing.T) *scene {
		s := announced(t)
		s.advance(registryDelay)
		s.apply(0).requireOK(t)
		x := onRegistry(s, wallet("next owner"), s.fees().TakeOwnership, wrappers.TakeOwnership{QueryID: 3})
		x.others = append(x.others, s.owner, s.guardian)
		return x
	}},
	{wrappers.KindRegistry, "suspend", only, idle, func(t *testing.T) *scene {
		s := announced(t) // the owner may as well: TestRegistry_SuspensionActsAtOnceAndLapses
		return onRegistry(s, s.guardian, s.fees().Suspend, wrappers.Suspend{QueryID: 3, Kind: wrappers.ChangeModel, Key: s.model("Qwen/Qwen3-32B").Key})
	}},
	{wrappers.KindRegistry, "suspend, by the owner", only, idle, func(t *testing.T) *scene {
		s := announced(t)
		x := onRegistry(s, s.owner, s.fees().Suspend, wrappers.Suspend{QueryID: 3, Kind: wrappers.ChangeModel, Key: s.model("Qwen/Qwen3-32B").Key})
		return x
	}},
	{wrappers.KindRegistry, "request_terms", anyone, idle, func(t *testing.T) *scene {
		s := settingUp(t)
		terms, err := wrappers.AnnounceTerms(1, rewardsTerms(t))
		require.NoError(t, err)
		s.announce(terms).requireOK(t)
		return onRegistry(s, wallet("asks"), s.fees().RequestTerms, wrappers.RequestTerms{QueryID: 3})
	}},
}
