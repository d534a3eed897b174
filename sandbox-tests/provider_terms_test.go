package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/wrappers"
)

func TestProvider_UnstakesAtOnceWhatNoTermsBind(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	s.stake(ton(10)).requireOK(t)
	s.unstake(ton(10)).requireOK(t)
	s.withdraw(ton(10)).requireOK(t).requireOps(t, opWithdraw, opPayout)
	s.requireSolvent()
}

func TestProvider_TermsComeOnlyFromTheRegistryAndOnlyAsAgreed(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	s.stake(ton(100)).requireOK(t)
	hash, err := s.terms.Hash()
	require.NoError(t, err)
	refresh := wrappers.RefreshTerms{QueryID: 2, Hash: hash}
	s.unchanged(func() {
		s.requireRefused(errWrongSender, ask(s, wallet("stranger"), ton(1), refresh))
		s.requireRefused(errWrongTerms, ask(s, s.owner, ton(1), wrappers.RefreshTerms{QueryID: 2}))
		s.requireRefused(errWrongTerms, s.answer(s.registry, ton(1), s.terms))
	})
	requireExactValue(s, s.owner, s.fees().RefreshTerms, refresh).requireOps(t, opRefreshTerms, opRequestTerms)
	require.Equal(t, hash, s.state().Awaiting)
	other := s.terms
	other.Provider = &wrappers.ProviderTerms{Unbonding: 1}
	s.unchanged(func() {
		s.requireRefused(errWrongSender, s.answer(wallet("stranger"), ton(1), s.terms))
		s.requireRefused(errWrongTerms, s.answer(s.registry, ton(1), other))
	})
	s.answer(s.registry, ton(1), s.terms).requireOK(t).requireOps(t, opTerms, opExcesses)
	p := s.state()
	require.Zero(t, p.Awaiting)
	require.Equal(t, hash, p.TermsHash)
	require.Equal(t, s.terms.Provider, p.Terms)
	s.unchanged(func() { s.requireRefused(errWrongTerms, s.answer(s.registry, ton(1), s.terms)) })
}

func TestProvider_RequestForTermsThatComesBackIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := providerUnder(t, w, w.refuser())
	ask(s, s.owner, s.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: [32]byte{1}}).
		requireOps(t, opRefreshTerms, opRequestTerms, 0xffffffff)
	require.Zero(t, s.state().Awaiting)
	require.False(t, s.free().IsZero(), "what came back is free")
	s.requireSolvent()
}

func TestProvider_UnbondingOfForeignTermsIsClamped(t *testing.T) {
	t.Parallel()
	s := unbornProvider(t)
	terms := s.terms
	terms.Provider = &wrappers.ProviderTerms{Unbonding: 1<<32 - 1}
	s.takeTerms(terms)
	s.stake(ton(10)).requireOK(t)
	s.unstake(ton(10)).requireOK(t)
	s.advance(60 * 24 * time.Hour)
	s.withdraw(ton(10)).requireOK(t)
	s.requireSolvent()
}

func TestProvider_ShorterTermsLetANewerTrancheRipenFirst(t *testing.T) {
	t.Parallel()
	s := stakedProvider(t, 100)
	s.topUp(ton(1))
	s.unstake(ton(10)).requireOK(t)
	ripe := s.now + uint32(unbonding/time.Second)
	day := s.terms
	day.Provider = &wrappers.ProviderTerms{MinProvider: coins(ton(50)), MinGPU: coins(ton(20)), Unbonding: 86400, Treasury: wallet("treasury")}
	s.takeTerms(day)
	s.unstake(ton(5)).requireOK(t)
	require.Equal(t, []wrappers.Tranche{{At: s.now + 86400, Amount: ton(5)}, {At: ripe, Amount: ton(10)}}, s.state().Tranches)
	s.advance(24 * time.Hour)
	s.withdraw(ton(5)).requireOK(t)
	require.Equal(t, []wrappers.Tranche{{At: ripe, Amount: ton(10)}}, s.state().Tranches)
	s.advance(unbonding - 49*time.Hour)
	s.unstake(ton(1)).requireOK(t)
	s.advance(time.Hour)
	s.unstake(ton(2)).requireOK(t) // ripe when the oldest is
	require.Equal(t, []wrappers.Tranche{{At: ripe - 3600, Amount: ton(1)}, {At: ripe, Amount: ton(12)}}, s.state().Tranches)
	s.advance(24 * time.Hour)
	s.withdraw(ton(13)).requireOK(t)
	require.Empty(t, s.state().Tranches)
	require.True(t, s.state().Unbonding.IsZero())
	require.Equal(t, ton(82), s.state().Stake)
	s.requireSolvent()
}
