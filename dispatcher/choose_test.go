package dispatcher

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
)

var model = cocoon.NewModelID("some/model")

// staff is a roster whose clock the test moves.
type staff struct {
	*roster
	clock     time.Time
	workers   []market.Worker
	providers []market.Provider
}

func newStaff(seed uint64, n byte) *staff {
	s := &staff{clock: time.Unix(1_700_000_000, 0)}
	s.roster = newRoster(rand.New(rand.NewPCG(seed, 0)), func() time.Time { return s.clock }, 10*time.Second)
	ten := cocoon.TON(10)
	s.providers = []market.Provider{{Account: cocoon.Account{7}, Terms: "taken", Stake: ten, Required: ten, Allowance: ten, Free: ten}}
	for i := range n {
		s.workers = append(s.workers, market.Worker{Key: idOf(key(i + 1)).String(), Provider: cocoon.Account{7}, GPUs: 2, VRAM: 40_000, Concurrency: 4,
			Models: []market.ModelOffer{{Model: model, Price: cocoon.Price{Prompt: ten}}}})
	}
	s.refresh(s.workers, s.providers)
	for i := range n {
		s.heard(idOf(key(i+1)), beat())
	}
	return s
}

func beat() bus.Heartbeat {
	return bus.Heartbeat{Provider: cocoon.Account{7}, Ready: true, Concurrency: 4, Models: []cocoon.ModelID{model}}
}

func wanted() need {
	return need{job: market.Job{Model: model, MinBond: cocoon.TON(1), Caps: cocoon.Price{Prompt: cocoon.TON(10)}}, vram: 80_000,
		may: func(bus.ID) (bool, bool) { return true, false }}
}

func TestChoose_TakesOnlyWhoFits(t *testing.T) {
	t.Parallel()
	one := idOf(key(1))
	for name, change := range map[string]func(*staff, *need){
		"too dear":             func(_ *staff, n *need) { n.job.Caps = cocoon.Price{Prompt: cocoon.TON(9)} },
		"other model":          func(_ *staff, n *need) { n.job.Model = cocoon.NewModelID("other") },
		"too little memory":    func(_ *staff, n *need) { n.vram++ },
		"asked before":         func(_ *staff, n *need) { n.may = func(bus.ID) (bool, bool) { return false, false } },
		"silent":               func(s *staff, _ *need) { s.clock = s.clock.Add(11 * time.Second) },
		"engine down":          func(s *staff, _ *need) { b := beat(); b.Ready = false; s.heard(one, b) },
		"model not loaded":     func(s *staff, _ *need) { b := beat(); b.Models = nil; s.heard(one, b) },
		"beats for another":    func(s *staff, _ *need) { b := beat(); b.Provider = cocoon.Account{8}; s.heard(one, b) },
		"busy by its own word": func(s *staff, _ *need) { b := beat(); b.Jobs = 4; s.heard(one, b) },
		"busy by ours": func(s *staff, _ *need) {
			for range 4 {
				s.hold(one)
			}
		},
		"at rest":               func(s *staff, _ *need) { s.rest(one, time.Second) },
		"retired":               func(s *staff, _ *need) { s.workers[0].RetiredAt = 1 },
		"of nobody known":       func(s *staff, _ *need) { s.workers[0].Provider = cocoon.Account{9} },
		"unreadable key":        func(s *staff, _ *need) { s.workers[0].Key = "zz" },
		"stake too small":       func(s *staff, _ *need) { s.providers[0].Stake = cocoon.TON(9) },
		"no terms":              func(s *staff, _ *need) { s.providers[0].Terms = "" },
		"allowance too small":   func(s *staff, _ *need) { s.providers[0].Allowance = cocoon.NanoOf(1) },
		"nothing free for bond": func(s *staff, _ *need) { s.providers[0].Free = cocoon.NanoOf(1) },
	} {
		s, n := newStaff(1, 1), wanted()
		change(s, &n)
		s.refresh(s.workers, s.providers)
		_, ok := s.pick(n)
		require.False(t, ok, name)
	}
	s := newStaff(1, 1)
	c, ok := s.pick(wanted())
	require.True(t, ok)
	require.Equal(t, one, c.worker)
	require.Equal(t, cocoon.Account{7}, c.provider.Account)
}

func TestChoose_AWorkerThatKeepsAPlaceIsAskedAlthoughFull(t *testing.T) {
	t.Parallel()
	s, n := newStaff(1, 1), wanted()
	b := beat()
	b.Jobs = 4
	s.heard(idOf(key(1)), b)
	n.may = func(bus.ID) (bool, bool) { return true, true }
	_, ok := s.pick(n)
	require.True(t, ok)
}

func TestChoose_RestEndsAndPlacesComeBack(t *testing.T) {
	t.Parallel()
	s, one := newStaff(1, 1), idOf(key(1))
	s.rest(one, time.Second)
	require.True(t, s.resting(one))
	s.clock = s.clock.Add(time.Second)
	require.False(t, s.resting(one))
	for range 4 {
		_, ok := s.pick(wanted())
		require.True(t, ok)
	}
	_, ok := s.pick(wanted())
	require.False(t, ok)
	s.release(one)
	s.refresh(s.workers, s.providers) // keeps count
	_, ok = s.pick(wanted())
	require.True(t, ok)
	_, ok = s.pick(wanted())
	require.False(t, ok)
}

func TestChoose_SpreadsWorkAndIsTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64) (order []bus.ID, load map[bus.ID]int) {
		s := newStaff(seed, 10)
		load = map[bus.ID]int{}
		for range 20 {
			c, ok := s.pick(wanted())
			require.True(t, ok)
			order, load[c.worker] = append(order, c.worker), load[c.worker]+1
		}
		return order, load
	}
	first, load := draw(1)
	again, _ := draw(1)
	other, _ := draw(2)
	require.Equal(t, first, again)
	require.NotEqual(t, first, other)
	for w, n := range load {
		require.LessOrEqual(t, n, 4, w) // two each if it were even
	}
	require.Greater(t, len(load), 6)
}

func TestChoose_PrefersTheLessBusyOfTwoByItsSize(t *testing.T) {
	t.Parallel()
	s := newStaff(3, 2)
	for range 3 {
		s.hold(idOf(key(1)))
	}
	for range 3 { // of two workers both are always drawn
		c, ok := s.pick(wanted())
		require.True(t, ok)
		require.Equal(t, idOf(key(2)), c.worker)
	}
}
