package dispatcher

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/market"
	"github.com/cocoon-network/cocoon/protocol/stream"
)

// answering are three workers that take requests.
func answering() *staff {
	s := newStaff(1, 3)
	for n := range byte(3) {
		s.heard(idOf(key(n+1)), streamingBeat())
	}
	return s
}

func streamingBeat() bus.Heartbeat {
	b := beat()
	b.Key, b.Slots = 1, 4
	return b
}

func TestServing_CountsWhoWouldBeCandidates(t *testing.T) {
	t.Parallel()
	one, other := idOf(key(1)), cocoon.NewModelID("other/model")
	ten := cocoon.Price{Prompt: cocoon.TON(10)}
	for name, c := range map[string]struct {
		change func(*staff)
		caps   cocoon.Price
		want   uint32
	}{
		"all":      {func(*staff) {}, ten, 3},
		"too dear": {func(*staff) {}, cocoon.Price{Prompt: cocoon.TON(9)}, 0},
		"one is dearer": {func(s *staff) {
			s.workers[0].Models = []market.ModelOffer{{Model: model, Price: cocoon.Price{Prompt: cocoon.TON(11)}}}
		}, ten, 2},
		"one is gone":          {func(s *staff) { s.gone(one) }, ten, 2},
		"one takes none":       {func(s *staff) { s.heard(one, beat()) }, ten, 2},
		"one has failed":       {func(s *staff) { s.Ended([32]byte(one), true) }, ten, 2},
		"one retired":          {func(s *staff) { s.workers[0].RetiredAt = 1 }, ten, 2},
		"one engine is down":   {func(s *staff) { b := streamingBeat(); b.Ready = false; s.heard(one, b) }, ten, 2},
		"one has another":      {func(s *staff) { b := streamingBeat(); b.Models = []cocoon.ModelID{other}; s.heard(one, b) }, ten, 2},
		"one says it twice":    {func(s *staff) { b := streamingBeat(); b.Models = append(b.Models, b.Models...); s.heard(one, b) }, ten, 3},
		"its record has it so": {func(s *staff) { s.workers[0].Models = append(s.workers[0].Models, s.workers[0].Models...) }, ten, 3},
		"too little stake":     {func(s *staff) { s.providers[0].Stake = cocoon.TON(9) }, ten, 0},
		"silence":              {func(s *staff) { s.clock = s.clock.Add(11 * time.Second) }, ten, 0},
	} {
		s := answering()
		c.change(s)
		s.refresh(s.workers, s.providers)
		asked := []cocoon.ModelID{{}, model, {0xff, 0xff}}
		require.Equal(t, []uint32{0, c.want, 0}, s.Serving(stream.ModelsOf{Caps: c.caps, Models: asked}), name)
		sets := s.Candidates(stream.Lease{Model: model, Caps: c.caps, Sets: 1, Width: stream.MaxCandidates})
		if c.want == 0 {
			require.Empty(t, sets, name)
		} else {
			require.Len(t, sets[0], int(c.want), name)
		}
	}
}
