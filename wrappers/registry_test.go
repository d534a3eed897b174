package wrappers

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// registryCell is a state with so many changes, models and codes.
func registryCell(t testing.TB, changes, models, codes int) *cell.Cell {
	value := cell.BeginCell().MustStoreUInt(5, 8).EndCell()
	announced, listed, hashes := cell.NewDict(32), cell.NewDict(256), cell.NewDict(256)
	put := func(d *cell.Dictionary, key *cell.Builder, c *cell.Cell) {
		require.NoError(t, d.SetBuilder(key.EndCell(), cell.BeginCell().MustStoreRef(c)))
	}
	key := func(i int) *cell.Builder {
		return cell.BeginCell().MustStoreUInt(uint64(i), 32).MustStoreSlice(make([]byte, 28), 224)
	}
	for i := range changes {
		c, err := Cell(changeEntry{Kind: ChangeModel, Key: [32]byte{4}, AppliesAt: 6, Value: value})
		require.NoError(t, err)
		put(announced, cell.BeginCell().MustStoreUInt(uint64(i), 32), c)
	}
	for i := range models {
		c, err := Cell(listedEntry{SuspendedUntil: 100, Data: value})
		require.NoError(t, err)
		put(listed, key(i), c)
	}
	for i := range codes {
		put(hashes, key(i), value)
	}
	c, err := Cell(registryState{Owner: cocoon.Account{1}, Delay: 30, Guardian: cocoon.Account{2}, NextOwner: cocoon.Account{3}, Launched: true, NextChange: 9, Terms: value,
		More: &registryMore{Announced: announced, Models: listed, Lists: &registryLists{Images: cell.NewDict(256), Codes: hashes}}})
	require.NoError(t, err)
	return c
}

func TestDecodeRegistry_ReadsStateAndBirth(t *testing.T) {
	t.Parallel()
	r, err := DecodeRegistry(registryCell(t, 2, 3, 1))
	require.NoError(t, err)
	require.Len(t, r.Announced, 2)
	require.Len(t, r.Models, 3)
	require.Len(t, r.Codes, 1)
	require.Equal(t, []any{cocoon.Account{1}, uint32(30), cocoon.Account{2}, cocoon.Account{3}, true, uint32(9)},
		[]any{r.Owner, r.Delay, r.Guardian, r.NextOwner, r.Launched, r.NextChange})
	require.EqualValues(t, 1, r.Announced[1].ID)
	require.Equal(t, ChangeModel, r.Announced[1].Kind)
	require.True(t, r.Models[2].Suspended(99))
	require.False(t, r.Models[2].Suspended(100))
	require.NotNil(t, r.Terms)
	require.Nil(t, r.JobTerms)

	init, err := RegistryBirth{Owner: cocoon.Account{1}, Delay: 30}.Init()
	require.NoError(t, err)
	r, err = DecodeRegistry(init.Data)
	require.NoError(t, err)
	require.Equal(t, Registry{Owner: cocoon.Account{1}, Delay: 30}, r)
}

func TestDecodeRegistry_RefusesWhatNoContractStores(t *testing.T) {
	t.Parallel()
	state := registryCell(t, 1, 1, 1)
	for name, c := range map[string]*cell.Cell{
		"nothing":        nil,
		"no bits":        cell.BeginCell().EndCell(),
		"a bit too many": state.ToBuilder().MustStoreUInt(0, 1).EndCell(),
		"17 changes":     registryCell(t, 17, 0, 0),
		"65 codes":       registryCell(t, 0, 0, 65),
	} {
		_, err := DecodeRegistry(c)
		require.Error(t, err, name)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), name)
	}
}

func FuzzDecodeRegistry(f *testing.F) {
	f.Add(registryCell(f, 2, 2, 2).ToBOC())
	f.Add(registryCell(f, 0, 0, 0).ToBOC())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, boc []byte) {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		r, err := DecodeRegistry(c)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		require.LessOrEqual(t, len(r.Models), MaxListed)
		require.LessOrEqual(t, len(r.Announced), MaxAnnounced)
	})
}

func FuzzDecodeRegistryMessage(f *testing.F) { fuzzMessages(f, KindRegistry) }

func FuzzDecodeModelData(f *testing.F) {
	c, err := Cell(ModelData{MinVRAMMiB: 1, Name: "Qwen/Qwen3-32B"})
	require.NoError(f, err)
	f.Add(c.ToBOC())
	f.Fuzz(func(t *testing.T, boc []byte) {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		m, err := Decode[ModelData](c)
		if err != nil {
			require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
			return
		}
		again, err := Cell(m)
		require.NoError(t, err)
		require.Equal(t, c.Hash(), again.Hash())
	})
}

func TestText_IsBoundedUTF8(t *testing.T) {
	t.Parallel()
	for _, name := range []Text{"", "Qwen/Qwen3-32B", "模型", Text(strings.Repeat("x", MaxNameBytes))} {
		a, err := AnnounceModel(1, ModelData{Name: name})
		require.NoError(t, err)
		got, err := Decode[ModelData](a.Value)
		require.NoError(t, err)
		require.Equal(t, name, got.Name)
	}
	for _, name := range []Text{"\xff", Text(strings.Repeat("x", MaxNameBytes+1))} {
		_, err := AnnounceModel(1, ModelData{Name: name})
		require.Error(t, err)
	}
}

func TestMessages_OfRegistryDecodeToWhatWasEncoded(t *testing.T) {
	t.Parallel()
	value := cell.BeginCell().MustStoreUInt(1, 1).EndCell()
	for _, m := range []struct {
		kind Kind
		name string
		v    any
		c    *cell.Cell
	}{
		encoded(t, KindRegistry, "announce", Announce{QueryID: 1, Kind: ChangeImage, Key: [32]byte{2}, Value: value}),
		encoded(t, KindRegistry, "announce", AnnounceGuardian(1, cocoon.Account{2})),
		encoded(t, KindRegistry, "announce", AnnounceOwner(1, cocoon.Account{2})),
		encoded(t, KindRegistry, "apply", Apply{QueryID: 1, Change: 2}),
		encoded(t, KindRegistry, "retract", Retract{QueryID: 1, Change: 2}),
		encoded(t, KindRegistry, "launch", Launch{QueryID: 1}),
		encoded(t, KindRegistry, "take_ownership", TakeOwnership{QueryID: 1}),
		encoded(t, KindRegistry, "suspend", Suspend{QueryID: 1, Kind: ChangeModel, Key: [32]byte{3}}),
		encoded(t, KindRegistry, "request_terms", RequestTerms{QueryID: 1}),
	} {
		name, v, err := DecodeMessage(m.kind, m.c)
		require.NoError(t, err, m.name)
		require.Equal(t, m.name, name)
		require.Equal(t, m.v, v)
	}
}
