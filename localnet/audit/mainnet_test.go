package audit

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// mainnetBlocks are blocks that TON's own validators agreed on. They lie in the
// folder mainnet-blocks of COCOON_FIXTURES.
func mainnetBlocks(t testing.TB) map[string][]byte {
	t.Helper()
	folder := os.Getenv("COCOON_FIXTURES")
	if folder == "" {
		t.Skip("COCOON_FIXTURES names no folder with blocks of mainnet")
	}
	paths, err := filepath.Glob(filepath.Join(folder, "mainnet-blocks", "*.boc"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
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

// without is a block from whose descriptors of messages one is taken out: of in
// messages (0) or of out messages (1).
func without(t *testing.T, raw []byte, which int) []byte {
	t.Helper()
	root := must(cell.FromBOC(raw))
	extra := must(root.PeekRef(3))
	descr := must(must(extra.PeekRef(which)).BeginParse())
	var dict interface {
		LoadFromCell(*cell.Slice) error
		RangeExtra(bool, bool) ([]cell.AugDictItem, error)
		Delete(*cell.Cell) error
		ToCell() (*cell.Cell, error)
	} = new(tlb.InMsgDescrAugDict)
	if which == 1 {
		dict = new(tlb.OutMsgDescrAugDict)
	}
	require.NoError(t, dict.LoadFromCell(descr))
	items, err := dict.RangeExtra(false, false)
	require.NoError(t, err)
	require.NoError(t, dict.Delete(items[len(items)/2].Key))
	extra = must(extra.RebuildWithRefs(replaced(extra, which, must(dict.ToCell()))))
	return must(root.RebuildWithRefs(replaced(root, 3, extra))).ToBOC()
}

func replaced(c *cell.Cell, i int, with *cell.Cell) (refs []*cell.Cell) {
	for n := range c.RefsNum() {
		refs = append(refs, must(c.PeekRef(int(n))))
	}
	refs[i] = with
	return refs
}

func TestAlone_NoticesWhatIsTakenOutOfMainnetBlocks(t *testing.T) {
	t.Parallel()
	raw := mainnetBlocks(t)["block-2.boc"]
	for which, want := range [][]Rule{{RuleInbound, RuleOutbound, RuleFlow}, {RuleInbound, RuleOutbound, RuleFlow}} {
		_, err := Alone(without(t, raw, which))
		var v *Violation
		require.ErrorAs(t, err, &v)
		require.Contains(t, want, v.Rule, v.Error())
	}
}
