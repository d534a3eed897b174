package trace

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// FuzzTransaction renders whatever parses as a transaction.
func FuzzTransaction(f *testing.F) {
	for title := range stories {
		for _, tx := range played(f, title) {
			f.Add(tx.Cell.ToBOC())
		}
	}
	f.Fuzz(func(t *testing.T, boc []byte) {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		render(t, c)
	})
}

// FuzzBlock reads whatever a liteserver may say is a block.
func FuzzBlock(f *testing.F) {
	n, _, _ := journey(f)
	for _, b := range n.blocks {
		f.Add(b.cell.ToBOC())
	}
	f.Fuzz(func(t *testing.T, boc []byte) {
		c, err := cell.FromBOC(boc)
		if err != nil {
			return
		}
		if b, err := parseBlock(&ton.BlockIDExt{}, c); err == nil {
			_, _ = b.master() // what a block names may be missing
			require.NotEmpty(t, b.parents)
		}
	})
}

func render(t *testing.T, c *cell.Cell) {
	t.Helper()
	tx, err := Parse(c)
	if err != nil {
		return
	}
	for _, root := range Build(Limits{}, tx) {
		tree := ShowTree(root, names)
		require.NoError(t, tree.WriteText(io.Discard, Style{}))
		require.NoError(t, tree.Transaction.WriteText(io.Discard, Style{Colour: true}))
		_, err = json.Marshal(tree)
		require.NoError(t, err)
	}
}

// A fuzzer that changes bytes seldom leaves a bag of cells whole; this changes
// bits within cells.
func TestText_TakesAnyTransactionCell(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	parsed := 0
	for _, title := range []string{"levels", "exit", "deploy", "action", "frozen"} {
		for _, tx := range played(t, title) {
			for range 400 {
				c := flip(random, tx.Cell)
				if _, err := Parse(c); err == nil {
					parsed++
				}
				render(t, c)
			}
		}
	}
	require.Greater(t, parsed, 500, "most changes leave a transaction")
}

// flip changes one bit of the tree under c.
func flip(random *rand.Rand, c *cell.Cell) *cell.Cell {
	at := -1
	if refs := int(c.RefsNum()); refs > 0 && random.IntN(4) > 0 {
		at = random.IntN(refs)
	}
	s := c.MustBeginParse()
	bits := s.BitsLeft()
	data := s.MustLoadSlice(bits)
	if at < 0 && bits > 0 {
		i := random.IntN(int(bits))
		data[i/8] ^= 0x80 >> (i % 8)
	}
	b := cell.BeginCell().MustStoreSlice(data, bits)
	for i := range int(c.RefsNum()) {
		ref := c.MustPeekRef(i)
		if i == at {
			ref = flip(random, ref)
		}
		b.MustStoreRef(ref)
	}
	return b.EndCell()
}
