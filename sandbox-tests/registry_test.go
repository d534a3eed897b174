package sandboxtests

import (
	"context"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

const registryDelay = 7 * 24 * time.Hour

// registryStory is a registry and who may act on it.
type registryStory struct {
	*world
	t               *testing.T
	owner, guardian cocoon.Account
	registry        cocoon.Account
}

// unbornRegistry is a shell that a stranger has deployed.
func unbornRegistry(t *testing.T, w *world) *registryStory {
	t.Helper()
	s := &registryStory{world: w, t: t, owner: wallet("registry owner"), guardian: wallet("guardian")}
	birth := wrappers.RegistryBirth{Owner: s.owner, Delay: uint32(registryDelay / time.Second)}
	var err error
	s.registry, err = birth.Account()
	require.NoError(t, err)
	init, err := birth.Init()
	require.NoError(t, err)
	s.send(wallet("stranger"), chain.Message{To: s.registry, Amount: cocoon.NanoOf(2_000_000), Init: init}).requireOK(t)
	return s
}

// settingUp is a registry that has a guardian and is not launched.
func settingUp(t *testing.T) *registryStory {
	t.Helper()
	s := unbornRegistry(t, newWorld(t))
	s.announce(wrappers.AnnounceGuardian(1, s.guardian)).requireOK(t)
	return s
}

// launched is a registry whose changes wait; one model is listed.
func launched(t *testing.T) *registryStory {
	t.Helper()
	s := settingUp(t)
	s.announce(s.model("Qwen/Qwen3-32B")).requireOK(t)
	direct(s, s.owner, s.fees().Launch, wrappers.Launch{QueryID: 2}).requireOK(t).requireOps(t, opLaunch, opExcesses)
	return s
}

// direct sends v to the registry.
func direct[T any](s *registryStory, from cocoon.Account, value cocoon.Nano, v T) trace {
	s.t.Helper()
	return s.send(from, chain.Message{To: s.registry, Amount: value, Bounce: true, Body: body(s.t, v)})
}

func (s *registryStory) announce(a wrappers.Announce) trace {
	s.t.Helper()
	return direct(s, s.owner, s.fees().Announce, a)
}

func (s *registryStory) apply(id uint32) trace {
	s.t.Helper()
	return direct(s, wallet("stranger"), s.fees().Apply, wrappers.Apply{QueryID: 3, Change: id})
}

func (s *registryStory) model(name wrappers.Text) wrappers.Announce {
	s.t.Helper()
	a, err := wrappers.AnnounceModel(1, wrappers.ModelData{MinVRAMMiB: 65_536, Name: name})
	require.NoError(s.t, err)
	return a
}

func (s *registryStory) fees() wrappers.RegistryFees {
	s.t.Helper()
	f, err := wrappers.GetRegistryFees(context.Background(), s, s.registry)
	require.NoError(s.t, err)
	return f
}

func (s *registryStory) state() wrappers.Registry {
	s.t.Helper()
	r, err := wrappers.DecodeRegistry(s.data(s.registry))
	require.NoError(s.t, err)
	return r
}

func (s *registryStory) unchanged(f func()) {
	s.t.Helper()
	before := s.data(s.registry).Hash()
	f()
	require.Equal(s.t, before, s.data(s.registry).Hash(), "a refused message changed the state")
	s.requireBooks()
}

// requireRegistryValue wants m to fail with one nanoTON less than value, or one bit more, and to succeed with it.
func requireRegistryValue[T any](s *registryStory, from cocoon.Account, value cocoon.Nano, m T) trace {
	s.t.Helper()
	s.unchanged(func() {
		direct(s, from, less1(s.t, value), m).requireExit(s.t, errNotEnoughValue)
		long := chain.Message{To: s.registry, Amount: value, Bounce: true, Body: longer(body(s.t, m))}
		s.send(from, long).requireExit(s.t, errTrailing)
	})
	held := s.balance(s.registry)
	tr := direct(s, from, value, m).requireOK(s.t)
	require.NotEqual(s.t, -1, s.balance(s.registry).Cmp(held), "an operation costs the registry nothing")
	return tr
}

// names are those of the models in force.
func (s *registryStory) names() (names []wrappers.Text) {
	s.t.Helper()
	for _, m := range s.state().Models {
		data, err := wrappers.Decode[wrappers.ModelData](m.Data)
		require.NoError(s.t, err)
		require.Equal(s.t, [32]byte(cocoon.NewModelID(string(data.Name))), m.Key)
		names = append(names, data.Name)
	}
	return names
}

func TestRegistry_ShellOfAStrangerIsHarmless(t *testing.T) {
	t.Parallel()
	s := unbornRegistry(t, newWorld(t))
	require.Equal(t, wrappers.Registry{Owner: s.owner, Delay: uint32(registryDelay / time.Second)}, withoutLists(s.state()))
	s.unchanged(func() {
		direct(s, wallet("stranger"), ton(9), s.model("x")).requireExit(t, errWrongSender)
		direct(s, wallet("stranger"), ton(9), wrappers.Launch{}).requireExit(t, errWrongSender)
		direct(s, wallet("stranger"), ton(9), wrappers.TakeOwnership{}).requireExit(t, errWrongSender)
		direct(s, wallet("stranger"), ton(9), wrappers.RequestTerms{}).requireExit(t, errNoTerms)
		direct(s, wallet("stranger"), ton(9), wrappers.Excesses{}).requireExit(t, errUnknownOp)
	})
}

// withoutLists turns lists without entries to nil.
func withoutLists(r wrappers.Registry) wrappers.Registry {
	if len(r.Announced)+len(r.Models)+len(r.Images)+len(r.Codes) == 0 {
		r.Announced, r.Models, r.Images, r.Codes = nil, nil, nil, nil
	}
	return r
}

func TestRegistry_LaunchesOnceWithFiveYearsOfRent(t *testing.T) {
	t.Parallel()
	s := settingUp(t)
	s.unchanged(func() { direct(s, s.guardian, ton(9), wrappers.Launch{}).requireExit(t, errWrongSender) })
	held := s.balance(s.registry)
	requireRegistryValue(s, s.owner, s.fees().Launch, wrappers.Launch{}).requireOps(t, opLaunch, opExcesses)
	rent := minus(t, s.fees().Launch, s.fees().TakeOwnership)
	require.NotEqual(t, -1, s.balance(s.registry).Cmp(minus(t, rent, held)))
	require.True(t, s.state().Launched)
	s.unchanged(func() { direct(s, s.owner, s.fees().Launch, wrappers.Launch{}).requireExit(t, errWrongPhase) })
	s.advance(5 * 365 * 24 * time.Hour)
	s.announce(s.model("after five years")).requireOK(t)
	s.requireBooks()
}

func TestRegistry_ChangesApplyAtOnceUntilLaunch(t *testing.T) {
	t.Parallel()
	s := settingUp(t)
	s.announce(s.model("Qwen/Qwen3-32B")).requireOK(t)
	s.announce(s.model("deepseek-ai/DeepSeek-V3")).requireOK(t)
	image, err := wrappers.AnnounceImage(1, [32]byte{7}, wrappers.ImageData{Name: "cocoon-worker 1.0"})
	require.NoError(t, err)
	s.announce(image).requireOK(t)
	code, err := wrappers.AnnounceCode(1, [32]byte{9}, wrappers.CodeData{Depth: 12, Contract: "provider"})
	require.NoError(t, err)
	s.announce(code).requireOK(t)
	require.ElementsMatch(t, []wrappers.Text{"Qwen/Qwen3-32B", "deepseek-ai/DeepSeek-V3"}, s.names())
	r := s.state()
	require.Equal(t, s.guardian, r.Guardian)
	require.Len(t, r.Images, 1)
	require.Len(t, r.Codes, 1)
	got, err := wrappers.Decode[wrappers.CodeData](r.Codes[0].Data)
	require.NoError(t, err)
	require.Equal(t, wrappers.CodeData{Depth: 12, Contract: "provider"}, got)
	removed := s.model("Qwen/Qwen3-32B")
	removed.Value = nil
	s.announce(removed).requireOK(t)
	s.announce(removed).requireOK(t) // what is not there is removed already
	require.Equal(t, []wrappers.Text{"deepseek-ai/DeepSeek-V3"}, s.names())
	require.EqualValues(t, 1, s.count("get_registry", 7))
	s.requireBooks()
}

// count is one integer among what a get-method returns.
func (s *registryStory) count(method string, place int) int64 {
	s.t.Helper()
	values, err := s.Get(context.Background(), s.registry, method)
	require.NoError(s.t, err)
	return integer(s.t, values[place])
}

func TestRegistry_AnnouncedChangesWaitForOneDelay(t *testing.T) {
	t.Parallel()
	s := launched(t)
	requireRegistryValue(s, s.owner, s.fees().Announce, s.model("later")).requireOps(t, opAnnounce, opExcesses)
	change := s.state().Announced[0]
	require.Equal(t, s.now+uint32(registryDelay/time.Second), change.AppliesAt)
	require.Equal(t, wrappers.ChangeModel, change.Kind)
	s.advance(registryDelay - time.Second)
	s.unchanged(func() {
		s.apply(change.ID).requireExit(t, errTooEarly)
		s.apply(change.ID+1).requireExit(t, errUnknownEntry)
	})
	s.advance(time.Second)
	requireRegistryValue(s, wallet("stranger"), s.fees().Apply, wrappers.Apply{Change: change.ID}).requireOps(t, opApply, opExcesses)
	require.Contains(t, s.names(), wrappers.Text("later"))
	s.unchanged(func() { s.apply(change.ID).requireExit(t, errUnknownEntry) })
	s.requireBooks()
}

func TestRegistry_ChangeCanBeRetracted(t *testing.T) {
	t.Parallel()
	s := launched(t)
	s.announce(s.model("never")).requireOK(t)
	s.advance(registryDelay)
	s.unchanged(func() {
		direct(s, s.guardian, ton(1), wrappers.Retract{Change: 0}).requireExit(t, errWrongSender)
		direct(s, s.owner, ton(1), wrappers.Retract{Change: 1}).requireExit(t, errUnknownEntry)
	})
	requireRegistryValue(s, s.owner, s.fees().Retract, wrappers.Retract{Change: 0}).requireOps(t, opRetract, opExcesses)
	s.unchanged(func() { s.apply(0).requireExit(t, errUnknownEntry) })
	s.announce(s.model("never")).requireOK(t)
	require.EqualValues(t, 1, s.state().Announced[0].ID, "an id is never given twice")
	s.requireBooks()
}

func TestRegistry_OwnershipTakesTwoStepsAndOneDelay(t *testing.T) {
	t.Parallel()
	s := launched(t)
	next := wallet("next owner")
	s.announce(wrappers.AnnounceOwner(1, next)).requireOK(t)
	s.unchanged(func() { direct(s, next, ton(1), wrappers.TakeOwnership{}).requireExit(t, errWrongSender) })
	s.advance(registryDelay)
	s.apply(0).requireOK(t)
	require.Equal(t, s.owner, s.state().Owner, "nobody becomes owner who cannot act")
	s.unchanged(func() { direct(s, wallet("stranger"), ton(1), wrappers.TakeOwnership{}).requireExit(t, errWrongSender) })
	requireRegistryValue(s, next, s.fees().TakeOwnership, wrappers.TakeOwnership{}).requireOps(t, opTakeOwnership, opExcesses)
	require.Equal(t, next, s.state().Owner)
	require.Zero(t, s.state().NextOwner)
	s.unchanged(func() {
		s.announce(s.model("x")).requireExit(t, errWrongSender)
		direct(s, next, ton(1), wrappers.TakeOwnership{}).requireExit(t, errWrongSender)
	})
}

func TestRegistry_SuspensionActsAtOnceAndLapses(t *testing.T) {
	t.Parallel()
	s := launched(t)
	key := s.state().Models[0].Key
	suspend := wrappers.Suspend{QueryID: 4, Kind: wrappers.ChangeModel, Key: key}
	s.unchanged(func() {
		direct(s, wallet("stranger"), ton(1), suspend).requireExit(t, errWrongSender)
		direct(s, s.guardian, ton(1), wrappers.Suspend{Kind: wrappers.ChangeModel, Key: [32]byte{1}}).requireExit(t, errUnknownEntry)
		direct(s, s.guardian, ton(1), wrappers.Suspend{Kind: wrappers.ChangeImage, Key: key}).requireExit(t, errUnknownEntry)
		direct(s, s.guardian, ton(1), wrappers.Suspend{Kind: wrappers.ChangeTerms, Key: key}).requireExit(t, errWrongChange)
	})
	requireRegistryValue(s, s.guardian, s.fees().Suspend, suspend).requireOps(t, opSuspend, opExcesses)
	require.True(t, s.state().Models[0].Suspended(s.now))
	s.advance(registryDelay - time.Second)
	require.True(t, s.state().Models[0].Suspended(s.now))
	s.advance(time.Second)
	require.False(t, s.state().Models[0].Suspended(s.now))
	direct(s, s.owner, s.fees().Suspend, suspend).requireOK(t)
	require.True(t, s.state().Models[0].Suspended(s.now))
	s.requireBooks()
}

func TestRegistry_SuspendsImagesToo(t *testing.T) {
	t.Parallel()
	s := settingUp(t)
	image, err := wrappers.AnnounceImage(1, [32]byte{7}, wrappers.ImageData{Name: "bad"})
	require.NoError(t, err)
	s.announce(image).requireOK(t)
	direct(s, s.guardian, s.fees().Suspend, wrappers.Suspend{Kind: wrappers.ChangeImage, Key: [32]byte{7}}).requireOK(t)
	require.True(t, s.state().Images[0].Suspended(s.now))
}

func TestRegistry_ChangeHasAForm(t *testing.T) {
	t.Parallel()
	s := settingUp(t)
	one := cell.BeginCell().EndCell()
	two := cell.BeginCell().MustStoreRef(one).EndCell()
	s.unchanged(func() {
		for name, c := range map[string]struct {
			code int32
			a    wrappers.Announce
		}{
			"no such kind":            {errWrongChange, wrappers.Announce{Kind: 7}},
			"terms have no key":       {errWrongChange, wrappers.Announce{Kind: wrappers.ChangeTerms, Key: [32]byte{1}, Value: one}},
			"nor have job terms":      {errWrongChange, wrappers.Announce{Kind: wrappers.ChangeJobTerms, Key: [32]byte{1}, Value: one}},
			"a guardian is a key":     {errWrongChange, wrappers.Announce{Kind: wrappers.ChangeGuardian, Value: one}},
			"and so is an owner":      {errWrongChange, wrappers.Announce{Kind: wrappers.ChangeOwner, Value: one}},
			"a model is one cell":     {errTooManyCells, wrappers.Announce{Kind: wrappers.ChangeModel, Value: two}},
			"terms are 52 cells":      {errTooManyCells, wrappers.Announce{Kind: wrappers.ChangeTerms, Value: chainOf(53, 8)}},
			"terms are 33,104 bits":   {errWrongChange, wrappers.Announce{Kind: wrappers.ChangeTerms, Value: chainOf(52, 1000)}},
			"job terms are two cells": {errTooManyCells, wrappers.Announce{Kind: wrappers.ChangeJobTerms, Value: chainOf(3, 8)}},
		} {
			t.Log(name)
			direct(s, s.owner, ton(9), c.a).requireExit(t, c.code)
		}
	})
}

// chainOf is a chain of so many cells, of which no two are the same, with so many bits each.
func chainOf(cells int, bits uint) (c *cell.Cell) {
	for i := range cells {
		b := cell.BeginCell().MustStoreUInt(uint64(i), 8).MustStoreSlice(make([]byte, bits/8), bits-8)
		if c != nil {
			b.MustStoreRef(c)
		}
		c = b.EndCell()
	}
	return c
}

func TestRegistry_HoldsAtMost16AnnouncedChanges(t *testing.T) {
	t.Parallel()
	s := launched(t)
	for i := range wrappers.MaxAnnounced {
		s.announce(s.model(wrappers.Text(fmt.Sprint("model ", i)))).requireOK(t)
	}
	s.unchanged(func() { s.announce(s.model("one more")).requireExit(t, errTooMany) })
	direct(s, s.owner, s.fees().Retract, wrappers.Retract{Change: 3}).requireOK(t)
	s.announce(s.model("one more")).requireOK(t)
	require.Len(t, s.state().Announced, wrappers.MaxAnnounced)
}

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

func TestRegistry_GetMethodsSayWhatTheStateSays(t *testing.T) {
	t.Parallel()
	s := launched(t)
	r := s.state()
	key := new(big.Int).SetBytes(r.Models[0].Key[:])
	require.EqualValues(t, registryDelay/time.Second, s.count("get_registry", 1))
	require.EqualValues(t, -1, s.count("get_registry", 4), "launched")
	require.EqualValues(t, 1, s.count("get_registry", 7), "models")
	listed, err := s.Get(context.Background(), s.registry, "get_listed", 2, key)
	require.NoError(t, err)
	require.EqualValues(t, -1, integer(t, listed[0]))
	require.Equal(t, r.Models[0].Data.Hash(), listed[2].(*cell.Cell).Hash())
	for _, kind := range []int{3, 4} {
		listed, err = s.Get(context.Background(), s.registry, "get_listed", kind, key)
		require.NoError(t, err)
		require.Zero(t, integer(t, listed[0]), "no image, and codes are not suspended")
	}
	for method, args := range map[string][]any{"get_terms": nil, "get_job_terms": nil, "get_code": {key}} {
		values, err := s.Get(context.Background(), s.registry, method, args...)
		require.NoError(t, err)
		require.Equal(t, []any{nil}, values, method)
	}
}
