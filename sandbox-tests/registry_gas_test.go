package sandboxtests

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func measureRegistry(t *testing.T, operation string, s step) {
	t.Helper()
	requireGas(t, "registry/"+operation, s.gas)
	requireConstant(t, "GAS_"+strings.ToUpper(operation), s.gas)
}

// longest is a text of the greatest length that begins with name.
func longest(name string) wrappers.Text {
	return wrappers.Text(name + strings.Repeat(".", wrappers.MaxNameBytes-len(name)))
}

// full gives the registry lists without room for more, and so many announced changes.
func (s *registryStory) full(launched bool, announced int) {
	s.t.Helper()
	models, images, codes, changes := cell.NewDict(256), cell.NewDict(256), cell.NewDict(256), cell.NewDict(32)
	set := func(d *cell.Dictionary, key [32]byte, value *cell.Builder) {
		require.NoError(s.t, d.SetBuilder(cell.BeginCell().MustStoreSlice(key[:], 256).EndCell(), cell.BeginCell().MustStoreRef(value.EndCell())))
	}
	listed := func(data *cell.Cell) *cell.Builder { return cell.BeginCell().MustStoreUInt(0, 32).MustStoreRef(data) }
	for i := range wrappers.MaxListed {
		model, image := longest(fmt.Sprint("model ", i)), longest(fmt.Sprint("image ", i))
		set(models, cocoon.NewModelID(string(model)), listed(body(s.t, wrappers.ModelData{Name: model})))
		set(images, cocoon.NewModelID(string(image)), listed(body(s.t, wrappers.ImageData{Name: image})))
	}
	for i := range wrappers.MaxCodes {
		code := longest(fmt.Sprint("code ", i))
		set(codes, cocoon.NewModelID(string(code)), body(s.t, wrappers.CodeData{Contract: code}).ToBuilder())
	}
	for i := range announced {
		change := cell.BeginCell().MustStoreUInt(0, 8).MustStoreSlice(make([]byte, 32), 256).MustStoreUInt(uint64(s.now), 32).MustStoreMaybeRef(chainOf(52, uint(600+i)))
		require.NoError(s.t, changes.SetBuilder(cell.BeginCell().MustStoreUInt(uint64(i), 32).EndCell(), cell.BeginCell().MustStoreRef(change.EndCell())))
	}
	lists := cell.BeginCell().MustStoreDict(images).MustStoreDict(codes).EndCell()
	more := cell.BeginCell().MustStoreMaybeRef(chainOf(2, 1000)).MustStoreDict(changes).MustStoreDict(models).MustStoreRef(lists).EndCell()
	s.place(s.registry, cell.BeginCell().MustStoreUInt(1, 1).MustStoreSlice(s.owner[:], 256).MustStoreUInt(uint64(registryDelay/time.Second), 32).
		MustStoreSlice(s.guardian[:], 256).MustStoreSlice(make([]byte, 32), 256).MustStoreBoolBit(launched).MustStoreUInt(uint64(announced), 32).
		MustStoreUInt(uint64(announced), 8).MustStoreUInt(wrappers.MaxListed, 16).MustStoreUInt(wrappers.MaxListed, 16).MustStoreUInt(wrappers.MaxCodes, 8).
		MustStoreMaybeRef(chainOf(52, 620)).MustStoreRef(more).EndCell())
	require.Len(s.t, s.state().Models, wrappers.MaxListed)
}

func TestRegistry_ListsAreBounded(t *testing.T) {
	t.Parallel()
	s := settingUp(t)
	s.full(false, 0)
	s.unchanged(func() {
		for _, kind := range []wrappers.ChangeKind{wrappers.ChangeModel, wrappers.ChangeImage, wrappers.ChangeCode} {
			direct(s, s.owner, ton(1), wrappers.Announce{Kind: kind, Value: chainOf(1, 8)}).requireExit(t, errTooMany)
		}
	})
	s.announce(s.model(longest("model 1"))).requireOK(t) // in place of what was there
	removed := s.model(longest("model 2"))
	removed.Value = nil
	s.announce(removed).requireOK(t)
	s.announce(s.model("another")).requireOK(t)
}

func TestRegistryGas_OfFullLists(t *testing.T) {
	t.Parallel()
	s := settingUp(t)
	s.full(false, 0)
	var announce, suspend, apply step
	for i := range 12 { // random keys; the depth at which they part decides
		model := s.model(longest(fmt.Sprint("model ", i)))
		announce = worse(announce, direct(s, s.owner, ton(1), model).requireOK(t).step(t, opAnnounce))
		suspend = worse(suspend, direct(s, s.guardian, ton(1), wrappers.Suspend{Kind: wrappers.ChangeModel, Key: model.Key}).requireOK(t).step(t, opSuspend))
	}
	s.full(true, wrappers.MaxAnnounced)
	measureRegistry(t, "retract", direct(s, s.owner, ton(1), wrappers.Retract{Change: 7}).requireOK(t).step(t, opRetract))
	announce = worse(announce, direct(s, s.owner, ton(1), wrappers.Announce{Value: chainOf(52, 600)}).requireOK(t).step(t, opAnnounce))
	used := s.account(s.registry).State().StorageInfo.StorageUsed
	requireConstant(t, "CELLS_REGISTRY", used.CellsUsed.Int64())
	requireConstant(t, "BITS_REGISTRY", used.BitsUsed.Int64())
	measureRegistry(t, "request_terms", direct(s, wallet("stranger"), s.fees().RequestTerms, wrappers.RequestTerms{}).requireOK(t).step(t, opRequestTerms))
	for i := range 6 {
		direct(s, s.owner, ton(1), wrappers.Retract{Change: uint32(i)}).requireOK(t)
		direct(s, s.owner, ton(1), s.model(longest(fmt.Sprint("model ", i)))).requireOK(t)
	}
	s.advance(registryDelay)
	for i := range 6 {
		apply = worse(apply, direct(s, wallet("stranger"), ton(1), wrappers.Apply{Change: uint32(wrappers.MaxAnnounced + 1 + i)}).requireOK(t).step(t, opApply))
	}
	measureRegistry(t, "announce", announce)
	measureRegistry(t, "suspend", suspend)
	measureRegistry(t, "apply", apply)
}

func TestRegistryGas_OfAFewChanges(t *testing.T) {
	t.Parallel()
	s := settingUp(t)
	s.announce(wrappers.AnnounceOwner(1, wallet("next"))).requireOK(t)
	measureRegistry(t, "take_ownership", direct(s, wallet("next"), s.fees().TakeOwnership, wrappers.TakeOwnership{}).requireOK(t).step(t, opTakeOwnership))
	measureRegistry(t, "launch", direct(s, wallet("next"), s.fees().Launch, wrappers.Launch{}).requireOK(t).step(t, opLaunch))
}

func TestRegistryGas_ProvidersPayWhatAnAnswerCosts(t *testing.T) {
	t.Parallel()
	require.Equal(t, constantOf(t, "gas::request_terms"), constantOf(t, "GAS_REQUEST_TERMS"))
	for _, name := range []string{"rewards_terms", "epoch_code"} {
		for _, kind := range []string{"cells", "bits"} {
			require.Equal(t, constantOf(t, kind+"::"+name), constantOf(t, strings.ToUpper(kind+"_"+name)))
		}
	}
}
