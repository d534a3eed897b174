package indexer

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAudit_SeesAFalseRowOfEveryTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.open(newPath(t))
	w.finish(w.play())
	w.follow(x)
	seen := map[string]bool{}
	for lie, want := range map[string]string{
		`UPDATE money SET held = '1'`:                                  "registry money held",
		`UPDATE money SET fees = '1'`:                                  "registry money received",
		`UPDATE balances SET sent = '1' WHERE sent <> '0'`:             "provider balance",
		`UPDATE registries SET doc = json_set(doc, '$.launched', 7)`:   "registry launched",
		`DELETE FROM listings`:                                         "registry lists",
		`UPDATE providers SET doc = json_set(doc, '$.allowance', '1')`: "provider allowance",
		`UPDATE workers SET gpus = 77`:                                 "provider workers",
		`UPDATE jobs SET status = 'open'`:                              "job status",
		`UPDATE jobs SET client = x'00'`:                               "job keys",
		`UPDATE jobs SET doc = json_set(doc, '$.budget', '1')`:         "job budget",
		`UPDATE channels SET closed = 1 - closed`:                      "channel keys",
		`UPDATE rewards SET doc = json_set(doc, '$.bond', '1')`:        "rewards bond",
		`UPDATE epochs SET opened = 0`:                                 "epoch keys",
		`UPDATE leaves SET amount = '1'`:                               "epoch tree",
		`UPDATE leaves SET p50 = p50 + 1 WHERE idx = 2`:                "epoch tree",
		`DELETE FROM leaves WHERE idx = 0`:                             "epoch tree",
	} {
		_, err := x.store.write.ExecContext(t.Context(), inWordsOf(x, lie))
		require.NoError(t, err, lie)
		found, err := x.Audit(t.Context())
		require.NoError(t, err, lie)
		whats := map[string]bool{}
		for _, d := range found {
			whats[d.Kind+" "+d.What] = true
		}
		require.True(t, whats[want], "%s is seen as %v", lie, whats)
		seen[want] = true
		require.NoError(t, x.Rebuild(t.Context()))
	}
	require.Len(t, seen, 14)
	found, err := x.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
}
