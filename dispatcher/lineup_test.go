package dispatcher

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// crowd are workers of several providers that change at random.
type crowd struct {
	*staff
	random *rand.Rand
	models []cocoon.ModelID
}

func newCrowd(seed uint64, workers, providers int) *crowd {
	c := &crowd{staff: newStaff(seed, 0), random: rand.New(rand.NewPCG(seed, 1)), models: []cocoon.ModelID{model, cocoon.NewModelID("other/model")}}
	ten := cocoon.TON(10)
	c.providers = nil
	for p := range providers {
		c.providers = append(c.providers, market.Provider{Account: cocoon.Account{byte(p)}, Terms: "taken", Stake: ten, Required: ten, Allowance: ten, Free: ten})
	}
	for i := range workers {
		w := market.Worker{Key: c.id(i).String(), Provider: c.providers[i%providers].Account, GPUs: 2, VRAM: 40_000, Concurrency: 4}
		for _, m := range c.models {
			w.Models = append(w.Models, market.ModelOffer{Model: m, Price: cocoon.Price{Prompt: cocoon.TON(uint64(1 + i%3))}})
		}
		c.workers = append(c.workers, w)
	}
	c.refresh(c.workers, c.providers)
	for i := range workers {
		c.heard(c.id(i), c.beat(i))
	}
	return c
}

func (*crowd) id(i int) bus.ID { return bus.ID{byte(i >> 8), byte(i), 1} }

func (c *crowd) beat(i int) bus.Heartbeat {
	return bus.Heartbeat{Provider: c.workers[i].Provider, Ready: true, Concurrency: 4, Models: c.models, Key: 1, Slots: 4}
}

// move changes one thing.
func (c *crowd) move() string {
	i := c.random.IntN(len(c.workers))
	b, w := c.beat(i), &c.workers[i]
	switch c.random.IntN(12) {
	case 0:
		c.gone(c.id(i))
		return fmt.Sprint(i, " is gone")
	case 1:
		c.Ended([32]byte(c.id(i)), true)
		return fmt.Sprint(i, " failed")
	case 2:
		c.rest(c.id(i), time.Duration(c.random.IntN(3000))*time.Millisecond)
		return fmt.Sprint(i, " rests")
	case 3:
		b.Models = c.models[c.random.IntN(3):]
	case 4:
		b.Ready = false
	case 5:
		b.Key = 0
	case 6:
		b.Provider = cocoon.Account{99}
	case 7:
		w.RetiredAt = 1 - w.RetiredAt
		c.refresh(c.workers, c.providers)
		return fmt.Sprint(i, " retired or back")
	case 8:
		p := &c.providers[c.random.IntN(len(c.providers))]
		p.Stake = cocoon.TON(uint64(9 + c.random.IntN(2)))
		c.refresh(c.workers, c.providers)
		return fmt.Sprintf("a provider stakes %s", p.Stake)
	case 9, 10:
		c.clock = c.clock.Add(time.Duration(c.random.IntN(4000)) * time.Millisecond)
		return fmt.Sprint("it is ", c.clock)
	default:
		b.Busy, b.Boot = uint16(c.random.IntN(4)), bus.Boot{byte(c.random.IntN(2))}
	}
	c.heard(c.id(i), b)
	return fmt.Sprintf("%d says %+v", i, b)
}

// could are the workers that could answer requests now, looked for one by one.
func (c *crowd) could(m cocoon.ModelID, caps cocoon.Price) (all [][32]byte) {
	for _, s := range c.seats {
		if slices.Contains(s.beat.Models, m) && c.answers(s, m, caps, c.clock) {
			all = append(all, [32]byte(s.worker))
		}
	}
	return all
}

// Whatever happens, those are drawn who could answer at that moment, and from as many
// providers as there are.
func TestLineup_IsWhoCouldAnswerNow(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		c := newCrowd(seed, stream.MaxCandidates, 3)
		for step := range 400 {
			what := c.move()
			m, caps := c.models[c.random.IntN(2)], cocoon.Price{Prompt: cocoon.TON(uint64(1 + c.random.IntN(3)))}
			want := c.could(m, caps)
			sets := c.Candidates(stream.Lease{Model: m, Caps: caps, Sets: 2, Width: stream.MaxCandidates})
			if len(want) == 0 {
				require.Empty(t, sets)
				continue
			}
			providers := map[cocoon.Account]bool{}
			var got [][32]byte
			for _, one := range sets[0] {
				got = append(got, one.Worker)
				providers[one.Provider] = true
			}
			require.ElementsMatch(t, want, got, "seed %d, step %d: %s", seed, step, what)
			pair := c.Candidates(stream.Lease{Model: m, Caps: caps, Sets: 1, Width: 2})[0]
			if len(providers) > 1 {
				require.NotEqual(t, pair[0].Provider, pair[1].Provider)
			} else {
				require.Len(t, pair, min(2, len(want)))
			}
		}
	}
}

// Heartbeats of workers that go on as before cost no new lineup, and how busy they are
// counts at once.
func TestLineup_IsKeptWhileNothingChanges(t *testing.T) {
	t.Parallel()
	c := newCrowd(1, 2, 2)
	caps := cocoon.Price{Prompt: cocoon.TON(3)}
	first := c.lineup(model, caps)
	for i := range 100 {
		c.clock = c.clock.Add(50 * time.Millisecond)
		b := c.beat(i % 2)
		if b.Busy = 0; i%2 == 0 {
			b.Busy = 3
		}
		c.heard(c.id(i%2), b)
		require.Same(t, first, c.lineup(model, caps))
	}
	set := c.Candidates(stream.Lease{Model: model, Caps: caps, Sets: 1, Width: 2})[0]
	require.Equal(t, [32]byte(c.id(1)), set[0].Worker, "the less busy one comes first")
	c.gone(c.id(0))
	require.True(t, c.Known(model, caps), "although it has to be made again")
	require.Len(t, c.lineup(model, caps).seats, 1)
}

func TestLineup_WhatIsAskedForAllTheTimeIsKept(t *testing.T) {
	t.Parallel()
	c := newCrowd(1, 2, 2)
	caps, idle := cocoon.Price{Prompt: cocoon.TON(3)}, cocoon.Price{Prompt: cocoon.TON(2)}
	c.lineup(model, idle)
	for i := range 3 * maxLineups {
		c.clock = c.clock.Add(time.Millisecond)
		c.lineup(model, caps)
		c.clock = c.clock.Add(time.Millisecond)
		c.lineup(cocoon.NewModelID(fmt.Sprint(i)), caps)
		require.True(t, c.Known(model, caps))
		require.LessOrEqual(t, len(c.lineups), maxLineups)
	}
	require.False(t, c.Known(model, idle))
}

func TestLineup_DrawsEachAlike(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var held spans
	for _, s := range []span{{7, 9}, {0, 2}, {5, 6}, {7, 9}} {
		held = held.with(s)
	}
	require.Equal(t, spans{{0, 2}, {5, 6}, {7, 9}}, held)
	require.Equal(t, 5, held.size())
	drawn := map[int]int{}
	for range 5000 {
		drawn[held.other(10, random)]++
	}
	require.Len(t, drawn, 5)
	for _, place := range []int{2, 3, 4, 6, 9} {
		require.InDelta(t, 1000, drawn[place], 150, "%d", place)
	}
}

// What a daemon asks for at once, of 10,000 workers.
func BenchmarkCandidates(b *testing.B) {
	for _, providers := range []int{1, 3, 200} {
		b.Run(fmt.Sprint("providers=", providers), func(b *testing.B) {
			c := newCrowd(1, 10_000, providers)
			l := stream.Lease{Model: model, Caps: cocoon.Price{Prompt: cocoon.TON(3)}, Sets: 64, Width: 3}
			for b.Loop() {
				c.Candidates(l)
			}
		})
	}
}
