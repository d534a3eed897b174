package indexer

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// fillBack catches up by histories, wherever the log ends.
func (w *world) fillBack(x *Indexer) {
	w.t.Helper()
	x.cfg.Backfill = 1
	require.NoError(w.t, x.backfill(w.t.Context()))
}

// whole is all that a database holds, the cursor among it.
func whole(t *testing.T, x *Indexer) []string {
	t.Helper()
	return dump(t, x, append(logged, projected...)...)
}

func TestBackfill_WritesWhatReadingEveryBlockWrites(t *testing.T) {
	t.Parallel()
	w, want := history(t)
	x := w.open(newPath(t))
	w.fillBack(x)
	w.follow(x)
	require.Equal(t, want, whole(t, x))
}
