package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/wrappers"
)

func TestRegistry_TermsReachAProviderThatAsks(t *testing.T) {
	t.Parallel()
	s := settingUp(t)
	p := providerUnder(t, s.world, s.registry)
	announced, err := wrappers.AnnounceTerms(1, p.terms)
	require.NoError(t, err)
	s.announce(announced).requireOK(t)
	hash, err := p.terms.Hash()
	require.NoError(t, err)
	before := s.balance(s.registry)
	tr := ask(p, p.owner, p.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: hash}).requireOK(t)
	tr.requireOps(t, opRefreshTerms, opRequestTerms, opTerms, opExcesses)
	require.Equal(t, p.terms.Provider, p.state().Terms)
	require.Equal(t, before, s.balance(s.registry), "an answer costs the registry nothing")
	p.requireSolvent()
}

func TestRegistry_LargestTermsFitTheFeeThatProvidersPay(t *testing.T) {
	t.Parallel()
	s := settingUp(t)
	p := providerUnder(t, s.world, s.registry)
	p.terms.Rewards.EpochCode = chainOf(52-4, 660) // as many cells as may be, and nearly as many bits
	announced, err := wrappers.AnnounceTerms(1, p.terms)
	require.NoError(t, err)
	s.announce(announced).requireOK(t)
	hash, err := p.terms.Hash()
	require.NoError(t, err)
	ask(p, p.owner, p.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: hash}).requireOK(t).
		requireOps(t, opRefreshTerms, opRequestTerms, opTerms, opExcesses)
	require.Equal(t, hash, p.state().TermsHash)
	requireRegistryValue(s, wallet("stranger"), s.fees().RequestTerms, wrappers.RequestTerms{QueryID: 9}).requireOps(t, opRequestTerms, opTerms)
	p.requireSolvent()
}

func TestRegistry_OtherTermsThanAgreedAreRefusedByTheProvider(t *testing.T) {
	t.Parallel()
	s := settingUp(t)
	p := providerUnder(t, s.world, s.registry)
	announced, err := wrappers.AnnounceTerms(1, p.terms)
	require.NoError(t, err)
	s.announce(announced).requireOK(t)
	tr := ask(p, p.owner, p.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: [32]byte{1}})
	require.EqualValues(t, errWrongTerms, tr.step(t, opTerms).exit)
	require.Nil(t, p.state().Terms)
	require.False(t, p.free().IsZero(), "what came with them is free")
	p.requireSolvent()
}

func TestRegistry_TermsThatCannotBeReadAreNotTaken(t *testing.T) {
	t.Parallel()
	s := settingUp(t)
	p := providerUnder(t, s.world, s.registry)
	for _, junk := range []*cell.Cell{
		cell.BeginCell().EndCell(),
		cell.BeginCell().MustStoreRef(cell.BeginCell().MustStoreUInt(1, 64).EndCell()).EndCell(),
		cell.BeginCell().MustStoreRef(longer(body(t, *p.terms.Provider))).EndCell(),
	} {
		s.announce(wrappers.Announce{Value: junk}).requireOK(t)
		tr := ask(p, p.owner, p.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: [32]byte(junk.Hash())})
		require.EqualValues(t, errTrailing, tr.step(t, opTerms).exit)
		require.Nil(t, p.state().Terms)
		p.requireSolvent()
	}
}

func TestRegistry_TermsAreTakenAwayAgain(t *testing.T) {
	t.Parallel()
	s := settingUp(t)
	s.announce(wrappers.Announce{Value: cell.BeginCell().EndCell()}).requireOK(t)
	require.NotNil(t, s.state().Terms)
	s.announce(wrappers.Announce{Kind: wrappers.ChangeJobTerms, Value: cell.BeginCell().EndCell()}).requireOK(t)
	require.NotNil(t, s.state().JobTerms)
	s.announce(wrappers.Announce{}).requireOK(t)
	require.Nil(t, s.state().Terms)
	s.unchanged(func() { direct(s, wallet("stranger"), ton(1), wrappers.RequestTerms{}).requireExit(t, errNoTerms) })
}
