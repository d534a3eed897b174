package bundle

import (
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// checkLevels wants every cell to say of its level what its references say. The
// hashes that proofs are about do not depend on it, and neither does the reader of
// bags of cells: it would be a part of the file that anybody could change.
func checkLevels(c *cell.Cell, seen map[*cell.Cell]bool) error {
	if seen[c] {
		return nil
	}
	seen[c] = true
	below := byte(0)
	for i := range int(c.RefsNum()) {
		ref := c.MustPeekRef(i)
		if err := checkLevels(ref, seen); err != nil {
			return err
		}
		below |= ref.LevelMask().Mask
	}
	switch c.GetType() {
	case cell.OrdinaryCellType:
	case cell.MerkleProofCellType, cell.MerkleUpdateCellType:
		below >>= 1
	default: // of itself: the reader compares it with the cell's own bytes
		return nil
	}
	if got := c.LevelMask().Mask; got != below {
		return fmt.Errorf("a cell has level mask %d, its references make %d", got, below)
	}
	return nil
}
