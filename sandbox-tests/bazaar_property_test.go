package sandboxtests

import (
	"flag"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const (
	leastTransactions = 20_000 // that every run of the tests makes
	movesPerHistory   = 500
)

// focuses are where the messages of a history go, each as often as it is named.
var focuses = [][]string{
	{"provider", "job", "rewards", "epoch", "channel", "elsewhere"},
	{"rewards", "epoch", "epoch", "epoch", "channel"},
	{"provider", "provider", "job", "job", "job"},
	{"elsewhere", "elsewhere", "provider", "rewards"},
}

// seedProperties makes every run of the tests the same, unless it is told a seed. Scenarios are what failures leave.
func seedProperties() {
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == "0" {
		_ = seed.Value.Set("1")
	}
	_ = flag.Set("rapid.nofailfile", "true")
	_ = flag.Set("rapid.shrinktime", "5s") // shorten is quicker
}

// TestProperties_OfAnyHistory plays whatever comes, in any order, and judges
// every transaction. With -rapid.checks and -timeout it goes on as long as asked.
func TestProperties_OfAnyHistory(t *testing.T) {
	t.Parallel()
	if *update {
		t.Skip("what operations cost at most is for the tests beside the figures to find")
	}
	start, total := newBazaar(t), tally{took: map[string]int{}}
	defer start.shorten(t)
	rapid.Check(t, func(rt *rapid.T) { total.add(live(rt, rt, start)) })
	t.Logf("%d random transactions, of which succeeded: %v", total.transactions, total.took)
	if flag.Lookup("rapid.checks").Value.String() != "100" {
		return // as long as somebody has asked for
	}
	require.GreaterOrEqual(t, total.transactions, leastTransactions, "too few of them")
	for _, op := range operationsOfBazaar {
		require.Positive(t, total.took[op], "no %s succeeded: these histories say little", op)
	}
}

// tally counts what histories had in them.
type tally struct {
	transactions int
	took         map[string]int
}

func (c *tally) add(b *bazaar) {
	c.transactions += b.count
	for op, n := range b.took {
		c.took[op] += n
	}
}

// operationsOfBazaar have to succeed in some history.
var operationsOfBazaar = slices.Concat(
	under("registry", "announce", "apply", "request_terms"),
	under("provider", "refresh_terms", "terms", "stake", "request_unstake", "withdraw", "set_operator", "put_worker", "retire_worker", "prune", "accept_job", "report_equivocation", "income"),
	under("job", "open_job", "accept", "cancel", "expire", "deliver", "approve", "dispute", "rule", "finish"),
	under("rewards", "refresh_terms", "terms", "bond", "fund", "request_unbond", "withdraw", "appoint", "set_heir", "transfer_ownership", "accept_ownership", "succeed",
		"rotate_key", "owe", "open_epoch", "passed", "failed", "remainder", "settlement"),
	under("epoch", "open", "publish", "prove", "fail", "pass", "push", "claim", "finish"),
	under("channel", "open_channel", "settle", "rotate", "request_close", "finish", "close_now"))

func under(kind string, operations ...string) []string {
	for i := range operations {
		operations[i] = kind + "/" + operations[i]
	}
	return operations
}

// live plays one history, of which t hears what is wrong.
func live(rt *rapid.T, t rapid.TB, start *bazaar) *bazaar {
	b := start.clone()
	b.t = t
	d := &drawing{bazaar: b, focus: rapid.SampledFrom(focuses).Draw(rt, "focus")}
	moves := rapid.Custom(d.move)
	defer func() {
		if r := recover(); r != nil {
			if _, broken := r.(runtime.Error); broken || rt.Failed() {
				b.save(rt)
			}
			panic(r)
		}
	}()
	for range movesPerHistory {
		b.play(moves.Draw(rt, "move"))
	}
	b.drain()
	return b
}
