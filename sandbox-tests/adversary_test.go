package sandboxtests

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// plots are all adversaries.
func plots() []plot {
	return []plot{clientPlot(), dispatcherOfChannelPlot(),
		clientOfJobPlot(nobody), clientOfJobPlot(arbiter), clientOfJobPlot(silent), clientOfJobPlot(corrupted),
		providerOfJobPlot(nobody, attentive, true), providerOfJobPlot(arbiter, attentive, true), providerOfJobPlot(nobody, asleep, true), providerOfJobPlot(corrupted, attentive, true), providerOfJobPlot(nobody, attentive, false),
		equivocatorPlot(), strangerPlot(), dispatcherPlot(false), dispatcherPlot(true),
		operatorThiefPlot(), dispatcherThiefPlot(), selfDealersPlot()}
}

// TestAdversaries_GainNoMoreThanTheirBounds
func TestAdversaries_GainNoMoreThanTheirBounds(t *testing.T) {
	t.Parallel()
	start := newBazaar(t)
	for _, p := range plots() {
		t.Run(p.name, func(t *testing.T) {
			d := newDuel(start, p)
			bound := d.plan.bound(d)
			s := newSearch(6, 8, 1<<62)
			best := s.from(d)
			fmt.Printf("{\"adversary\":%q,\"best_profit_nano\":\"%d\",\"bound_nano\":\"%d\",\"loss_nano\":\"%d\",\"tried\":\"%d\",\"moves\":%q}\n", p.name, best.profit, bound, best.loss, s.tried, words(best.did))
			require.LessOrEqual(t, best.profit, bound, "%s", text(best.did))
		})
	}
}
