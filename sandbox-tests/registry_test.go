package sandboxtests

import (
	"context"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon/wrappers"
)

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
	require.EqualValues(t, 1, s.says(7))
	s.requireBooks()
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

func TestRegistry_GetMethodsSayWhatTheStateSays(t *testing.T) {
	t.Parallel()
	s := launched(t)
	r := s.state()
	key := new(big.Int).SetBytes(r.Models[0].Key[:])
	require.EqualValues(t, registryDelay/time.Second, s.says(1))
	require.EqualValues(t, -1, s.says(4), "launched")
	require.EqualValues(t, 1, s.says(7), "models")
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
