package differential

import (
	"encoding/hex"
	"math/big"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// op is a TVM instruction, with what it needs before it.
type op struct {
	bits *cell.Builder
	refs []*cell.Cell
}

// code is an instruction in hexadecimal, refs the cells it takes.
func code(text string, refs ...*cell.Cell) op {
	raw, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return raws(raw, refs...)
}

func raws(raw []byte, refs ...*cell.Cell) op {
	return op{cell.BeginCell().MustStoreSlice(raw, uint(len(raw)*8)), refs}
}

// push is PUSHINT of any 257-bit integer: 5 bits of length, then 8*30+19 bits,
// of which the builder takes 256 at once.
func push(n *big.Int) op {
	sign, low := int64(0), n
	if n.Sign() < 0 {
		sign, low = -1, new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), 256))
	}
	return op{bits: cell.BeginCell().MustStoreUInt(0x82, 8).MustStoreUInt(30, 5).MustStoreInt(sign, 3).MustStoreBigUInt(low, 256)}
}

func pushInt(n int64) op { return push(big.NewInt(n)) }

func pushRef(c *cell.Cell) op { return code("88", c) }

// assemble puts instructions into cells. What does not fit goes on in the last
// reference, to which execution jumps by itself.
func assemble(ops ...op) *cell.Cell {
	b := cell.BeginCell()
	for i, o := range ops {
		last := i == len(ops)-1
		if b.BitsLeft() < o.bits.BitsUsed() || int(b.RefsLeft()) < len(o.refs)+1 && !last || int(b.RefsLeft()) < len(o.refs) {
			return b.MustStoreRef(assemble(ops[i:]...)).EndCell()
		}
		b.MustStoreBuilder(o.bits)
		for _, ref := range o.refs {
			b.MustStoreRef(ref)
		}
	}
	return b.EndCell()
}

// special makes an exotic cell.
func special(b *cell.Builder) *cell.Cell {
	c, err := b.EndCellSpecial(true)
	if err != nil {
		panic(err)
	}
	return c
}

// libraryCell stands for the cell of that hash.
func libraryCell(hash []byte) *cell.Cell {
	return special(cell.BeginCell().MustStoreUInt(2, 8).MustStoreSlice(hash, 256))
}
