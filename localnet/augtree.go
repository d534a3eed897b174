package localnet

import (
	"bytes"
	"errors"
	"math/bits"
	"slices"
	"sort"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// augTree collects the entries of an augmented dictionary and builds it at once:
// every node is hashed once, not once for each entry below it.
type augTree struct {
	bits    uint
	aug     cell.Augmentation
	entries []augEntry
}

type augEntry struct {
	key   []byte
	value *cell.Builder
}

func newAugTree(bits uint, aug cell.Augmentation) *augTree { return &augTree{bits: bits, aug: aug} }

// set adds an entry. Every key is to be set once.
func (t *augTree) set(key []byte, value *cell.Builder) {
	t.entries = append(t.entries, augEntry{key, value})
}

var errTwice = errors.New("a key of a dictionary is set twice")

// root is the HashmapAug of the entries and its extra; nil where there are none.
func (t *augTree) root() (root, extra *cell.Cell, err error) {
	if len(t.entries) == 0 {
		extra, err = t.aug.EmptyExtra()
		return nil, extra, err
	}
	if err = t.sort(); err != nil {
		return nil, nil, err
	}
	return t.node(t.entries, 0)
}

func (t *augTree) sort() error {
	slices.SortFunc(t.entries, func(a, b augEntry) int { return bytes.Compare(a.key, b.key) })
	for i, e := range t.entries[min(1, len(t.entries)):] {
		if bytes.Equal(t.entries[i].key, e.key) {
			return errTwice
		}
	}
	return nil
}

// cell is the HashmapAugE of the entries.
func (t *augTree) cell() (c, extra *cell.Cell, err error) {
	root, extra, err := t.root()
	if err != nil {
		return nil, nil, err
	}
	b := cell.BeginCell()
	if err = b.StoreMaybeRef(root); err != nil {
		return nil, nil, err
	}
	if err = b.StoreBuilder(extra.ToBuilder()); err != nil {
		return nil, nil, err
	}
	return b.EndCell(), extra, nil
}

// node is the edge to entries that agree on the bits before from.
func (t *augTree) node(entries []augEntry, from uint) (c, extra *cell.Cell, err error) {
	first, last := entries[0].key, entries[len(entries)-1].key
	end := t.bits
	if len(entries) > 1 {
		end = firstDifference(first, last, from)
	}
	if len(entries) == 1 {
		b := cell.BeginCell()
		if err = storeLabel(b, first, from, end, t.bits-from); err != nil {
			return nil, nil, err
		}
		value := entries[0].value
		if extra, err = t.aug.LeafExtra(value.ToSlice()); err != nil {
			return nil, nil, err
		}
		if err = errors.Join(b.StoreBuilder(extra.ToBuilder()), b.StoreBuilder(value)); err != nil {
			return nil, nil, err
		}
		return b.EndCell(), extra, nil
	}
	half := sort.Search(len(entries), func(i int) bool { return bit(entries[i].key, end) })
	var sides [2]augSide
	for i, part := range [2][]augEntry{entries[:half], entries[half:]} {
		if sides[i].c, sides[i].extra, err = t.node(part, end+1); err != nil {
			return nil, nil, err
		}
	}
	return t.fork(first, from, end, sides)
}

func bit(key []byte, i uint) bool { return key[i/8]>>(7-i%8)&1 == 1 }

// firstDifference is the first bit at or after from that two keys do not share.
func firstDifference(a, b []byte, from uint) uint {
	for i := from / 8; ; i++ {
		diff := a[i] ^ b[i]
		if i == from/8 {
			diff &= 0xff >> (from % 8)
		}
		if diff != 0 {
			return i*8 + uint(bits.LeadingZeros8(diff))
		}
	}
}

// storeLabel writes bits from to end of a key, of which at most most could be
// shared, as the shortest HmLabel.
func storeLabel(b *cell.Builder, key []byte, from, end, most uint) error {
	n, width := end-from, uint(bits.Len(most))
	same := true
	for i := from + 1; i < end; i++ {
		same = same && bit(key, i) == bit(key, from)
	}
	switch {
	case same && n > 1 && width < 2*n-1: // hml_same$11 v:Bit n:(#<= m)
		v := uint64(0b110)
		if bit(key, from) {
			v |= 1
		}
		return errors.Join(b.StoreUInt(v, 3), b.StoreUInt(uint64(n), width))
	case width < n: // hml_long$10 n:(#<= m) s:(n * Bit)
		return errors.Join(b.StoreUInt(0b10, 2), b.StoreUInt(uint64(n), width), storeBits(b, key, from, end))
	}
	// hml_short$0 len:(Unary n) s:(n * Bit)
	if err := b.StoreUInt(1<<(n+1)-2, n+2); err != nil {
		return err
	}
	return storeBits(b, key, from, end)
}

// storeBits writes some bits of a key.
func storeBits(b *cell.Builder, key []byte, from, end uint) error {
	for from < end && from%8 != 0 { // up to a whole byte
		if err := b.StoreBoolBit(bit(key, from)); err != nil {
			return err
		}
		from++
	}
	if from == end {
		return nil
	}
	return b.StoreSlice(key[from/8:], end-from)
}
