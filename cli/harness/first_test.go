package harness

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/worker/engine"
)

// Whoever comes for the first time is a stranger: what it may have open and not
// agreed to is all that the dispatcher trusts it with.
func TestMarket_AFirstUserHas64RequestsAtOnce(t *testing.T) {
	mayRun(t)
	t.Parallel()
	steady := func(int) http.Handler {
		return opened(engine.Config{Models: []string{model}, Answer: 100, Cost: engine.Cost{Step: 20 * time.Millisecond}}) // 2 s: all are open together
	}
	w := newWorld(t, size{Daemons: 1, Dispatchers: 1, Providers: 2, Machines: 2, Concurrency: 64}, steady, func(p *party) {
		p.Deposit = cocoon.NanoOf(100_000_000)
	})
	l := newLoad(w.apps[0])
	require.NoError(t, l.find())
	w.await("a first answer", func() bool { what, _ := l.post(t.Context(), ask{words: 1, tokens: 1}); return what == "whole" })
	var g errgroup.Group
	for range 64 {
		g.Go(func() error {
			what, _ := l.post(t.Context(), ask{words: 100, tokens: 1000, stream: true})
			l.tally(what)
			return nil
		})
	}
	require.NoError(t, g.Wait())
	require.Equal(t, map[string]int{"whole": 64}, l.count)
}
