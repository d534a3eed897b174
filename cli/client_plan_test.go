package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/market"
)

func TestPlan_SaysWhatIsShortFirst(t *testing.T) {
	t.Parallel()
	id := cocoon.NewModelID("m")
	worker := func(owner byte, slots uint16, nano uint64) market.Worker {
		price := cocoon.Price{Prompt: cocoon.NanoOf(nano), Completion: cocoon.NanoOf(10 * nano)}
		return market.Worker{Provider: cocoon.Account{owner}, Concurrency: slots, Models: []market.ModelOffer{{Model: id, Price: price}}}
	}
	retired, slashed, other := worker(3, 99, 1), worker(4, 99, 1), worker(5, 99, 1)
	retired.RetiredAt, slashed.Slashed, other.Models[0].Model = 1, true, cocoon.NewModelID("other")
	none := []market.Worker{retired, slashed, other}
	// a request takes 1000/1000 + 270/30 = 10 s: 8640 a day are one at a time, 3 at the peak
	o := planOptions{model: "m", requests: 8640, in: 1000, out: 270, decode: 30, prefill: 1000, peaks: 3}
	declared := []market.ModelDemand{{Model: id, Tokens: "864000"}} // 864000/30 s, of 86400, thrice: one
	for name, c := range map[string]struct {
		workers         []market.Worker
		demand          []market.ModelDemand
		bottleneck      string
		needed, taken   uint64
		capacity, price uint64
	}{
		"nobody":       {none, nil, "no worker", 3, 0, 0, 0},
		"too few":      {append(none, worker(1, 2, 1_000_000)), nil, "workers", 3, 0, 5760, 3700},
		"one provider": {append(none, worker(1, 4, 1_000_000)), nil, "one provider", 3, 0, 11520, 3700},
		"two":          {append(none, worker(2, 2, 2_000_000), worker(1, 2, 1_000_000)), nil, "none", 3, 0, 11520, 7400},
		"the cheaper":  {append(none, worker(2, 2, 2_000_000), worker(1, 3, 1_000_000)), nil, "none", 3, 0, 14400, 3700},
		"others":       {append(none, worker(1, 2, 1_000_000), worker(2, 1, 1_000_000)), declared, "declared demand", 3, 1, 5760, 3700},
	} {
		p, err := o.plan(c.workers, c.demand, []market.Rollup{{Flows: market.Flows{Settled: cocoon.NanoOf(5)}}})
		require.NoError(t, err, name)
		require.Contains(t, p.Bottleneck, c.bottleneck, name)
		require.Equal(t, []uint64{c.needed, c.taken, c.capacity}, []uint64{p.SlotsNeeded, p.SlotsDeclared, p.Capacity}, name)
		require.Equal(t, cocoon.NanoOf(c.price), p.Price, name)
		require.Equal(t, cocoon.NanoOf(c.price*8640), p.PriceDay, name)
		// a prompt of 4000 bytes and a slice of 512 tokens are set aside for each of three
		require.Equal(t, cocoon.NanoOf(c.price*8640+3*(4000+5120)*(c.price/3700)), p.Deposit, name)
		require.Equal(t, cocoon.NanoOf(5), p.Settled)
	}
}

func TestPlan_RefusesWhatIsNoLoad(t *testing.T) {
	t.Parallel()
	good := planOptions{model: "m", requests: 1, in: 1, out: 1, decode: 1, prefill: 1, peaks: 1}
	require.NoError(t, good.validate())
	for _, edit := range []func(*planOptions){
		func(o *planOptions) { o.model = "" }, func(o *planOptions) { o.requests = 0 }, func(o *planOptions) { o.out = 1 << 60 },
		func(o *planOptions) { o.decode = 0 }, func(o *planOptions) { o.peaks = 0.5 },
	} {
		o := good
		edit(&o)
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(o.validate()))
	}
}
