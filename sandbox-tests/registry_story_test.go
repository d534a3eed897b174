package sandboxtests

import (
	"context"
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

// withoutLists turns lists without entries to nil.
func withoutLists(r wrappers.Registry) wrappers.Registry {
	if len(r.Announced)+len(r.Models)+len(r.Images)+len(r.Codes) == 0 {
		r.Announced, r.Models, r.Images, r.Codes = nil, nil, nil, nil
	}
	return r
}

// says is one of the integers that get_registry returns.
func (s *registryStory) says(place int) int64 {
	s.t.Helper()
	values, err := s.Get(context.Background(), s.registry, "get_registry")
	require.NoError(s.t, err)
	return integer(s.t, values[place])
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
