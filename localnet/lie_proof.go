package localnet

import (
	"reflect"
	"strings"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// proof spoils the last proof in an answer: a field named ...Proof, which is
// made of cells or of their bytes.
func (l liar) proof(_, honest tl.Serializable) tl.Serializable {
	switch chain := honest.(type) {
	case ton.PartialBlockProof:
		return spoilLinks(chain)
	case ton.ShardBlockProof:
		chain.Links = append([]ton.ShardBlockLink{}, chain.Links...)
		last := &chain.Links[len(chain.Links)-1]
		last.Proof = spoilBOC(last.Proof)
		return chain
	}
	if honest == nil {
		return nil
	}
	answer := reflect.New(reflect.TypeOf(honest)).Elem()
	answer.Set(reflect.ValueOf(honest))
	if answer.Kind() != reflect.Struct {
		return nil
	}
	for i := answer.NumField() - 1; i >= 0; i-- {
		if strings.HasSuffix(answer.Type().Field(i).Name, "Proof") && spoilField(answer.Field(i)) {
			return answer.Interface()
		}
	}
	return nil
}

func spoilField(field reflect.Value) bool {
	switch proof := field.Interface().(type) {
	case *cell.Cell:
		if bad := spoil(proof); bad != nil {
			field.Set(reflect.ValueOf(bad))
			return true
		}
	case []*cell.Cell:
		for i := len(proof) - 1; i >= 0; i-- {
			if bad := spoil(proof[i]); bad != nil {
				proof = append(append([]*cell.Cell{}, proof[:i]...), append([]*cell.Cell{bad}, proof[i+1:]...)...)
				field.Set(reflect.ValueOf(proof))
				return true
			}
		}
	case []byte:
		if bad := spoilBOC(proof); bad != nil {
			field.SetBytes(bad)
			return true
		}
	}
	return false
}

func spoilLinks(chain ton.PartialBlockProof) tl.Serializable {
	if len(chain.Steps) == 0 {
		return nil
	}
	chain.Steps = append([]any{}, chain.Steps...)
	last := &chain.Steps[len(chain.Steps)-1]
	switch link := (*last).(type) {
	case ton.BlockLinkForward:
		link.DestProof = spoilBOC(link.DestProof)
		*last = link
	case ton.BlockLinkBackward:
		link.DestProof = spoilBOC(link.DestProof)
		*last = link
	}
	return chain
}

func spoilBOC(boc []byte) []byte {
	roots, err := cell.FromBOCMultiRoot(boc)
	if err != nil {
		return nil
	}
	for i, root := range roots {
		if bad := spoil(root); bad != nil {
			roots[i] = bad
			return cell.ToBOCWithOptions(roots, cell.BOCSerializeOptions{WithCRC32C: true})
		}
	}
	return nil
}

// spoil changes the first pruned branch of a proof.
func spoil(proof *cell.Cell) *cell.Cell {
	if proof == nil {
		return nil
	}
	return replace(proof, func(c *cell.Cell) *cell.Cell {
		if c.GetType() != cell.PrunedCellType {
			return nil
		}
		bad, err := withBit(c, 8+8+41) // type, level mask, hash
		if err != nil {
			return nil
		}
		return bad
	})
}

// replace puts another cell in the place of the first for which pick has one,
// and makes anew what is above it. Below Merkle updates it does not look.
func replace(c *cell.Cell, pick func(*cell.Cell) *cell.Cell) *cell.Cell {
	if other := pick(c); other != nil {
		return other
	}
	if t := c.GetType(); t != cell.OrdinaryCellType && t != cell.MerkleProofCellType {
		return nil
	}
	for i := range int(c.RefsNum()) {
		ref, err := c.PeekRef(i)
		if err != nil {
			return nil
		}
		other := replace(ref, pick)
		if other == nil {
			continue
		}
		changed, err := rebuild(c, func(b []byte) {}, i, other)
		if err != nil {
			return nil
		}
		return changed
	}
	return nil
}

// withBit is a cell with one of its bits flipped.
func withBit(c *cell.Cell, bit uint) (*cell.Cell, error) {
	return rebuild(c, func(data []byte) { data[bit/8] ^= 0x80 >> (bit % 8) }, -1, nil)
}

// rebuild makes a cell of changed data and, at index, another reference. The
// root of a proof takes the hash of what is below it.
func rebuild(c *cell.Cell, change func([]byte), index int, ref *cell.Cell) (*cell.Cell, error) {
	if c.GetType() == cell.MerkleProofCellType {
		return cell.CreateMerkleProof(ref)
	}
	s, err := c.BeginParseWithoutTrace()
	if err != nil {
		return nil, err
	}
	data, err := s.LoadSlice(c.BitsSize())
	if err != nil {
		return nil, err
	}
	change(data)
	b := cell.BeginCell()
	if err = b.StoreSlice(data, c.BitsSize()); err != nil {
		return nil, err
	}
	for i := range int(c.RefsNum()) {
		child := ref
		if i != index {
			if child, err = c.PeekRef(i); err != nil {
				return nil, err
			}
		}
		if err = b.StoreRef(child); err != nil {
			return nil, err
		}
	}
	return b.EndCellSpecial(c.IsSpecial())
}
