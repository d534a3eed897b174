package dispatcher

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

func TestStore_ADatabaseOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"newer":   `INSERT INTO migrations VALUES ('99990101000000_more', '00')`,
		"changed": `UPDATE migrations SET sum = '00'`,
	} {
		path := filepath.Join(t.TempDir(), "d.db")
		s, err := openStore(t.Context(), path, -217, cocoon.Account{1})
		require.NoError(t, err)
		_, err = s.db.ExecContext(t.Context(), change)
		require.NoError(t, err)
		require.NoError(t, s.Close())
		_, err = openStore(t.Context(), path, -217, cocoon.Account{1})
		require.Equal(t, cocoon.Conflict, cocoon.KindOf(err), name)
		require.NotEmpty(t, cocoon.HintOf(err))
	}
}

func TestStore_AFullDiskIsTold(t *testing.T) {
	t.Parallel()
	s, err := openStore(t.Context(), filepath.Join(t.TempDir(), "d.db"), -217, cocoon.Account{1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.db.ExecContext(t.Context(), `PRAGMA max_page_count = 1`) // what there is already stays
	require.NoError(t, err)
	row := newJobRow(cocoon.Account{2})
	row.Offer = make([]byte, 1<<20)
	err = s.save(t.Context(), s.db, row)
	require.ErrorContains(t, err, "full")
	require.NotEmpty(t, cocoon.HintOf(err))
	_, err = s.job(t.Context(), s.db, cocoon.Account{2})
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
}
