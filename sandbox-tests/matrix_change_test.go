package sandboxtests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

// passedOn are the operations whose change is another's: it is escrow, goes on to
// the registry, which answers with it, or to the owner or the operator for whom a
// contract has asked.
var passedOn = map[string]bool{"open_job": true, "open_channel": true, "refresh_terms": true, "terms": true, "open": true}

// showChange: a TON too much comes back to who sent it or to whom it names, and
// whatever is paid says which message it is for, and nothing else.
func showChange(t *testing.T, r row) {
	s, rich := r.scene(t), r.scene(t)
	if s.unpriced {
		return
	}
	back := func(tr trace) cocoon.Nano { return plus(t, tr.paidTo(t, s.from), tr.paidTo(t, wallet("change"))) }
	least := back(s.play().requireOK(t))
	tr := rich.post(rich.from, plus(t, rich.value, ton(1)), rich.body).requireOK(t)
	if !passedOn[r.operation()] {
		most := plus(t, least, ton(1))
		require.NotEqual(t, -1, plus(t, back(tr), cocoon.NanoOf(1_000_000)).Cmp(most), "it did not come back")
	}
	query := rich.body.MustBeginParse().MustPreloadSlice(96)[4:]
	for _, p := range tr.steps {
		if op := p.op(); op == opExcesses || op == opPayout {
			require.EqualValues(t, 96, p.body.BitsSize())
			require.Equal(t, query, p.body.MustBeginParse().MustPreloadSlice(96)[4:], "it says which message it is for")
		}
	}
}
