package audit

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// mainnetBlocks are blocks that TON's own validators agreed on.
func mainnetBlocks(t testing.TB) map[string][]byte {
	t.Helper()
	folder := os.Getenv("COCOON_FIXTURES")
	if folder == "" {
		folder = "../../../shared/fixtures"
	}
	paths, err := filepath.Glob(filepath.Join(folder, "mainnet-blocks", "*.boc"))
	require.NoError(t, err)
	if len(paths) == 0 {
		t.Skipf("no mainnet blocks in %s; set COCOON_FIXTURES", folder)
	}
	blocks := map[string][]byte{}
	for _, path := range paths {
		if blocks[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return blocks
}

func TestAlone_AcceptsMainnetBlocks(t *testing.T) {
	t.Parallel()
	for file, raw := range mainnetBlocks(t) {
		id, err := Alone(raw)
		require.NoError(t, err, file)
		require.Positive(t, id.SeqNo, file)
	}
}
