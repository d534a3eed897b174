package sandboxtests

import (
	"encoding/json"
	"flag"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// plots are all adversaries.
func plots() []plot {
	return []plot{
		clientPlot(), dispatcherOfChannelPlot(),
		clientOfJobPlot(nobody), clientOfJobPlot(arbiter), clientOfJobPlot(silent), clientOfJobPlot(corrupted),
		providerOfJobPlot(nobody, attentive, true), providerOfJobPlot(arbiter, attentive, true), providerOfJobPlot(nobody, asleep, true),
		providerOfJobPlot(corrupted, attentive, true), providerOfJobPlot(nobody, attentive, false),
		equivocatorPlot(), strangerPlot(), selfDealersPlot(), operatorThiefPlot(),
		dispatcherPlot(false), dispatcherPlot(true), dispatcherThiefPlot(),
	}
}

// TestAdversaries_GainNoMoreThanTheirBounds searches what each adversary may do for the most that it can get, with honest
// software against it. With -v it says what that was.
func TestAdversaries_GainNoMoreThanTheirBounds(t *testing.T) {
	t.Parallel()
	if *update {
		t.Skip("what operations cost at most is for the tests beside the figures to find")
	}
	start := newBazaar(t)
	for _, p := range plots() {
		t.Run(p.name, func(t *testing.T) {
			d := newDuel(start, p)
			s, bound := newSearch(d.plan, 1<<62), d.plan.bound(d)
			best := s.from(d)
			require.Greater(t, s.tried, 30, "hardly anything was tried")
			require.LessOrEqual(t, best.profit, bound, "%s gets more than its bound:\n%s", p.name, text(best.did))
			report(t, best, bound, s.tried)
		})
	}
}

// report is one line of JSON, amounts in nanoTON.
func report(t *testing.T, best finding, bound int64, tried int) {
	t.Helper()
	line, err := json.Marshal(struct {
		Adversary string `json:"adversary"`
		Profit    string `json:"best_profit_nano"`
		Bound     string `json:"bound_nano"`
		Loss      string `json:"loss_nano"` // of the victims
		Tried     int    `json:"histories"`
		Moves     string `json:"moves"`
	}{best.plan.name, fmt.Sprint(best.profit), fmt.Sprint(bound), fmt.Sprint(best.loss), tried, words(best.did)})
	require.NoError(t, err)
	if testing.Verbose() {
		fmt.Println(string(line))
	}
}

// TestAdversaries_NoWalkBeatsTheirBounds lets adversaries do anything they may, at random, so that a profit is
// shortened and found again by its seed. With -rapid.checks and -timeout it goes on as long as asked.
func TestAdversaries_NoWalkBeatsTheirBounds(t *testing.T) {
	t.Parallel()
	if *update {
		t.Skip("what operations cost at most is for the tests beside the figures to find")
	}
	start := newBazaar(t)
	var duels []*duel
	for _, p := range plots() {
		duels = append(duels, newDuel(start, p))
	}
	best := map[string]int64{}
	rapid.Check(t, func(rt *rapid.T) {
		dice := &drawing{rt: rt}
		walkers := []*duel{one(dice, duels...)}
		if flag.Lookup("rapid.checks").Value.String() != "100" {
			walkers = duels // each check takes as long as the one before, by which rapid ends in time
		}
		for _, first := range walkers {
			profit := walked(rt, dice, first)
			best[first.plan.name] = max(best[first.plan.name], profit)
		}
	})
	t.Logf("best profits of random walks: %v", best)
}

// walked is the profit of one random history, which is within the bound.
func walked(rt *rapid.T, dice *drawing, start *duel) int64 {
	first := start.fork()
	first.t = rt
	d, bound := first.walk(dice), first.plan.bound(first)
	profit, loss := d.profit()
	if profit > bound {
		rt.Fatalf("%s gets %d nanoTON, the bound is %d, others lose %d:\n%s", d.plan.name, profit, bound, loss, text(d.did))
	}
	return profit
}

// walk says up to twelve phrases, of which those that are refused count for nothing.
func (d *duel) walk(dice *drawing) *duel {
	for range 1 + dice.n(12) {
		phrases := d.phrases()
		if next := d.fork(); next.speak(phrases[dice.n(len(phrases))]) {
			d = next
		}
	}
	return d
}
