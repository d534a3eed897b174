package localnet

import "github.com/xssnick/tonutils-go/tvm/cell"

// cleaner takes the traces off cells: those that a contract loaded, and stored
// or sent, still charge the machine that loaded them, and when that has nothing
// left whoever loads them next is charged wrongly. A cell is visited once.
type cleaner map[*cell.Cell]*cell.Cell

// clean is the same tree without traces; where there are none, the very same cell.
func (k cleaner) clean(c *cell.Cell) *cell.Cell {
	if done := k[c]; done != nil {
		return done
	}
	bare := c.WithoutTrace()
	refs, changed := [4]*cell.Cell{}, false
	n := int(bare.RefsNum())
	for i := range n {
		ref := bare.MustPeekRef(i)
		refs[i] = k.clean(ref)
		changed = changed || refs[i] != ref
	}
	if changed {
		bare = rebuilt(bare, refs[:n])
	}
	k[c], k[bare] = bare, bare
	return bare
}

// rebuilt is a cell with other pointers to equal cells.
func rebuilt(c *cell.Cell, refs []*cell.Cell) *cell.Cell {
	s := c.MustBeginParse()
	if c.GetType() != cell.OrdinaryCellType { // its references are not a slice's to give
		return c
	}
	b := cell.BeginCell().MustStoreSlice(s.MustLoadSlice(s.BitsLeft()), c.BitsSize())
	for _, ref := range refs {
		b.MustStoreRef(ref)
	}
	return b.EndCell()
}
