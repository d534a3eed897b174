package localnet

import (
	"errors"
	"sort"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// augNode is an edge of a dictionary: the bits of its label, as part of a whole
// key, and what follows it.
type augNode struct {
	key  []byte
	end  uint // of the label
	rest *cell.Slice
}

// merge is a HashmapAug with the entries of the tree set in it, in one walk. A
// nil root is an empty dictionary.
func (t *augTree) merge(old *cell.Cell) (root, extra *cell.Cell, err error) {
	if old == nil {
		return t.root()
	}
	if err = t.sort(); err != nil {
		return nil, nil, err
	}
	n, err := t.open(old, make([]byte, (t.bits+7)/8), 0)
	if err != nil {
		return nil, nil, err
	}
	if len(t.entries) == 0 {
		extra, err = t.extraOf(n)
		return old, extra, err
	}
	return t.mergeNode(n, 0, t.entries)
}

// mergeNode sets entries below a node whose label begins at from.
func (t *augTree) mergeNode(n augNode, from uint, entries []augEntry) (c, extra *cell.Cell, err error) {
	// of sorted keys the first or the last leaves the label before all others
	fork := min(sharedUntil(n.key, entries[0].key, from, n.end), sharedUntil(n.key, entries[len(entries)-1].key, from, n.end))
	if fork == t.bits { // the very leaf
		return t.node(entries, from)
	}
	half := sort.Search(len(entries), func(i int) bool { return bit(entries[i].key, fork) })
	parts := [2][]augEntry{entries[:half], entries[half:]}
	var sides [2]augSide
	if fork < n.end {
		err = t.beside(n, fork, parts, &sides)
	} else {
		err = t.below(n, fork, parts, &sides)
	}
	if err != nil {
		return nil, nil, err
	}
	return t.fork(n.key, from, fork, sides)
}

// augSide is one branch of a fork.
type augSide struct{ c, extra *cell.Cell }

// beside sets entries where some leave the label: the node becomes one branch.
func (t *augTree) beside(n augNode, fork uint, parts [2][]augEntry, sides *[2]augSide) (err error) {
	own := 0
	if bit(n.key, fork) {
		own = 1
	}
	other := 1 - own
	if sides[other].c, sides[other].extra, err = t.node(parts[other], fork+1); err != nil {
		return err
	}
	if len(parts[own]) == 0 {
		sides[own].c, sides[own].extra, err = t.relabelled(n, fork+1)
	} else {
		sides[own].c, sides[own].extra, err = t.mergeNode(n, fork+1, parts[own])
	}
	return err
}

// below sets entries in the branches of a node.
func (t *augTree) below(n augNode, fork uint, parts [2][]augEntry, sides *[2]augSide) error {
	rest := n.rest.Copy()
	for i := range sides {
		child, err := rest.LoadRefCell()
		if err != nil {
			return err
		}
		setBit(n.key, fork, i == 1)
		branch, err := t.open(child, n.key, fork+1)
		if err != nil {
			return err
		}
		if len(parts[i]) == 0 {
			sides[i].c = child
			sides[i].extra, err = t.extraOf(branch)
		} else {
			sides[i].c, sides[i].extra, err = t.mergeNode(branch, fork+1, parts[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fork is a node with two branches.
func (t *augTree) fork(key []byte, from, end uint, sides [2]augSide) (c, extra *cell.Cell, err error) {
	if extra, err = t.aug.CombineExtra(sides[0].extra.MustBeginParse(), sides[1].extra.MustBeginParse()); err != nil {
		return nil, nil, err
	}
	b := cell.BeginCell()
	err = errors.Join(storeLabel(b, key, from, end, t.bits-from), b.StoreRef(sides[0].c), b.StoreRef(sides[1].c), b.StoreBuilder(extra.ToBuilder()))
	return b.EndCell(), extra, err
}

// open reads the label of an edge. key has the bits before from.
func (t *augTree) open(c *cell.Cell, key []byte, from uint) (n augNode, err error) {
	n.key = append([]byte(nil), key...)
	if n.rest, err = c.BeginParse(); err != nil {
		return n, err
	}
	n.end, err = loadLabel(n.rest, n.key, from, t.bits-from)
	return n, err
}

// relabelled is a node whose label begins later.
func (t *augTree) relabelled(n augNode, from uint) (c, extra *cell.Cell, err error) {
	if extra, err = t.extraOf(n); err != nil {
		return nil, nil, err
	}
	b := cell.BeginCell()
	err = errors.Join(storeLabel(b, n.key, from, n.end, t.bits-from), b.StoreBuilder(n.rest.ToBuilder()))
	return b.EndCell(), extra, err
}

// extraOf is what a node sums up: before the value of a leaf, behind the branches
// of a fork.
func (t *augTree) extraOf(n augNode) (*cell.Cell, error) {
	s := n.rest.Copy()
	if n.end < t.bits {
		for range 2 {
			if _, err := s.LoadRefCell(); err != nil {
				return nil, err
			}
		}
		return s.ToCell()
	}
	after := s.Copy()
	if err := t.aug.SkipExtra(after); err != nil {
		return nil, err
	}
	b := cell.BeginCell()
	size := s.BitsLeft() - after.BitsLeft()
	raw, err := s.LoadSlice(size)
	if err != nil {
		return nil, err
	}
	if err = b.StoreSlice(raw, size); err != nil {
		return nil, err
	}
	for range s.RefsNum() - after.RefsNum() {
		ref, err := s.LoadRefCell()
		if err != nil {
			return nil, err
		}
		if err = b.StoreRef(ref); err != nil {
			return nil, err
		}
	}
	return b.EndCell(), nil
}
