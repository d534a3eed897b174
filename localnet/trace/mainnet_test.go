package trace

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// TestText_TakesMainnetAsItIs renders whole blocks of mainnet, which lie in the
// folder mainnet-blocks of COCOON_FIXTURES.
func TestText_TakesMainnetAsItIs(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("COCOON_FIXTURES")
	if dir == "" {
		t.Skip("COCOON_FIXTURES names no folder with blocks of mainnet")
	}
	files, err := filepath.Glob(filepath.Join(dir, "mainnet-blocks", "*.boc"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		c, err := cell.FromBOC(raw)
		require.NoError(t, err)
		var parsed tlb.Block
		require.NoError(t, tlb.Parse(&parsed, c))
		want, err := parsed.ListTransactions()
		require.NoError(t, err)
		workchain, shard := tlb.ConvertShardIdentToShard(parsed.BlockInfo.Shard)
		b, err := parseBlock(&ton.BlockIDExt{Workchain: workchain, Shard: int64(shard), SeqNo: parsed.BlockInfo.SeqNo, RootHash: c.Hash()}, c)
		require.NoError(t, err)
		require.Len(t, b.txs, len(want))
		trees := Build(Limits{}, b.txs...)
		for _, tx := range b.txs {
			render(t, tx.Cell)
		}
		shown := 0
		for _, root := range trees {
			root.Each(func(n *Node) bool {
				if n.Transaction != nil {
					shown++
				}
				return true
			})
			require.NotEmpty(t, root.Text(names))
		}
		require.Equal(t, len(want), shown, "each transaction is in one tree")
		t.Logf("%s: %d transactions in %d trees", filepath.Base(file), shown, len(trees))
	}
}
